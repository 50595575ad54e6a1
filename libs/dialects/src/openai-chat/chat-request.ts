// What a chat request is once its bytes were read: everything the ingress decides with, and nothing of the prompt's text.
import type { FieldSpan, ProviderPreferences, RouteFeatures } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import type { Plugins } from '../plugins/read-plugins.js';

export interface ChatRequest {
  /** `model` first, then `models`, each once, variants kept. Empty where the client named none: the workspace's default applies. */
  readonly models: readonly string[];
  readonly stream: boolean;
  readonly preferences: ProviderPreferences;
  readonly features: RouteFeatures;
  /** Where the fields stand that a worker may edit, in order of position. */
  readonly spans: FieldSpan[];
  /** No provider counts more prompt tokens than this; infinite where the body only refers to its content. Capped by an endpoint's context. */
  readonly inputTokensMax: number;
  /** Prompts that are one request, or answers to one, each as long as a context at most; absent: one. */
  readonly inputs?: number;
  /** Images of the prompt. */
  readonly inputImages: number;
  /** The most that it can use of other classes that count pieces. */
  readonly pieces?: Readonly<Record<string, number>>;
  /** The most text that comes out where no cap can be put on it, such as a transcript; no endpoint makes more than its context. Absent: `features.maxOutputTokens` says it. */
  readonly outputTokensMax?: number;
  /** Completions asked for (`n`): each may be as long as the output cap. */
  readonly choices: number;
  /** Absent: a job, which has none. */
  readonly plugins?: Plugins;
  readonly endUserId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly warnings: readonly Warning[];
}

export interface ReadChatOptions {
  /** The `x-session-id` header. The body's `session_id` wins. */
  readonly sessionHeader?: string | undefined;
  /** A short hash of text (at most 64 characters), so that no text of the prompt leaves as a conversation id. */
  readonly hash: (text: string) => string;
}

/** Every list of a request has a bound; beyond it the request is refused. */
export const CHAT_LIMITS = {
  models: 32,
  modelCharacters: 256,
  messages: 10_000,
  parts: 10_000,
  tools: 1_024,
  choices: 128,
  stopSequences: 4,
  userCharacters: 512,
  sessionCharacters: 256,
  metadataPairs: 16,
  slugs: 64,
} as const;
