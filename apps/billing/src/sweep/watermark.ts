// How far the journal has been settled, as a time: everything that was stored before it has been committed here. One mark is set and awaited at a time.
// Nothing may be swept beyond it: what looks overdue may only be unread.

export interface JournalProgress {
  readonly ackFloor: number;
  readonly lastSequence: number;
}

export class Watermark {
  #mark: { readonly atMs: number; readonly sequence: number } | undefined;
  #throughMs = 0;

  /** Unix ms before which every stored fact has been processed; 0 until that is known. */
  get throughMs(): number {
    return this.#throughMs;
  }

  /** `askedAtMs`: a time not after the progress was read. */
  note(askedAtMs: number, { ackFloor, lastSequence }: JournalProgress): void {
    if (this.#mark !== undefined && ackFloor >= this.#mark.sequence) {
      this.#throughMs = this.#mark.atMs;
      this.#mark = undefined;
    }
    if (ackFloor >= lastSequence) this.#throughMs = askedAtMs;
    else this.#mark ??= { atMs: askedAtMs, sequence: lastSequence };
  }
}
