// What the ingress itself writes into a chat answer: the usage with its exact cost, and the end of a stream. The worker's bytes are never re-serialised.
import { formatUsd } from '@waystation/contracts';
import { inputTokens, outputTokens, type Usage } from '@waystation/generation';
import { notesJson, type FileNote } from '../plugins/answer-notes.js';
import { putUsage } from '../json/put-usage.js';

/** Which answer a chunk belongs to. */
export interface ChatAnswer {
  readonly generationId: string;
  readonly createdSeconds: number;
  readonly model: string;
  /** Display name. Absent before an endpoint took the call. */
  readonly providerName?: string | undefined;
  /** Of files that this station read for the prompt. */
  readonly fileNotes?: readonly FileNote[] | undefined;
  /** How it was routed, as JSON text, where the client asked for it (`X-OpenRouter-Metadata`). */
  readonly metadataJson?: string | undefined;
}

/** What a generation used and cost. All amounts in picodollars. */
export interface ChatBill {
  readonly usage: Usage;
  /** What the customer is charged. */
  readonly cost: bigint;
  /** What the tokens cost at the endpoint's price, by side, whoever bears it. */
  readonly promptCost: bigint;
  readonly completionCost: bigint;
  readonly byok: boolean;
}

const count = (usage: Usage, name: string): number => usage[name] ?? 0;

/** The `usage` object of the reference API. Costs are number literals of USD, exact to the picodollar. */
export const chatUsageJson = ({ usage, cost, promptCost, completionCost, byok }: ChatBill): string => {
  const prompt = inputTokens(usage);
  const completion = outputTokens(usage);
  return (
    `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}` +
    `,"prompt_tokens_details":{"cached_tokens":${count(usage, 'cacheRead')},"cache_write_tokens":${count(usage, 'cacheWrite') + count(usage, 'cacheWrite1h')}` +
    `,"audio_tokens":${count(usage, 'audioInput')},"video_tokens":0}` +
    `,"completion_tokens_details":{"reasoning_tokens":${count(usage, 'reasoning')},"audio_tokens":${count(usage, 'audioOutput')},"image_tokens":${count(usage, 'imageOutput')}}` +
    `,"cost":${formatUsd(cost)},"is_byok":${byok}` +
    `,"cost_details":{"upstream_inference_cost":${byok ? formatUsd(promptCost + completionCost) : 'null'}` +
    `,"upstream_inference_prompt_cost":${formatUsd(promptCost)},"upstream_inference_completions_cost":${formatUsd(completionCost)}}}`
  );
};

const head = (answer: ChatAnswer): string =>
  `{"id":"${answer.generationId}","object":"chat.completion.chunk","created":${answer.createdSeconds},"model":${JSON.stringify(answer.model)}` +
  (answer.providerName === undefined ? '' : `,"provider":${JSON.stringify(answer.providerName)}`);

/** A member behind others. */
export const metadataMember = ({ metadataJson }: ChatAnswer): string =>
  metadataJson === undefined ? '' : `,"openrouter_metadata":${metadataJson}`;

/** A comment line: keeps a connection warm, and every SSE parser skips it. */
export const SSE_KEEP_ALIVE = ': WAYSTATION PROCESSING\n\n';

const DONE = 'data: [DONE]\n\n';

/** The last chunk of a good stream (no choices, the usage) and the end marker behind it; the end marker alone while the usage is not known. */
export const chatStreamEnd = (answer: ChatAnswer, bill: ChatBill | undefined): string =>
  `${notesChunk(answer)}${lastChunk(head(answer), answer, bill)}${DONE}`;

/** Annotations come behind the words that they stand beside. */
const notesChunk = (answer: ChatAnswer): string =>
  answer.fileNotes === undefined || answer.fileNotes.length === 0
    ? ''
    : `data: ${head(answer)},"choices":[{"index":0,"delta":{"annotations":[${notesJson(answer.fileNotes)}]},"finish_reason":null,"native_finish_reason":null,"logprobs":null}]}\n\n`;

/** A chunk without choices: what is said of the whole answer. */
export const lastChunk = (start: string, answer: ChatAnswer, bill: ChatBill | undefined): string =>
  bill === undefined && answer.metadataJson === undefined
    ? ''
    : `data: ${start},"choices":[]${bill === undefined ? '' : `,"usage":${chatUsageJson(bill)}`}${metadataMember(answer)}}\n\n`;

/** The last choice of a stream that we end ourselves, before its usage and end marker: what came is good, and why no more comes is said in the choice. */
export const chatStreamCut = (answer: ChatAnswer, nativeReason: string, errorJson: string): string =>
  `data: ${head(answer)},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"length","native_finish_reason":${JSON.stringify(nativeReason)},"logprobs":null,"error":${errorJson}}]}\n\n`;

/** The last chunk of a stream that broke after the status line: status stays 200, no end marker follows. */
export const chatStreamError = (answer: ChatAnswer, errorJson: string): string =>
  `data: ${head(answer)},"error":${errorJson},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":null,"logprobs":null}]${metadataMember(answer)}}\n\n`;

/** Puts the usage into a whole answer, in place of the one that stands there; the answer as it is while the usage is not known. Undefined where the bytes are no JSON object. */
export const withChatUsage = (body: Buffer, bill: ChatBill | undefined): Buffer | undefined =>
  putUsage(body, bill && chatUsageJson(bill));
