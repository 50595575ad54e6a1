// Reads the answer of a job: kept until it is whole, then judged and handed over as bytes of the public dialect.
// Invariants: nothing comes out of an answer that is none; usage is what the provider told, bent to what is possible, or estimated where it told none.
import { WaystationError } from '@waystation/contracts';
import { clampUsage } from '../events/clamp-usage.js';
import {
  RESPONSE_LIMITS,
  type AskedJob,
  type ByteSink,
  type JobAnswer,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
} from '../spec.js';

const UPSTREAM_ID_CHARS_MAX = 256;

export class JobReader implements ResponseReader {
  readonly #asked: AskedJob;
  readonly #terms: ResponseTerms;
  readonly #sink: ByteSink;
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #answer: JobAnswer | undefined;
  /** Nothing of an answer is text that was made. */
  readonly contentBytes = 0;
  readonly done = false;
  failure: WaystationError | undefined;

  constructor(asked: AskedJob, terms: ResponseTerms, sink: ByteSink) {
    this.#asked = asked;
    this.#terms = terms;
    this.#sink = sink;
    this.#bytesMax = terms.limits?.bodyBytesMax ?? RESPONSE_LIMITS.bodyBytesMax;
  }

  get meaningful(): boolean {
    return this.#answer !== undefined;
  }

  push(chunk: Buffer): void {
    if (this.failure !== undefined) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) {
      this.#chunks = [];
      this.failure = this.#invalid(`answered with more than ${this.#bytesMax} bytes`);
    }
  }

  end(): void {
    if (this.failure !== undefined) return;
    const body = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    const answer = this.#read(body);
    if (answer instanceof WaystationError) this.failure = answer;
    else {
      this.#answer = answer;
      this.#sink(answer.body);
    }
  }

  report(): ResponseReport {
    const { usage, pieces = this.#asked.estimatedPieces, upstreamId, contentType } = this.#answer ?? {};
    const told = usage === undefined ? undefined : clampUsage(usage, this.#terms.tokensMax);
    return {
      usage: told?.usage ?? { input: this.#terms.inputTokensEstimate(), ...pieces },
      usageSource: told?.source ?? 'estimated',
      ...(upstreamId === undefined ? {} : { upstreamId: upstreamId.slice(0, UPSTREAM_ID_CHARS_MAX) }),
      ...(contentType === undefined ? {} : { contentType }),
    };
  }

  /** What a provider sends may have any shape: a job that stumbles over it has read an invalid answer. */
  #read(body: Buffer): JobAnswer | WaystationError {
    try {
      const answer = this.#asked.readAnswer(body, this.#terms);
      if (answer !== undefined) return answer;
    } catch {
      // told below
    }
    return this.#invalid('answered with something of an unknown shape');
  }

  #invalid(what: string): WaystationError {
    const { providerName } = this.#terms;
    return new WaystationError('provider_invalid_response', `${providerName} ${what}.`, {
      details: { provider_name: providerName },
    });
  }
}
