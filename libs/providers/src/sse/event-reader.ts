// Server-sent events, bytes in, data out: LF, CR and CRLF, a byte order mark, comments and data in several lines, split anywhere.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
// Invariant: what comes out does not depend on how the bytes were cut; a line is searched once, however many pieces it comes in.

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;
const NEWLINE = Buffer.from('\n');
/** Joins lines of JSON: it means the same there, and what is passed on stays one line. */
export const JSON_JOINT = Buffer.from(' ');

/** Gets the data of one event: a range of a buffer that is only read during the call. */
export type EventData = (bytes: Buffer, start: number, end: number) => void;

const isDataField = (bytes: Buffer, start: number, end: number): boolean =>
  bytes[start] === 0x64 &&
  bytes[start + 1] === 0x61 &&
  bytes[start + 2] === 0x74 &&
  bytes[start + 3] === 0x61 &&
  (end === start + 4 || bytes[start + 4] === COLON);

export class EventReader {
  readonly #onData: EventData;
  readonly #eventBytesMax: number;
  readonly #joint: Buffer;
  /** The beginning of a line whose end has not come yet. */
  #carry: Buffer[] = [];
  #carriedBytes = 0;
  #afterCr = false;
  #firstLine = true;
  /** The data of the event that no blank line has ended yet; further lines of it behind. */
  #data: Buffer | undefined;
  #dataStart = 0;
  #dataEnd = 0;
  #more: Buffer[] = [];
  #moreBytes = 0;
  /** An event or line was larger than allowed: nothing more comes out. */
  tooLarge = false;

  /** @param joint stands between the lines of an event's data */
  constructor(onData: EventData, eventBytesMax: number, joint = NEWLINE) {
    this.#onData = onData;
    this.#eventBytesMax = eventBytesMax;
    this.#joint = joint;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0 || this.tooLarge) return;
    let at = 0;
    if (this.#afterCr) {
      this.#afterCr = false;
      if (chunk[0] === LF) at = 1;
    }
    let lf = chunk.indexOf(LF, at);
    let cr = chunk.indexOf(CR, at);
    for (;;) {
      const stop = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      if (stop < 0) break;
      this.#endLine(chunk, at, stop);
      if (this.tooLarge) return;
      at = stop + 1;
      if (stop === cr) {
        if (at === chunk.length) this.#afterCr = true;
        else if (chunk[at] === LF) at += 1;
      }
      if (lf >= 0 && lf < at) lf = chunk.indexOf(LF, at);
      if (cr >= 0 && cr < at) cr = chunk.indexOf(CR, at);
    }
    if (at === chunk.length) return;
    this.#carry.push(chunk.subarray(at));
    this.#carriedBytes += chunk.length - at;
    if (this.#carriedBytes > this.#eventBytesMax) this.tooLarge = true;
  }

  /** The stream ended: a last event that no blank line ended counts too, since servers forget it. */
  end(): void {
    if (this.tooLarge) return;
    this.#endLine(Buffer.alloc(0), 0, 0);
    this.#dispatch();
  }

  #endLine(chunk: Buffer, start: number, end: number): void {
    if (this.#carriedBytes === 0) return this.#line(chunk, start, end);
    const line = Buffer.concat([...this.#carry, chunk.subarray(start, end)]);
    this.#carry = [];
    this.#carriedBytes = 0;
    this.#line(line, 0, line.length);
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (this.#firstLine) {
      this.#firstLine = false;
      if (BYTE_ORDER_MARK.every((byte, index) => bytes[start + index] === byte)) start += BYTE_ORDER_MARK.length;
    }
    if (start >= end) return this.#dispatch();
    if (!isDataField(bytes, start, end)) return; // comments, `event`, `id`, `retry`
    let from = Math.min(start + 5, end);
    if (from < end && bytes[from] === SPACE) from += 1;
    if (this.#data === undefined) {
      this.#data = bytes;
      this.#dataStart = from;
      this.#dataEnd = end;
    } else {
      this.#more.push(this.#joint, bytes.subarray(from, end));
      this.#moreBytes += 1 + end - from;
    }
    if (this.#dataEnd - this.#dataStart + this.#moreBytes > this.#eventBytesMax) this.tooLarge = true;
  }

  #dispatch(): void {
    const data = this.#data;
    if (data === undefined) return;
    this.#data = undefined;
    if (this.#more.length === 0) return this.#onData(data, this.#dataStart, this.#dataEnd);
    const whole = Buffer.concat([data.subarray(this.#dataStart, this.#dataEnd), ...this.#more]);
    this.#more = [];
    this.#moreBytes = 0;
    this.#onData(whole, 0, whole.length);
  }
}
