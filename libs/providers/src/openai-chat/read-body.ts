// A completion that is not a stream: the whole body, with our id, model, provider and finish words put into its bytes. `usage` stays as the provider
// wrote it; whoever answers the client replaces it by one with the cost.
import { WaystationError } from '@waystation/contracts';
import { spliceJson } from '@waystation/dialects';
import type { FinishReason } from '@waystation/generation';
import { estimateUsage } from '../estimate-usage.js';
import { parseInBandError } from '../provider-error.js';
import {
  RESPONSE_LIMITS,
  type ByteSink,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
} from '../spec.js';
import { convertUsage } from './convert-usage.js';
import { isError, ownFields, readCompletion, valueOf, type ReadCompletion } from './edit-completion.js';
import { emptyCompletion, isDeliberatelyEmpty } from './empty-completion.js';
import { scanChunk } from './scan-chunk.js';

export class ChatBodyReader implements ResponseReader {
  readonly #terms: ResponseTerms;
  readonly #sink: ByteSink;
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #contentBytes = 0;
  #usage: unknown;
  #finish: { native: string; reason: FinishReason } | undefined;
  #upstreamId: string | undefined;
  meaningful = false;
  readonly done = false;
  failure: WaystationError | undefined;

  constructor(terms: ResponseTerms, sink: ByteSink) {
    this.#terms = terms;
    this.#sink = sink;
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
    const body = Buffer.concat(this.#chunks, this.#bytes);
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
      usage: told?.usage ?? estimateUsage(this.#terms.inputTokensEstimate, { bytes: this.#contentBytes, chunks: 0 }),
      usageSource: told?.source ?? 'estimated',
      ...(this.#finish === undefined
        ? {}
        : { finishReason: this.#finish.reason, nativeFinishReason: this.#finish.native.slice(0, 128) }),
      ...(this.#upstreamId === undefined ? {} : { upstreamId: this.#upstreamId }),
    };
  }

  #read(body: Buffer): void {
    const read = readCompletion(body, ownFields(this.#terms, 'chat.completion'), false);
    if (read === undefined) {
      this.failure = this.#invalid('sent a body that is not a JSON object');
      return;
    }
    const { fields, choices } = read;
    const id = valueOf(body, fields.get('id'));
    if (typeof id === 'string' && id !== '') this.#upstreamId = id.slice(0, 256);
    this.#usage = valueOf(body, fields.get('usage'));
    this.failure = this.#refusal(body, read);
    if (this.failure !== undefined) return;
    const span = fields.get('choices');
    if (span !== undefined) this.#contentBytes = scanChunk(body, span.valueStart, span.valueEnd, 0).contentBytes;
    this.#finish = choices?.findLast((choice) => choice.finish !== undefined)?.finish;
    this.meaningful = choices?.some((choice) => choice.meaningful) ?? false;
    if (!this.meaningful && !isDeliberatelyEmpty(this.report())) {
      this.failure = emptyCompletion(this.#terms.providerName);
      return;
    }
    this.meaningful = true;
    this.#sink(spliceJson(body, read.edits));
  }

  #refusal(body: Buffer, { fields, choices }: ReadCompletion): WaystationError | undefined {
    if (isError(body, fields)) {
      return parseInBandError(body.toString('utf8'), this.#terms);
    }
    if (choices === undefined) return this.#invalid('sent a completion without choices');
    if (choices.some((choice) => choice.finish?.reason === 'error')) {
      return new WaystationError('provider_unavailable', `${this.#terms.providerName} broke the completion off.`, {
        details: { provider_name: this.#terms.providerName },
      });
    }
    return undefined;
  }

  #invalid(what: string): WaystationError {
    return new WaystationError('provider_invalid_response', `${this.#terms.providerName} ${what}.`, {
      details: { provider_name: this.#terms.providerName },
    });
  }
}
