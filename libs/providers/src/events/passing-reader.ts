// The client's dialect on both sides, where chunks are small documents of their own (unlike chat completions, whose chunks are passed by a scanner): every event is read
// for its meaning, and its bytes go out as they came, but for the few that hold something of ours or need the bill.
// Invariant: as for every reader, nothing comes out before the first event with content.
import type { ByteSink, ResponseReader, ResponseReport, ResponseTerms } from '../spec.js';
import type { JsonObject } from '../json-shape.js';
import type { Decoding } from './decoder.js';
import { EventsReader } from './events-reader.js';
import { splitTail } from './split-tail.js';

/** What becomes of an event's bytes. */
export type Passed =
  /** As they came. */
  | 'pass'
  /** Kept until the end: it needs the bill. */
  | 'tail'
  | 'drop'
  /** In other words; `waits` for the bill. */
  | { readonly json: string; readonly waits?: true };

export interface Passing {
  event(value: JsonObject): Passed;
  /** The whole body, with our fields in place; usage stays as the provider told it. */
  body(bytes: Buffer, value: JsonObject): Buffer;
  /** Closes what is open where the answer ends early; the end that the bill goes into. */
  cut(): { readonly close: readonly string[]; readonly tail: string };
}

const EVENT_END = Buffer.from('\n\n');

/** A name that stays in its line. */
const NAME = /^[\w.-]+$/;

/** `event:` repeats the type that the data names: so do Messages and Responses. */
const head = ({ type }: JsonObject): string =>
  typeof type === 'string' && NAME.test(type) ? `event: ${type}\ndata: ` : 'data: ';

export class PassingReader implements ResponseReader {
  readonly #sink: ByteSink;
  readonly #reader: EventsReader;
  readonly #passing: Passing;
  readonly #stream: boolean;
  #out: Buffer[] = [];
  #tail = '';

  constructor(terms: ResponseTerms, decoding: Decoding, passing: Passing, sink: ByteSink) {
    this.#sink = sink;
    this.#passing = passing;
    this.#stream = terms.stream;
    this.#reader = new EventsReader(
      terms,
      decoding,
      () => undefined,
      (value, bytes, start, end) => this.#tap(value, bytes, start, end),
    );
  }

  get contentBytes(): number {
    return this.#reader.contentBytes;
  }
  get meaningful(): boolean {
    return this.#reader.meaningful;
  }
  get done(): boolean {
    return this.#reader.done;
  }
  get failure(): ResponseReader['failure'] {
    return this.#reader.failure;
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#flush();
  }

  end(): void {
    this.#reader.end();
    this.#flush();
  }

  cut(): void {
    const { close, tail } = this.#passing.cut();
    for (const event of close) this.#out.push(Buffer.from(event));
    this.#tail = tail;
    this.#shortenTail();
    this.#flush();
  }

  report(): ResponseReport {
    const report = this.#reader.report();
    return this.#tail === '' ? report : { ...report, tail: this.#tail };
  }

  #tap(value: JsonObject, bytes: Buffer, start: number, end: number): void {
    if (!this.#stream) {
      this.#out.push(this.#passing.body(bytes, value));
      return;
    }
    const passed = this.#passing.event(value);
    if (passed === 'drop') return;
    if (passed === 'tail') this.#tail += `${head(value)}${bytes.toString('utf8', start, end)}\n\n`;
    else if (passed !== 'pass' && passed.waits === true) this.#tail += `${head(value)}${passed.json}\n\n`;
    else if (passed === 'pass')
      this.#out.push(Buffer.from(head(value)), Buffer.from(bytes.subarray(start, end)), EVENT_END);
    else this.#out.push(Buffer.from(`${head(value)}${passed.json}\n\n`));
  }

  #shortenTail(): void {
    const { now, later } = splitTail(this.#tail);
    if (now !== '') this.#out.push(Buffer.from(now));
    this.#tail = later;
  }

  #flush(): void {
    if (this.#reader.done) this.#shortenTail();
    if (!this.#reader.meaningful || this.#reader.failure !== undefined || this.#out.length === 0) return;
    const bytes = Buffer.concat(this.#out);
    this.#out = [];
    this.#sink(bytes);
  }
}
