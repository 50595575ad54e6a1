// AWS's binary event stream as a framing: prelude, headers, payload, each with its CRC32, split anywhere. An event comes out as its payload and its name, an exception
// likewise, an error of the stream as `{code, message}` under the name `error`. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
// By hand: AWS's own codec has grown into a package of 7 MB and wants whole messages; here every length is judged before anything is kept. The tests read what that codec wrote.
// Invariant: what comes out does not depend on how the bytes were cut; nothing comes out behind a frame that is not whole.
import { crc32 } from 'node:zlib';
import type { Framing, MakeFraming, OnEvent } from '../events/decoder.js';

/** Length of all, length of the headers, checksum of both. */
const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const FRAME_BYTES_MIN = PRELUDE_BYTES + CHECKSUM_BYTES;
/** https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html: headers are at most 128 KiB there */
const HEADERS_BYTES_MAX = 128 * 1024;

/** Bytes of a header's value by its type; -1 where two bytes in front of it say how many. */
const VALUE_BYTES: readonly number[] = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16];
const STRING = 7;

/** What the headers say of a message; `name` is undefined for kinds that mean nothing here. */
interface Headers {
  readonly name: string | undefined;
  /** Where it is an error, which says in its headers what it has to say. */
  readonly error?: Buffer;
}

/** The headers that are strings; undefined where the bytes are no headers. */
const readStrings = (bytes: Buffer): ReadonlyMap<string, string> | undefined => {
  const headers = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const nameBytes = bytes[at] ?? 0;
    const typeAt = at + 1 + nameBytes;
    const type = bytes[typeAt];
    let valueBytes = type === undefined ? undefined : VALUE_BYTES[type];
    if (type === undefined || valueBytes === undefined) return undefined;
    let valueAt = typeAt + 1;
    if (valueBytes < 0) {
      if (valueAt + 2 > bytes.length) return undefined;
      valueBytes = bytes.readUInt16BE(valueAt);
      valueAt += 2;
    }
    const end = valueAt + valueBytes;
    if (end > bytes.length) return undefined;
    if (type === STRING) headers.set(bytes.toString('utf8', at + 1, typeAt), bytes.toString('utf8', valueAt, end));
    at = end;
  }
  return headers;
};

const readHeaders = (bytes: Buffer): Headers | undefined => {
  const strings = readStrings(bytes);
  switch (strings?.get(':message-type')) {
    case 'event':
      return { name: strings.get(':event-type') ?? '' };
    case 'exception':
      return { name: strings.get(':exception-type') ?? 'unknownException' };
    case 'error': {
      const error = { code: strings.get(':error-code') ?? 'error', message: strings.get(':error-message') ?? '' };
      return { name: 'error', error: Buffer.from(JSON.stringify(error)) };
    }
    default:
      return strings && { name: undefined };
  }
};

const EMPTY = Buffer.from('{}');

class EventStreamReader implements Framing {
  readonly #onEvent: OnEvent;
  readonly #frameBytesMax: number;
  /** The beginning of a frame that is not whole yet. */
  #carry: Buffer[] = [];
  #carriedBytes = 0;
  /** How many bytes must be there before there is something to read. */
  #wantedBytes = PRELUDE_BYTES;
  /** Of the last frame, and their bytes: most frames repeat those of the one before. */
  #headers: Headers | undefined;
  #headerBytes = Buffer.alloc(0);
  tooLarge = false;
  broken = false;

  constructor(onEvent: OnEvent, eventBytesMax: number) {
    this.#onEvent = onEvent;
    this.#frameBytesMax = FRAME_BYTES_MIN + HEADERS_BYTES_MAX + eventBytesMax;
  }

  push(chunk: Buffer): void {
    if (this.tooLarge || this.broken || chunk.length === 0) return;
    this.#carry.push(chunk);
    this.#carriedBytes += chunk.length;
    if (this.#carriedBytes < this.#wantedBytes) return;
    const bytes = this.#carry.length === 1 ? chunk : Buffer.concat(this.#carry, this.#carriedBytes);
    const read = this.#read(bytes);
    this.#carry = read === bytes.length ? [] : [bytes.subarray(read)];
    this.#carriedBytes = bytes.length - read;
  }

  /** Half a frame is no event: the missing finish will tell. */
  end(): void {
    this.#carry = [];
  }

  /** Reads whole frames, answers where the first that is not whole begins. */
  #read(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const rest = bytes.length - at;
      if (rest < PRELUDE_BYTES) {
        this.#wantedBytes = PRELUDE_BYTES;
        return at;
      }
      const frameBytes = this.#frameAt(bytes, at);
      if (frameBytes === undefined) return at;
      if (rest < frameBytes) {
        this.#wantedBytes = frameBytes;
        return at;
      }
      this.#frame(bytes, at, at + frameBytes);
      if (this.broken) return at;
      at += frameBytes;
    }
  }

  /** How long the frame is; undefined where it must not be read. */
  #frameAt(bytes: Buffer, at: number): number | undefined {
    const frameBytes = bytes.readUInt32BE(at);
    const headersBytes = bytes.readUInt32BE(at + 4);
    if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8)) this.broken = true;
    else if (frameBytes < FRAME_BYTES_MIN + headersBytes || headersBytes > HEADERS_BYTES_MAX) this.broken = true;
    else if (frameBytes > this.#frameBytesMax) this.tooLarge = true;
    return this.broken || this.tooLarge ? undefined : frameBytes;
  }

  #frame(bytes: Buffer, at: number, end: number): void {
    const checksumAt = end - CHECKSUM_BYTES;
    const payloadAt = at + PRELUDE_BYTES + bytes.readUInt32BE(at + 4);
    const isWhole = crc32(bytes.subarray(at, checksumAt)) === bytes.readUInt32BE(checksumAt);
    const headers = isWhole ? this.#headersAt(bytes, at + PRELUDE_BYTES, payloadAt) : undefined;
    if (headers === undefined) {
      this.broken = true;
      return;
    }
    const { name, error } = headers;
    if (name === undefined) return;
    if (error !== undefined) this.#onEvent(error, 0, error.length, name);
    else if (payloadAt === checksumAt) this.#onEvent(EMPTY, 0, EMPTY.length, name);
    else this.#onEvent(bytes, payloadAt, checksumAt, name);
  }

  #headersAt(bytes: Buffer, start: number, end: number): Headers | undefined {
    const known = this.#headerBytes;
    if (known.length === end - start && bytes.compare(known, 0, known.length, start, end) === 0) return this.#headers;
    this.#headerBytes = Buffer.from(bytes.subarray(start, end));
    this.#headers = readHeaders(this.#headerBytes);
    return this.#headers;
  }
}

export const eventStreamFraming: MakeFraming = (onEvent, eventBytesMax) =>
  new EventStreamReader(onEvent, eventBytesMax);
