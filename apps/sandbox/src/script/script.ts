// A script says how the sandbox answers one call: how much, how fast, and how it fails. A model id is a name for a script; the request field
// `sandbox` overrides single members. Unknown members are refused, so that a misspelt fault is not a passing test.
import { z } from 'zod';

const DELAY_MS_MAX = 600_000;
const TOKENS_MAX = 1_000_000;
const TOOL_CALLS_MAX = 16;
const delayMs = z.number().int().min(0).max(DELAY_MS_MAX);
const tokens = z.number().int().min(0).max(TOKENS_MAX);

export const FAULTS = ['die', 'stall', 'hang', 'reset', 'no-finish'] as const;
export const USAGE_MODES = [
  'exact',
  'none',
  'late',
  'placeholder',
  'prompt-only',
  'negative',
  'huge',
  'cached-over-prompt',
] as const;
/** OpenRouter and vLLM say the one, DeepSeek and its followers the other. */
export const REASONING_FIELDS = ['reasoning', 'reasoning_content'] as const;
export const WIRES = ['plain', 'split-bytes', 'crlf', 'comments'] as const;

export const scriptOverrides = z.strictObject({
  /** Stands in the truth log, so that a test finds the calls that its request became, however many. */
  label: z.string().max(64).optional(),
  /** Tokens of visible text. Absent: 32, or the last user message where the model echoes. */
  outputTokens: tokens.optional(),
  /** Repeat the last user message instead of made-up text. */
  echo: z.boolean().optional(),
  reasoningTokens: tokens.optional(),
  /** Says that so many prompt tokens came from the cache; never more than the prompt has. */
  cachedTokens: tokens.optional(),
  /** Keep a prompt cache: whole messages seen before at the start of the prompt are read from it. */
  cache: z.boolean().optional(),
  /** For so long the cache keeps what nobody reads, in seconds. */
  cacheTtlS: z.number().int().min(0).max(86_400).optional(),
  /** Call the first tool whenever the request brings one and the last message is not a tool's result. */
  callTools: z.boolean().optional(),
  /** How many tool calls one answer makes, the tools in turn; the request can forbid more than one. */
  toolCalls: z.number().int().min(1).max(TOOL_CALLS_MAX).optional(),
  /** A filter of the provider's blocks the prompt: an answer without a word, and why. */
  filter: z.boolean().optional(),
  /** What `openai-chat` calls its reasoning. */
  reasoningField: z.enum(REASONING_FIELDS).optional(),
  /** Time before the status line. */
  headerDelayMs: delayMs.optional(),
  /** Time before the first token (before the answer, if it is not streamed). */
  delayMs: delayMs.optional(),
  /** Time between tokens (their sum before the answer, if it is not streamed). */
  tokenDelayMs: delayMs.optional(),
  /**
   * An HTTP status, or: `die` (the connection is destroyed), `stall` (nothing more comes), `hang` (not even a status line), `reset` (the connection
   * is reset before the status line), `no-finish` (the stream ends without a finish reason and without its end marker).
   */
  fail: z.union([z.number().int().min(400).max(599), z.enum(FAULTS)]).optional(),
  /** Fail after so many tokens; a status then comes as an error event inside the stream. Absent: before the answer (`no-finish`: after it). */
  afterTokens: tokens.optional(),
  /** `Retry-After` of a failure, in seconds. */
  retryAfterS: z.number().int().min(0).max(3600).optional(),
  usage: z.enum(USAGE_MODES).optional(),
  wire: z.enum(WIRES).optional(),
  /** Whether it goes on, and bills to the end, when the client leaves. */
  billsAfterCancel: z.boolean().optional(),
});
export type ScriptOverrides = z.infer<typeof scriptOverrides>;

/** A whole script: every member that always has a value has one. */
export interface Script extends ScriptOverrides {
  readonly echo: boolean;
  readonly reasoningTokens: number;
  readonly cache: boolean;
  readonly cacheTtlS: number;
  readonly callTools: boolean;
  readonly toolCalls: number;
  readonly filter: boolean;
  readonly reasoningField: (typeof REASONING_FIELDS)[number];
  readonly headerDelayMs: number;
  readonly delayMs: number;
  readonly tokenDelayMs: number;
  readonly usage: (typeof USAGE_MODES)[number];
  readonly wire: (typeof WIRES)[number];
  readonly billsAfterCancel: boolean;
}

export const DEFAULT_OUTPUT_TOKENS = 32;

const DEFAULT_SCRIPT: Script = {
  echo: false,
  reasoningTokens: 0,
  cache: false,
  // https://platform.openai.com/docs/guides/prompt-caching: five to ten minutes. Anthropic's is five.
  cacheTtlS: 300,
  callTools: false,
  toolCalls: 1,
  filter: false,
  reasoningField: 'reasoning',
  headerDelayMs: 0,
  delayMs: 0,
  tokenDelayMs: 0,
  usage: 'exact',
  wire: 'plain',
  billsAfterCancel: false,
};

/** Later overrides win. */
export const scriptOf = (...overrides: readonly ScriptOverrides[]): Script =>
  Object.assign({}, DEFAULT_SCRIPT, ...overrides) as Script;
