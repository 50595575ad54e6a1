// Bytes on their way out, in order: chunks are taken whole and given back in pieces of any size with one copy.

export class Chunks {
  readonly #chunks: Uint8Array[] = [];
  #head = 0;
  #offset = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Copies the next `length` bytes to `target` at `at`. */
  take(length: number, target: Buffer, at: number): void {
    let left = length;
    while (left > 0) {
      const chunk = this.#chunks[this.#head] as Uint8Array;
      const piece = Math.min(left, chunk.length - this.#offset);
      target.set(
        piece === chunk.length ? chunk : chunk.subarray(this.#offset, this.#offset + piece),
        at + length - left,
      );
      this.#advance(chunk, piece);
      left -= piece;
    }
  }

  /** The next `length` bytes; without a copy where they are one chunk. */
  read(length: number): Buffer {
    const chunk = this.#chunks[this.#head] as Uint8Array;
    if (this.#offset + length <= chunk.length) {
      const view = Buffer.from(chunk.buffer, chunk.byteOffset + this.#offset, length);
      this.#advance(chunk, length);
      return view;
    }
    const joined = Buffer.allocUnsafe(length);
    this.take(length, joined, 0);
    return joined;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#head = 0;
    this.#offset = 0;
    this.#bytes = 0;
  }

  #advance(chunk: Uint8Array, length: number): void {
    this.#bytes -= length;
    this.#offset += length;
    if (this.#offset < chunk.length) return;
    this.#offset = 0;
    this.#head += 1;
    if (this.#head < this.#chunks.length) return;
    this.#chunks.length = 0;
    this.#head = 0;
  }
}
