// A response in the client's dialect, by way of canonical events: a reader like any other, whose bytes are written by the public dialect.
import type { EventWriter } from '@waystation/dialects';
import { splitTail } from './split-tail.js';
import type { ByteSink, ResponseReader, ResponseReport, ResponseTerms, Translation } from '../spec.js';

export class TranslatingReader implements ResponseReader {
  readonly #reader: ResponseReader;
  readonly #writer: EventWriter;
  readonly #sink: ByteSink;
  #tail: string | undefined;

  constructor(translation: Translation, terms: ResponseTerms, writer: EventWriter, sink: ByteSink) {
    this.#writer = writer;
    this.#sink = sink;
    this.#reader = translation.readResponse(terms, (event) => writer.event(event));
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
    const { done } = this.#reader;
    this.#reader.push(chunk);
    if (!done) this.#flush();
  }

  end(): void {
    const { done } = this.#reader;
    this.#reader.end();
    if (!done) this.#flush();
  }

  cut(): void {
    this.#give(this.#writer.cut());
  }

  report(): ResponseReport {
    const report = this.#reader.report();
    const warnings = [...(report.warnings ?? []), ...this.#writer.warnings];
    return {
      ...report,
      ...(warnings.length === 0 ? {} : { warnings }),
      ...(this.#tail === undefined ? {} : { tail: this.#tail }),
    };
  }

  /** What one push made goes out in one buffer. */
  #flush(): void {
    this.#give(this.#reader.done ? this.#writer.end() : undefined);
  }

  #give(tail: string | undefined): void {
    const bytes = this.#writer.take();
    if (bytes.length > 0) this.#sink(bytes);
    if (tail === undefined) return;
    const { now, later } = splitTail(tail);
    if (now !== '') this.#sink(Buffer.from(now));
    this.#tail = later;
  }
}
