// A call as the sandbox needs it, whatever dialect it came in.
import type { ScriptOverrides } from '../script/script.js';

export interface SandboxTool {
  readonly name: string;
  /** JSON Schema of the arguments. */
  readonly parameters: unknown;
}

/** For dialects that ask for JSON without a schema. */
export const ANY_OBJECT = { type: 'object', properties: { answer: { type: 'string' } } } as const;

export interface SandboxMessage {
  readonly role: string;
  /** All text of the message, its parts joined. */
  readonly text: string;
  readonly mediaParts: number;
  /** It holds a mark of the prompt cache. */
  readonly cacheMark?: true;
}

export interface SandboxCall {
  readonly model: string;
  readonly stream: boolean;
  /** Whether the stream tells its usage. */
  readonly streamUsage: boolean;
  readonly messages: readonly SandboxMessage[];
  readonly tools: readonly SandboxTool[];
  /** `none` forbids tool calls, `force` demands one (of the named tool, if named). */
  readonly toolChoice: { readonly kind: 'auto' | 'none' | 'force'; readonly name?: string };
  /** Tokens that the tools' definitions add to the prompt. */
  readonly toolTokens: number;
  /** At most one tool call. */
  readonly oneToolCall?: boolean;
  /** The answer is to be JSON that fits. */
  readonly jsonSchema?: unknown;
  /** Of a reranking. */
  readonly searchUnits?: number;
  /** Of a sound. */
  readonly seconds?: number;
  readonly maxTokens?: number;
  readonly seed?: number;
  /** The provider caches what is marked and nothing else; absent: whatever it sees. */
  readonly cachesMarked?: true;
  readonly overrides: ScriptOverrides;
}
