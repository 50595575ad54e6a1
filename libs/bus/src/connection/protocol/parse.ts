// Reads what a NATS server says, from chunks as they come off the socket. However the bytes are cut, the same events come in the same order; a message
// that lies whole in one chunk is not copied. What is not the protocol, or larger than its bounds, throws, and the connection is of no use any more.
// https://docs.nats.io/reference/reference-protocols/nats-protocol
import type { CoreMessage } from '../core-connection.js';
import { ReceivedMessage, type MessageLayout } from './received-message.js';

export interface ServerEvents {
  message(sid: number, message: CoreMessage): void;
  /** The JSON behind INFO. */
  info(json: string): void;
  ping(): void;
  pong(): void;
  /** The text behind -ERR, without its quotes. */
  error(text: string): void;
}

/** 4 KiB is what servers take in a control line; they add a sid, and JetStream its ack subject. */
export const LINE_BYTES_MAX = 5 * 1024;
/** INFO names every server of a cluster. */
export const INFO_BYTES_MAX = 1024 * 1024;
/** No server takes a payload over 64 MiB; JetStream adds headers to what it stored. */
export const BODY_BYTES_MAX = 65 * 1024 * 1024;

/** What the server sent is not the protocol. */
export class ProtocolError extends Error {}

/** Enough to recognise what came, too little to hold a prompt. */
const SHOWN_BYTES_MAX = 32;
/** Subject, sid, reply, header bytes, all bytes. */
const TOKENS_MAX = 5;
const DIGITS_MAX = 15;
const WORD_BYTES_MAX = 'PING'.length;
const LF = 10;
const CR = 13;
const SPACE = 32;
const ZERO = 48;
const NOTHING = Buffer.alloc(0);

/** A message whose body comes in more than one chunk. */
interface Unfinished {
  readonly layout: MessageLayout;
  readonly sid: number;
  /** The body and the line end behind it. */
  readonly bytes: Buffer;
  filled: number;
}

const malformed = (line: Buffer, from: number, to: number): ProtocolError => {
  const shown = JSON.stringify(line.toString('latin1', from, Math.min(to, from + SHOWN_BYTES_MAX)));
  return new ProtocolError(`the server sent what is not the NATS protocol: ${shown}`);
};

const startsWith = (bytes: Buffer, at: number, end: number, text: string): boolean => {
  if (end - at < text.length) return false;
  for (let index = 0; index < text.length; index += 1) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
};

export class Parser {
  readonly #events: ServerEvents;
  /** Start and end of each token of the line at hand. */
  readonly #tokens = new Int32Array(2 * TOKENS_MAX);
  /** The beginning of a line whose end did not come yet. */
  #begun: Buffer = NOTHING;
  #unfinished: Unfinished | undefined;

  constructor(events: ServerEvents) {
    this.#events = events;
  }

  /** Must not be called again after it threw. @throws ProtocolError */
  parse(chunk: Buffer): void {
    let at = this.#unfinished === undefined ? 0 : this.#continue(this.#unfinished, chunk);
    while (at < chunk.length) {
      const lineFeed = chunk.indexOf(LF, at);
      if (lineFeed < 0) {
        this.#begin(chunk, at);
        return;
      }
      if (this.#begun.length === 0) {
        at = this.#line(chunk, at, lineFeed, chunk);
        continue;
      }
      this.#begin(chunk.subarray(0, lineFeed + 1), at);
      const line = this.#begun;
      this.#begun = NOTHING;
      at = this.#line(line, 0, line.length - 1, chunk, lineFeed + 1);
    }
  }

  /** Keeps a piece of a line. */
  #begin(chunk: Buffer, at: number): void {
    this.#begun = Buffer.concat([this.#begun, chunk.subarray(at)]);
    this.#bound(this.#begun, 0, this.#begun.length);
  }

  #bound(line: Buffer, from: number, to: number): void {
    if (to - from <= LINE_BYTES_MAX) return;
    const bytesMax = startsWith(line, from, to, 'INFO ') ? INFO_BYTES_MAX : LINE_BYTES_MAX;
    if (to - from > bytesMax) throw new ProtocolError(`the server sent a line of more than ${bytesMax} bytes`);
  }

  /** Reads one line, which ends with the line feed at `lineFeed`, and the body that begins at `bodyAt` of the chunk. Returns where the next line begins. */
  #line(line: Buffer, from: number, lineFeed: number, chunk: Buffer, bodyAt = lineFeed + 1): number {
    const end = lineFeed - 1;
    this.#bound(line, from, end);
    if (end < from || line[end] !== CR) throw malformed(line, from, lineFeed);
    if (startsWith(line, from, end, 'MSG ')) return this.#message(line, from, from + 4, end, false, chunk, bodyAt);
    if (startsWith(line, from, end, 'HMSG ')) return this.#message(line, from, from + 5, end, true, chunk, bodyAt);
    if (startsWith(line, from, end, 'INFO ')) this.#events.info(line.toString('utf8', from + 5, end));
    else if (startsWith(line, from, end, '-ERR '))
      this.#events.error(
        line
          .toString('utf8', from + 5, end)
          .trim()
          .replace(/^'(.*)'$/, '$1'),
      );
    else this.#word(line, from, end);
    return bodyAt;
  }

  #word(line: Buffer, from: number, end: number): void {
    switch (line.toString('latin1', from, Math.min(end, from + WORD_BYTES_MAX + 1))) {
      case 'PING':
        return this.#events.ping();
      case 'PONG':
        return this.#events.pong();
      case '+OK':
        return;
      default:
        throw malformed(line, from, end);
    }
  }

  /** `MSG <subject> <sid> [reply] <bytes>`, `HMSG <subject> <sid> [reply] <header bytes> <bytes>` */
  #message(
    line: Buffer,
    from: number,
    tokensFrom: number,
    end: number,
    hasHeaders: boolean,
    chunk: Buffer,
    bodyAt: number,
  ): number {
    const count = this.#split(line, tokensFrom, end);
    const tokens = this.#tokens as ArrayLike<number> as readonly number[];
    const numbers = hasHeaders ? 2 : 1;
    if (count !== 2 + numbers && count !== 3 + numbers) throw malformed(line, from, end);
    const sid = this.#number(line, 1);
    const bodyBytes = this.#number(line, count - 1);
    const headerBytes = hasHeaders ? this.#number(line, count - 2) : 0;
    if (sid < 0 || bodyBytes < 0 || headerBytes < 0 || headerBytes > bodyBytes) throw malformed(line, from, end);
    if (bodyBytes > BODY_BYTES_MAX)
      throw new ProtocolError(
        `the server announced a message of ${bodyBytes} bytes; at most ${BODY_BYTES_MAX} are taken`,
      );
    const hasReply = count === 3 + numbers;
    const layout: MessageLayout = {
      line,
      subjectFrom: tokens[0] ?? 0,
      subjectTo: tokens[1] ?? 0,
      replyFrom: hasReply ? (tokens[4] ?? 0) : 0,
      replyTo: hasReply ? (tokens[5] ?? 0) : 0,
      headerBytes,
    };
    const bodyTo = bodyAt + bodyBytes;
    if (bodyTo + 2 <= chunk.length) {
      this.#hand(layout, sid, chunk, bodyAt, bodyTo);
      return bodyTo + 2;
    }
    this.#unfinished = { layout, sid, bytes: Buffer.allocUnsafeSlow(bodyBytes + 2), filled: 0 };
    return bodyAt + this.#fill(this.#unfinished, chunk, bodyAt);
  }

  #continue(unfinished: Unfinished, chunk: Buffer): number {
    const at = this.#fill(unfinished, chunk, 0);
    const { layout, sid, bytes, filled } = unfinished;
    if (filled < bytes.length) return at;
    this.#unfinished = undefined;
    this.#hand(layout, sid, bytes, 0, bytes.length - 2);
    return at;
  }

  #fill(unfinished: Unfinished, chunk: Buffer, at: number): number {
    const taken = chunk.copy(unfinished.bytes, unfinished.filled, at);
    unfinished.filled += taken;
    return taken;
  }

  #hand(layout: MessageLayout, sid: number, body: Buffer, from: number, to: number): void {
    if (body[to] !== CR || body[to + 1] !== LF)
      throw new ProtocolError('the server sent a message that does not end where it should');
    this.#events.message(sid, new ReceivedMessage(layout, body, from, to));
  }

  /** Finds the tokens of a line, one space between each; -1 if it is made otherwise. */
  #split(line: Buffer, from: number, end: number): number {
    const tokens = this.#tokens;
    let count = 0;
    let start = from;
    for (let at = from; at <= end; at += 1) {
      if (at < end && line[at] !== SPACE) continue;
      if (at === start || count === TOKENS_MAX) return -1;
      tokens[2 * count] = start;
      tokens[2 * count + 1] = at;
      count += 1;
      start = at + 1;
    }
    return count;
  }

  /** The token as a number; -1 if it is none. */
  #number(line: Buffer, token: number): number {
    const from = this.#tokens[2 * token] ?? 0;
    const to = this.#tokens[2 * token + 1] ?? 0;
    if (to - from > DIGITS_MAX) return -1;
    let value = 0;
    for (let at = from; at < to; at += 1) {
      const digit = (line[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }
}
