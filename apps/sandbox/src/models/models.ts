// What the sandbox offers: a table of model ids, each a name for a script. Prices are hints for a catalog, in USD per million tokens, as text.
import { scriptOf, type Script, type ScriptOverrides } from '../script/script.js';

export interface SandboxModel {
  /** Without the `sandbox/` in front. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly script: Script;
  readonly price: Readonly<Record<string, string>>;
  readonly context: number;
  readonly maxOutput: number;
  readonly inputModalities: readonly string[];
  readonly outputModalities: readonly string[];
  /** What it is for. */
  readonly apis: readonly string[];
}

const PRICE = { input: '0.15', output: '0.60', cacheRead: '0.075' };
const PRICE_B = { input: '0.30', output: '1.20', cacheRead: '0.15' };
const PRICE_FREE = { input: '0', output: '0', cacheRead: '0' };
/** In USD a second. */
const PRICE_BY_SECOND = { input: '0', output: '0', seconds: '0.0001' };
const PRICE_OF_SOUND = { input: '2.5', output: '10', audioInput: '6' };
const CONTEXT = 1_000_000;
const MAX_OUTPUT = 65_536;

const model = (
  id: string,
  description: string,
  overrides: ScriptOverrides = {},
  price: SandboxModel['price'] = PRICE,
): SandboxModel => ({
  id,
  name: `Sandbox ${id}`,
  description,
  script: scriptOf(overrides),
  price,
  context: CONTEXT,
  maxOutput: MAX_OUTPUT,
  inputModalities: ['text', 'image', 'audio', 'file'],
  outputModalities: ['text'],
  apis: ['chat'],
});

/** Jobs that generate nothing. */
const job = (id: string, api: string, description: string): SandboxModel => ({
  ...model(id, description),
  inputModalities: ['text'],
  outputModalities: [api],
  apis: [api],
});

/** Text out of a sound. */
const listener = (id: string, description: string, price: SandboxModel['price']): SandboxModel => ({
  ...job(id, 'transcriptions', description),
  ...{ price, inputModalities: ['audio'], outputModalities: ['transcription'] },
});

export const MODELS: readonly SandboxModel[] = [
  model('echo', 'Repeats the last user message.', { echo: true }),
  model('echo-b', 'Repeats the last user message at twice the price of echo.', { echo: true }, PRICE_B),
  model('free', 'Repeats the last user message and costs nothing.', { echo: true }, PRICE_FREE),
  model('tools', 'Calls the first tool it is given, and answers once it has the result.', { callTools: true }),
  model('reason', 'Thinks for 24 tokens before it answers.', { reasoningTokens: 24 }),
  model('reason-content', 'Thinks like reason; chat completions call it reasoning_content.', {
    reasoningTokens: 24,
    reasoningField: 'reasoning_content',
  }),
  model('reason-tools', 'Thinks for 24 tokens, then calls the first tool.', { reasoningTokens: 24, callTools: true }),
  model('parallel', 'Calls two tools at once, in turn where it is given fewer.', { callTools: true, toolCalls: 2 }),
  model('cache', 'Reads the messages it has seen before from a prompt cache.', { cache: true }),
  model('slow', '40 tokens, the first after 200 ms, then one each 100 ms.', {
    outputTokens: 40,
    delayMs: 200,
    tokenDelayMs: 100,
  }),
  model('slow-headers', 'Sends the status line after 2 s.', { headerDelayMs: 2_000 }),
  model('bills-after-cancel', '100 tokens, one each 20 ms; goes on and bills to the end when the client leaves.', {
    outputTokens: 100,
    tokenDelayMs: 20,
    billsAfterCancel: true,
  }),
  model('big', '52,000 tokens: a stream of more than 10 MB.', { outputTokens: 52_000 }),
  model('empty', 'A completion without a single token.', { outputTokens: 0 }),
  model('filtered', 'A filter blocks every prompt.', { filter: true }),
  job('embed', 'embeddings', 'Embeds texts: near each other where they share words.'),
  job('rerank', 'rerank', 'Orders documents by the words that they share with a query.'),
  listener('whisper', 'Writes down what is said, billed by the second.', PRICE_BY_SECOND),
  listener('transcribe', 'Writes down what is said, billed by the token.', PRICE_OF_SOUND),
  model('fail-400', 'Answers 400.', { fail: 400 }),
  model('fail-401', 'Answers 401.', { fail: 401 }),
  model('fail-429', 'Answers 429 with Retry-After: 1.', { fail: 429, retryAfterS: 1 }),
  model('fail-500', 'Answers 500.', { fail: 500 }),
  model('fail-529', 'Answers 529: overloaded.', { fail: 529 }),
  model('reset-before-headers', 'Resets the connection before the status line.', { fail: 'reset' }),
  model('hang', 'Takes the request and never answers.', { fail: 'hang' }),
  model('error-first', 'Answers 200; the first event is an error.', { fail: 500, afterTokens: 0 }),
  model('error-after-5', 'An error event after 5 tokens.', { outputTokens: 100, fail: 500, afterTokens: 5 }),
  model('die-after-30', 'The connection breaks after 30 of 100 tokens.', {
    outputTokens: 100,
    fail: 'die',
    afterTokens: 30,
  }),
  model('breaks-off', 'Repeats the last user message; the connection breaks after 5 tokens.', {
    echo: true,
    fail: 'die',
    afterTokens: 5,
  }),
  model('stall-after-30', 'Says nothing more after 30 of 100 tokens.', {
    outputTokens: 100,
    fail: 'stall',
    afterTokens: 30,
  }),
  model('no-finish', 'The stream ends without a finish reason.', { fail: 'no-finish' }),
  model('no-usage', 'Never tells its usage.', { usage: 'none' }),
  model('late-usage', 'Tells its usage 300 ms after the finish reason.', { usage: 'late' }),
  model('usage-placeholder', 'Tells a usage of zeros.', { usage: 'placeholder' }),
  model('usage-prompt-only', 'Tells a usage of the prompt, and zero for the completion.', { usage: 'prompt-only' }),
  model('usage-negative', 'Tells a negative usage.', { usage: 'negative' }),
  model('usage-huge', 'Tells a usage of 10¹² tokens.', { usage: 'huge' }),
  model('usage-cached-over-prompt', 'Tells more cached tokens than the prompt has.', { usage: 'cached-over-prompt' }),
  model('split-bytes', 'Each byte of the stream on its own.', { wire: 'split-bytes' }),
  model('crlf', 'Lines end in CR LF.', { wire: 'crlf' }),
  model('comments', 'A comment before each event.', { wire: 'comments' }),
];

const byId = new Map(MODELS.map((each) => [each.id, each]));

/** `m-<output tokens>-<ms before the first token>-<ms between tokens>` */
const GENERIC = /^m-(\d{1,6})-(\d{1,6})-(\d{1,6})$/;
const GENERIC_REMEMBERED_MAX = 1_000;
const generic = new Map<string, SandboxModel>();

/** Finds a model by `sandbox/<id>`, by `<id>`, or by the generic form. */
export const findModel = (name: string): SandboxModel | undefined => {
  const id = name.startsWith('sandbox/') ? name.slice('sandbox/'.length) : name;
  const known = byId.get(id) ?? generic.get(id);
  if (known !== undefined) return known;
  const match = GENERIC.exec(id);
  if (match === null) return undefined;
  const [outputTokens, delayMs, tokenDelayMs] = match.slice(1).map(Number) as [number, number, number];
  if (delayMs > 600_000 || tokenDelayMs > 600_000) return undefined;
  const made = model(id, `${outputTokens} tokens, the first after ${delayMs} ms, then one each ${tokenDelayMs} ms.`, {
    outputTokens,
    delayMs,
    tokenDelayMs,
  });
  if (generic.size >= GENERIC_REMEMBERED_MAX) generic.clear();
  generic.set(id, made);
  return made;
};
