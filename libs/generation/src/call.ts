// The canonical call: what any public dialect can ask and any provider dialect can be told.
// A dialect that cannot say a part of it answers with a warning; nothing is dropped silently.

/** Prompt-cache marker: cache everything up to and including the part that carries it. */
export interface CacheMarker {
  readonly ttl: '5m' | '1h';
}

/** Bytes by reference: a URL as the client gave it, or base64 data with its media type. */
export type MediaSource =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'data'; readonly mediaType: string; readonly base64: string }
  | { readonly kind: 'file-id'; readonly id: string };

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  readonly cache?: CacheMarker;
}
export interface ImagePart {
  readonly type: 'image';
  readonly source: MediaSource;
  readonly detail?: 'auto' | 'low' | 'high' | 'original';
  readonly cache?: CacheMarker;
}
export interface AudioPart {
  readonly type: 'audio';
  readonly source: MediaSource;
  readonly format?: string;
}
export interface VideoPart {
  readonly type: 'video';
  readonly source: MediaSource;
}
export interface FilePart {
  readonly type: 'file';
  readonly source: MediaSource;
  readonly filename?: string;
  readonly cache?: CacheMarker;
}
/** Reasoning of an earlier turn. `signature` and `encrypted` go back to the provider that made them, byte for byte. */
export interface ReasoningPart {
  readonly type: 'reasoning';
  readonly text: string;
  readonly format?: string;
  readonly signature?: string;
  readonly encrypted?: string;
  readonly id?: string;
  /** `text` is a summary of the reasoning. */
  readonly summary?: true;
}
export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  /** The arguments as the model wrote them: JSON text, possibly invalid. */
  readonly argumentsJson: string;
  /** Opaque provider data that must come back with the call, e.g. a thought signature. */
  readonly signature?: string;
  /** Whose signature it is, as for reasoning; absent where a client did not say. */
  readonly format?: string;
}
export interface ToolResultPart {
  readonly type: 'tool-result';
  readonly callId: string;
  readonly name?: string;
  readonly content: readonly (TextPart | ImagePart | FilePart)[];
  readonly isError?: boolean;
  readonly cache?: CacheMarker;
}
export interface RefusalPart {
  readonly type: 'refusal';
  readonly text: string;
}

export type UserPart = TextPart | ImagePart | AudioPart | VideoPart | FilePart;
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart | RefusalPart | ImagePart | AudioPart;

export type Message =
  | { readonly role: 'system' | 'developer'; readonly content: readonly TextPart[]; readonly name?: string }
  | { readonly role: 'user'; readonly content: readonly UserPart[]; readonly name?: string }
  | { readonly role: 'assistant'; readonly content: readonly AssistantPart[]; readonly name?: string }
  | { readonly role: 'tool'; readonly content: readonly ToolResultPart[] };

export interface FunctionTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly strict?: boolean;
  readonly cache?: CacheMarker;
}
/** A tool that the provider runs itself; `config` is passed on unread. */
export interface ProviderTool {
  readonly type: 'provider';
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}
export type Tool = FunctionTool | ProviderTool;

export type ToolChoice =
  { readonly type: 'auto' | 'none' | 'required' } | { readonly type: 'tool'; readonly name: string };

export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'json-schema';
      readonly name: string;
      readonly schema: Readonly<Record<string, unknown>>;
      readonly strict?: boolean;
      readonly description?: string;
    }
  | { readonly type: 'grammar'; readonly grammar: string };

export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';

export interface ReasoningOptions {
  readonly enabled?: boolean;
  readonly effort?: ReasoningEffort;
  readonly maxTokens?: number;
  /** The model reasons, the client does not see it. */
  readonly exclude?: boolean;
  readonly summary?: 'auto' | 'concise' | 'detailed';
}

/** Sampling controls. Absent means the provider's default: absent controls are never sent upstream. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly topA?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly logitBias?: Readonly<Record<string, number>>;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
}

export type Modality = 'text' | 'image' | 'audio' | 'video' | 'file';

export interface GenerationCall {
  readonly messages: readonly Message[];
  readonly stream: boolean;
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly responseFormat?: ResponseFormat;
  readonly sampling: Sampling;
  readonly reasoning?: ReasoningOptions;
  readonly maxOutputTokens?: number;
  readonly outputModalities?: readonly Modality[];
  readonly audioOutput?: { readonly voice: string; readonly format: string };
  readonly verbosity?: string;
  readonly serviceTier?: string;
  readonly promptCacheKey?: string;
  /** The client asks that the prompt is cached: where a provider wants that marked, marks are put beside its own. */
  readonly promptCache?: CacheMarker;
  /** Fields that no canonical member covers: sent on where both dialects are the same, warned about otherwise. */
  readonly extra?: Readonly<Record<string, unknown>>;
}
