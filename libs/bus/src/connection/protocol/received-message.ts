// A message as the parser found it: positions in the bytes that came off the socket. Text, headers and status are read when they are asked for,
// because most messages are judged by their payload alone. Nobody writes to these bytes, and the views keep them alive.
import type { CoreMessage } from '../core-connection.js';

/** Where things are: subject and reply in the control line's bytes, headers and data in the body's. */
export interface MessageLayout {
  readonly line: Buffer;
  readonly subjectFrom: number;
  readonly subjectTo: number;
  /** Equal to `replyTo` where there is no reply subject. */
  readonly replyFrom: number;
  readonly replyTo: number;
  /** Zero where there are no headers. */
  readonly headerBytes: number;
}

const HEADER_VERSION = 'NATS/1.0';
const LINE_END = '\r\n';

export class ReceivedMessage implements CoreMessage {
  readonly #layout: MessageLayout;
  readonly #body: Buffer;
  readonly #bodyFrom: number;
  readonly #bodyTo: number;
  #subject: string | undefined;
  #data: Buffer | undefined;
  #headers: string | undefined;

  /** The body is the headers and the data behind them. */
  constructor(layout: MessageLayout, body: Buffer, bodyFrom: number, bodyTo: number) {
    this.#layout = layout;
    this.#body = body;
    this.#bodyFrom = bodyFrom;
    this.#bodyTo = bodyTo;
  }

  get subject(): string {
    const { line, subjectFrom, subjectTo } = this.#layout;
    return (this.#subject ??= line.toString('utf8', subjectFrom, subjectTo));
  }

  get reply(): string {
    const { line, replyFrom, replyTo } = this.#layout;
    return replyFrom === replyTo ? '' : line.toString('utf8', replyFrom, replyTo);
  }

  get data(): Uint8Array {
    return (this.#data ??= this.#body.subarray(this.#bodyFrom + this.#layout.headerBytes, this.#bodyTo));
  }

  get status(): number {
    const status = Number.parseInt(this.#statusText(), 10);
    return Number.isNaN(status) ? 0 : status;
  }

  get description(): string {
    return this.#statusText().replace(/^\d+/, '').trim();
  }

  header(name: string): string | undefined {
    const headers = this.#headerText();
    const before = `${LINE_END}${name}:`;
    const at = headers.indexOf(before);
    if (at < 0) return undefined;
    const end = headers.indexOf(LINE_END, at + before.length);
    return headers.slice(at + before.length, end < 0 ? undefined : end).trim();
  }

  #headerText(): string {
    const { headerBytes } = this.#layout;
    if (headerBytes === 0) return '';
    return (this.#headers ??= this.#body.toString('utf8', this.#bodyFrom, this.#bodyFrom + headerBytes));
  }

  /** `503`, `408 Request Timeout`; empty where the first line has the version alone. */
  #statusText(): string {
    const headers = this.#headerText();
    if (!headers.startsWith(HEADER_VERSION)) return '';
    const end = headers.indexOf(LINE_END);
    return headers.slice(HEADER_VERSION.length, end < 0 ? undefined : end).trim();
  }
}
