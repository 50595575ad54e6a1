// Tokens of a prompt, for where the provider never told them: the client left, or the provider tells no usage. Rare, so it walks the body again.
import { scanArray, scanTopLevelFields } from '@waystation/dialects';
import { scanChunk } from './scan-chunk.js';

/** A token of most tokenizers has about four bytes of text. */
const BYTES_PER_TOKEN = 4;
/** https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken: what stands around each message. */
const TOKENS_AROUND_MESSAGE = 4;

const PROMPT: ReadonlySet<string> = new Set(['messages', 'tools']);

const tokensOf = (bytes: number): number => Math.ceil(bytes / BYTES_PER_TOKEN);

/** Text only: media has no size in tokens that its bytes would tell. Undefined where the body has no messages. */
export const estimateInputTokens = (body: Buffer): number | undefined => {
  const spans = scanTopLevelFields(body, PROMPT);
  const messages = spans?.findLast(({ key }) => key === 'messages');
  const tools = spans?.findLast(({ key }) => key === 'tools');
  const items = messages && scanArray(body, messages.valueStart);
  if (items === undefined) return undefined;
  let tokens = tools === undefined ? 0 : tokensOf(tools.valueEnd - tools.valueStart);
  for (const { start, end } of items)
    tokens += tokensOf(scanChunk(body, start, end, 0).textBytes) + TOKENS_AROUND_MESSAGE;
  return tokens;
};

/** Larger bodies are not kept for as long as a response may take, only in case an estimate is needed. */
const KEPT_BYTES_MAX = 1024 * 1024;

/** The estimate, for later. In a function of its own, so that it keeps alive nothing but the body. */
export const inputTokensEstimator = (body: Buffer): (() => number | undefined) =>
  body.length > KEPT_BYTES_MAX ? () => undefined : () => estimateInputTokens(body);
