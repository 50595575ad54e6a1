// Writes what a client says into a buffer of the caller. What is no subject (a space would begin another token, a line break another operation) is refused.
// https://docs.nats.io/reference/reference-protocols/nats-protocol
import type { CoreHeaders } from '../core-connection.js';

/** What servers take in a control line by default. */
export const CONTROL_LINE_BYTES_MAX = 4 * 1024;
/** `HPUB`, the sizes, the spaces and the line end. */
const AROUND_SUBJECTS_BYTES = 48;
/** UTF-8 bytes of one UTF-16 unit. */
const UNIT_BYTES_MAX = 3;

const SPACE = 32;
const DELETE = 127;
const CR = 13;
const LF = 10;
const ZERO = 48;
const LETTER = { P: 80, U: 85, B: 66, H: 72 } as const;

/** @throws Error when the text cannot stand as one token of a control line. */
export const assertToken = (text: string): void => {
  if (text === '' || /[\s\p{Cc}]/u.test(text)) throw new Error(`${JSON.stringify(text)} is no subject`);
};

/** Bytes that a control line may take. @throws Error when a server would refuse it. */
export const publishLineBytesMax = (subject: string, reply: string): number => {
  const units = subject.length + reply.length;
  if (units + AROUND_SUBJECTS_BYTES > CONTROL_LINE_BYTES_MAX)
    throw new Error(
      `subject and reply have ${units} characters; a control line may have ${CONTROL_LINE_BYTES_MAX} bytes`,
    );
  return units * UNIT_BYTES_MAX + AROUND_SUBJECTS_BYTES;
};

const writeToken = (into: Buffer, from: number, text: string): number => {
  let at = from;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit <= SPACE || unit >= DELETE) {
      assertToken(text);
      return from + into.write(text, from, 'utf8');
    }
    into[at++] = unit;
  }
  if (at === from) assertToken(text);
  return at;
};

const writeNumber = (into: Buffer, from: number, value: number): number => {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.trunc(rest / 10)) digits += 1;
  let rest = value;
  for (let at = from + digits - 1; at >= from; at -= 1) {
    into[at] = ZERO + (rest % 10);
    rest = Math.trunc(rest / 10);
  }
  return from + digits;
};

export const writeLineEnd = (into: Buffer, at: number): number => {
  into[at] = CR;
  into[at + 1] = LF;
  return at + 2;
};

/**
 * `PUB <subject> [reply] <bytes>`, or with headers `HPUB <subject> [reply] <header bytes> <bytes>`, where the last counts both. Returns where the line ends.
 * @throws Error
 */
export const writePublishLine = (
  into: Buffer,
  from: number,
  subject: string,
  reply: string,
  headerBytes: number,
  dataBytes: number,
): number => {
  let at = from;
  if (headerBytes > 0) into[at++] = LETTER.H;
  into[at++] = LETTER.P;
  into[at++] = LETTER.U;
  into[at++] = LETTER.B;
  into[at++] = SPACE;
  at = writeToken(into, at, subject);
  into[at++] = SPACE;
  if (reply !== '') {
    at = writeToken(into, at, reply);
    into[at++] = SPACE;
  }
  if (headerBytes > 0) {
    at = writeNumber(into, at, headerBytes);
    into[at++] = SPACE;
  }
  return writeLineEnd(into, writeNumber(into, at, headerBytes + dataBytes));
};

/** A header block. https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md @throws Error */
export const encodeHeaders = (headers: CoreHeaders): Buffer => {
  let text = 'NATS/1.0\r\n';
  for (const [name, value] of headers) {
    if (!/^[!-9;-~]+$/.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a header`);
    if (/[\r\n]/.test(value)) throw new Error(`the value of header ${name} has a line break`);
    text += `${name}: ${value.trim()}\r\n`;
  }
  return Buffer.from(`${text}\r\n`);
};
