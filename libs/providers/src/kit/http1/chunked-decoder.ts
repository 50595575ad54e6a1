// The chunked coding: sizes, extensions and trailers are taken out, the data stays. https://www.rfc-editor.org/rfc/rfc9112#section-7.1
// Invariant: what comes out does not depend on how the bytes were cut; nothing is kept between two pieces but numbers.

type State =
  | 'size'
  | 'extension'
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'line'
  | 'trailer-name'
  | 'trailer-value'
  | 'trailer-lf'
  | 'end-lf'
  | 'end'
  | 'invalid';

/** Of a chunk's size with its extensions. */
const SIZE_LINE_BYTES_MAX = 4 * 1024;
const TRAILER_BYTES_MAX = 32 * 1024;
const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;

const hexOf = (byte: number): number => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
};

const isText = (byte: number): boolean => byte === TAB || (byte >= SPACE && byte !== 0x7f);

export class ChunkedDecoder {
  #state: State = 'size';
  /** The size while it is read, then what is left of the chunk. */
  #left = 0;
  /** Of the line with the size, then of all trailers. */
  #lineBytes = 0;

  get done(): boolean {
    return this.#state === 'end';
  }

  get invalid(): boolean {
    return this.#state === 'invalid';
  }

  /**
   * Reads until the end of the piece or of the body.
   * @param onData told of the parts of `bytes` that are data
   * @returns where it stopped
   */
  read(bytes: Buffer, start: number, end: number, onData: (from: number, to: number) => void): number {
    let at = start;
    while (at < end && this.#state !== 'end' && this.#state !== 'invalid') {
      if (this.#state === 'data') {
        const to = Math.min(at + this.#left, end);
        onData(at, to);
        this.#left -= to - at;
        at = to;
        if (this.#left === 0) this.#state = 'data-cr';
      } else {
        this.#state = this.#next(this.#state, bytes[at] as number);
        at += 1;
      }
    }
    return at;
  }

  #next(state: Exclude<State, 'data' | 'end' | 'invalid'>, byte: number): State {
    this.#lineBytes += 1;
    switch (state) {
      case 'size':
        return this.#size(byte);
      case 'extension':
        if (byte === CR) return 'size-lf';
        return isText(byte) && this.#lineBytes <= SIZE_LINE_BYTES_MAX ? 'extension' : 'invalid';
      case 'size-lf':
        this.#lineBytes = 0;
        if (byte !== LF) return 'invalid';
        return this.#left === 0 ? 'line' : 'data';
      case 'data-cr':
        return byte === CR ? 'data-lf' : 'invalid';
      case 'data-lf':
        this.#lineBytes = 0;
        return byte === LF ? 'size' : 'invalid';
      case 'line':
        return byte === CR ? 'end-lf' : this.#trailer(byte);
      case 'trailer-name':
        return byte === COLON ? 'trailer-value' : this.#trailer(byte);
      case 'trailer-value':
        if (byte === CR) return 'trailer-lf';
        return isText(byte) && this.#lineBytes <= TRAILER_BYTES_MAX ? 'trailer-value' : 'invalid';
      case 'trailer-lf':
        return byte === LF ? 'line' : 'invalid';
      case 'end-lf':
        return byte === LF ? 'end' : 'invalid';
      default: {
        const unreachable: never = state;
        return unreachable;
      }
    }
  }

  #size(byte: number): State {
    const digit = hexOf(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      return this.#left <= Number.MAX_SAFE_INTEGER && this.#lineBytes <= SIZE_LINE_BYTES_MAX ? 'size' : 'invalid';
    }
    if (this.#lineBytes === 1) return 'invalid';
    if (byte === CR) return 'size-lf';
    return byte === SEMICOLON ? 'extension' : 'invalid';
  }

  #trailer(byte: number): State {
    return TOKEN.test(String.fromCharCode(byte)) && this.#lineBytes <= TRAILER_BYTES_MAX ? 'trailer-name' : 'invalid';
  }
}
