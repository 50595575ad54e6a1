// One response out of the bytes of a connection, in pieces as they come: head, body, end. It says what came and decides nothing.
// Invariants: head, body and end do not depend on how the bytes were cut; what comes out is a copy, so the piece may be overwritten; after `failure` or `done` nothing changes
// but `leftover`.
import { ChunkedDecoder } from './chunked-decoder.js';
import { Http1Error } from './http1-error.js';
import { parseResponseHead, type ResponseHead } from './response-head.js';

/** Of the head and all interim heads before it. */
export const HEADER_BYTES_MAX = 32 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_START = Buffer.from('HTTP/1.');
const SWITCHING_PROTOCOLS = 101;

/** So that what speaks no HTTP at all is known before it has sent a whole head. */
const mayBeHead = (bytes: Buffer, start: number, end: number): boolean => {
  const length = Math.min(end - start, HEAD_START.length);
  return bytes.compare(HEAD_START, 0, length, start, start + length) === 0;
};

export class ResponseParser {
  /** Of the final response, once it is whole. */
  head: ResponseHead | undefined;
  done = false;
  failure: Http1Error | undefined;
  /** Bytes came behind the end. */
  leftover = false;
  /** The beginning of a head. */
  #held: Buffer | undefined;
  #headBytes = 0;
  #left = 0;
  #chunks: ChunkedDecoder | undefined;

  /** For the next response. */
  reset(): void {
    this.head = undefined;
    this.done = false;
    this.failure = undefined;
    this.leftover = false;
    this.#held = undefined;
    this.#headBytes = 0;
    this.#chunks = undefined;
  }

  /** @returns what the piece held of the body, if anything */
  push(bytes: Buffer, start: number, end: number): Buffer | undefined {
    if (this.failure !== undefined) return undefined;
    const held = this.#held;
    if (held === undefined) return this.#read(bytes, start, end, start);
    this.#held = undefined;
    const joined = Buffer.concat([held, bytes.subarray(start, end)]);
    return this.#read(joined, 0, joined.length, Math.max(0, held.length - HEAD_END.length + 1));
  }

  /** The other side sends no more. Afterwards the response is `done`, or it is broken. */
  close(): void {
    if (this.failure === undefined && this.head?.bodyEnd === 'close') this.done = true;
  }

  #read(bytes: Buffer, start: number, end: number, searchFrom: number): Buffer | undefined {
    const at = this.head === undefined ? this.#readHead(bytes, start, end, searchFrom) : start;
    if (this.head === undefined || at === end) return undefined;
    if (this.done) {
      this.leftover = true;
      return undefined;
    }
    if (this.#chunks !== undefined) return this.#readChunks(this.#chunks, bytes, at, end);
    if (this.head.bodyEnd === 'close') return copyOf(bytes, at, end);
    const to = Math.min(at + this.#left, end);
    this.#left -= to - at;
    this.done = this.#left === 0;
    this.leftover = to < end;
    return copyOf(bytes, at, to);
  }

  /** @returns where the body begins */
  #readHead(bytes: Buffer, start: number, end: number, searchFrom: number): number {
    let at = start;
    let from = searchFrom;
    while (at < end) {
      // The buffer may hold bytes of an older piece behind the end of this one.
      const found = bytes.indexOf(HEAD_END, from);
      const headEnd = found < 0 ? Infinity : found + HEAD_END.length;
      const whole = headEnd <= end;
      if (this.#headBytes + Math.min(headEnd, end) - at > HEADER_BYTES_MAX) {
        this.failure = new Http1Error('HTTP_HEAD_TOO_LARGE', `more than ${HEADER_BYTES_MAX} bytes of headers`);
        return end;
      }
      if (!whole) {
        if (mayBeHead(bytes, at, end)) this.#held = Buffer.from(bytes.subarray(at, end));
        else this.failure = new Http1Error('HTTP_HEAD_INVALID', 'the answer is not HTTP/1.1');
        return end;
      }
      this.#headBytes += headEnd - at;
      if (this.#takeHead(bytes.toString('latin1', at, headEnd))) return headEnd;
      at = headEnd;
      from = headEnd;
    }
    return end;
  }

  /** @returns whether there is nothing more to read before the body: an interim head is passed over */
  #takeHead(text: string): boolean {
    let head: ResponseHead;
    try {
      head = parseResponseHead(text);
    } catch (error) {
      this.failure = error as Http1Error;
      return true;
    }
    if (head.status === SWITCHING_PROTOCOLS) {
      this.failure = new Http1Error('HTTP_UPGRADE_UNASKED', 'the protocol was switched, which nobody asked for');
      return true;
    }
    if (head.status < 200) return false;
    this.head = head;
    this.#left = head.bodyBytes;
    if (head.bodyEnd === 'chunked') this.#chunks = new ChunkedDecoder();
    else this.done = head.bodyEnd === 'none' || (head.bodyEnd === 'length' && head.bodyBytes === 0);
    return true;
  }

  #readChunks(chunks: ChunkedDecoder, bytes: Buffer, start: number, end: number): Buffer | undefined {
    const spans: number[] = [];
    let total = 0;
    const stopped = chunks.read(bytes, start, end, (from, to) => {
      spans.push(from, to);
      total += to - from;
    });
    if (chunks.invalid) this.failure = new Http1Error('HTTP_CHUNK_INVALID', 'the chunked coding is broken');
    this.done = chunks.done;
    this.leftover = chunks.done && stopped < end;
    if (total === 0) return undefined;
    const data = Buffer.allocUnsafe(total);
    for (let index = 0, to = 0; index < spans.length; index += 2)
      to += bytes.copy(data, to, spans[index], spans[index + 1]);
    return data;
  }
}

const copyOf = (bytes: Buffer, start: number, end: number): Buffer => {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
};
