// Two streams that are to look like one: the second goes on with the text where the first broke off. Reads the events of the first, and edits those of the second in their
// bytes. Pure. Invariant: what cannot be continued as plain text has no text so far.

/** One answer, made by one attempt or by two. Events come whole, with the empty line behind them. */
export interface StreamJoint {
  /** What another attempt is to go on with. Undefined: nobody can, since something else than text came, or its end, or nothing yet. */
  readonly text: string | undefined;
  /** Whether there may yet be such a text: neither the request nor what was said need be kept any more where not. */
  readonly isOpen: boolean;
  /** What the client is to get of an event; it may be empty. */
  pass(event: Buffer): Buffer;
  /** From here on events are those of the second attempt, which was given `text`. */
  join(): void;
}

/** Nobody goes on with more than that. */
export const SAID_CHARACTERS_MAX = 1024 * 1024;

const DATA = Buffer.from('data: ');
const NEWLINE = 0x0a;

/** Where an event of ours has its JSON, on one line. Undefined in comments. */
export const jsonOf = (event: Buffer): { readonly json: Buffer; readonly start: number } | undefined => {
  for (let at = 0; at >= 0 && at < event.length; at = event.indexOf(NEWLINE, at) + 1) {
    const start = at + DATA.length;
    const newline = event.indexOf(NEWLINE, at);
    if (newline < 0) return undefined;
    if (event.compare(DATA, 0, DATA.length, at, Math.min(start, newline)) === 0)
      return { json: event.subarray(start, newline), start };
  }
  return undefined;
};

/** Undefined where it is no JSON. */
export const parsed = (json: Buffer): unknown => {
  try {
    return JSON.parse(json.toString());
  } catch {
    return undefined;
  }
};

/** White space at the end of a prefix is refused by some providers and doubled by others: it is not sent, and not taken a second time where the second begins with it. */
export class Seam {
  #left = '';

  /** The text as it is sent. */
  static prefixOf(text: string): string | undefined {
    const prefix = text.trimEnd();
    return prefix === '' ? undefined : prefix;
  }

  join(text: string): void {
    this.#left = text.slice(text.trimEnd().length);
  }

  /** What of a piece of the second text the client has not got yet. */
  take(piece: string): string {
    let at = 0;
    while (at < piece.length && at < this.#left.length && piece[at] === this.#left[at]) at += 1;
    // Where it goes on otherwise, or is through, nothing of it is left out any more.
    this.#left = at === piece.length ? this.#left.slice(at) : '';
    return piece.slice(at);
  }
}
