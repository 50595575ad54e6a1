// A completion that is not a stream: the whole body, with our id, model, provider and finish words put into its bytes. `usage` stays as the provider
// wrote it; whoever answers the client replaces it by one with the cost.
import { WaystationError } from '@waystation/contracts';
import { spliceJson } from '@waystation/dialects';
import { outputTokens, type FinishReason } from '@waystation/generation';
import { completeUsage } from '../estimate-usage.js';
import { parseInBandError } from '../provider-error.js';
import {
  RESPONSE_LIMITS,
  type ByteSink,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
} from '../spec.js';
import { convertUsage } from './convert-usage.js';
import {
  callEdits,
  finishEdits,
  inOrder,
  isError,
  ownEdits,
  ownFields,
  scanCompletion,
  serviceTierOf,
  valueOf,
  type OwnFields,
  type ScannedCompletion,
} from './edit-completion.js';
import { brokenOff, emptyCompletion, isDeliberatelyEmpty } from '../failures.js';
import { scanChunk } from './scan-chunk.js';

const UPSTREAM_ID_CHARS_MAX = 256;

export class ChatBodyReader implements ResponseReader {
  readonly #terms: ResponseTerms;
  readonly #sink: ByteSink;
  readonly #own: OwnFields;
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  contentBytes = 0;
  #usage: unknown;
  #finish: { native: string; reason: FinishReason } | undefined;
  #upstreamId: string | undefined;
  #serviceTier: string | undefined;
  meaningful = false;
  readonly done = false;
  failure: WaystationError | undefined;

  constructor(terms: ResponseTerms, sink: ByteSink) {
    this.#terms = terms;
    this.#sink = sink;
    this.#own = ownFields(terms, 'chat.completion');
    this.#bytesMax = terms.limits?.bodyBytesMax ?? RESPONSE_LIMITS.bodyBytesMax;
  }

  push(chunk: Buffer): void {
    if (this.failure !== undefined) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) {
      this.#chunks = [];
      this.failure = this.#invalid(`sent a body of more than ${this.#bytesMax} bytes`);
    }
  }

  end(): void {
    if (this.failure !== undefined) return;
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    try {
      this.#read(body);
    } catch {
      this.failure = this.#invalid('sent a body that is not valid JSON');
    }
  }

  report(): ResponseReport {
    const told = convertUsage(this.#usage, this.#terms.tokensMax);
    return {
      ...completeUsage(told, this.#terms.inputTokensEstimate, { bytes: this.contentBytes, chunks: 0 }),
      finishReason: this.#finish?.reason,
      nativeFinishReason: this.#finish?.native.slice(0, 128),
      upstreamId: this.#upstreamId,
      serviceTier: this.#serviceTier,
    };
  }

  #read(body: Buffer): void {
    const completion = scanCompletion(body);
    if (completion === undefined) {
      this.failure = this.#invalid('sent a body that is not a JSON object');
      return;
    }
    const { fields, choices } = completion;
    const id = valueOf(body, fields.id);
    if (typeof id === 'string' && id !== '') this.#upstreamId = id.slice(0, UPSTREAM_ID_CHARS_MAX);
    this.#usage = valueOf(body, fields.usage);
    this.#serviceTier = serviceTierOf(body, fields);
    this.#finish = choices?.findLast((choice) => choice.finish !== undefined)?.finish;
    // Counted only where the provider did not: it is a walk over all of the text.
    const told = convertUsage(this.#usage, this.#terms.tokensMax);
    if (outputTokens(told?.usage ?? {}) === 0 && fields.choices !== undefined) {
      this.contentBytes = scanChunk(body, fields.choices.valueStart, fields.choices.valueEnd, 0).contentBytes;
    }
    this.failure = this.#refusal(body, completion);
    if (this.failure !== undefined) return;
    this.meaningful = true;
    const edits = inOrder(ownEdits(body, completion, this.#own), finishEdits(completion), callEdits(body, completion));
    this.#sink(spliceJson(body, edits));
  }

  #refusal(body: Buffer, { fields, choices }: ScannedCompletion): WaystationError | undefined {
    const { providerName } = this.#terms;
    if (isError(body, fields)) return parseInBandError(body.toString('utf8'), this.#terms);
    if (choices === undefined) return this.#invalid('sent a completion without choices');
    const broken = choices.find((choice) => choice.finish?.reason === 'error')?.finish;
    if (broken !== undefined) return brokenOff(providerName, broken.native);
    const empty = !choices.some((choice) => choice.meaningful) && !isDeliberatelyEmpty(this.report());
    return empty ? emptyCompletion(providerName) : undefined;
  }

  #invalid(what: string): WaystationError {
    return new WaystationError('provider_invalid_response', `${this.#terms.providerName} ${what}.`, {
      details: { provider_name: this.#terms.providerName },
    });
  }
}
