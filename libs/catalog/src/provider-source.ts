// What somebody (the operator's file, the built-in list, the sandbox) says about a provider, before it is checked against the rest and priced.
// Prices are text in the units people use; nothing here has a version.
import type { CredentialEntry, ModelQuality } from '@waystation/contracts';

/** Where to complain: a label that the reader of a fault can find, such as `waystation.yaml:12:9`. */
export type Locate = (path: readonly (string | number)[]) => string;

/** A price as text: of an endpoint, or of one of its service tiers. */
export interface RatesSource {
  /** By usage class as decimal text: USD per million tokens; USD per piece for `request` and images. */
  readonly price: Readonly<Record<string, string>>;
  /** Each replaces the price by token and image, whole, for prompts of more tokens than it names. */
  readonly tiers?: readonly { readonly aboveInputTokens: number; readonly price: Readonly<Record<string, string>> }[];
}

export interface PriceSource extends RatesSource {
  /** By service tier (`flex`, `priority`): what replaces all of it where the provider served at that tier. */
  readonly serviceTiers?: Readonly<Record<string, RatesSource>>;
}

/** A price from a time on. */
export interface PriceChangeSource extends PriceSource {
  /** Unix ms. */
  readonly effectiveAtMs: number;
}

export interface EndpointSource extends PriceSource {
  /** Our id of the model, `author/slug`. */
  readonly model: string;
  /** Behind the provider's slug in the routing tag: a region or variant. */
  readonly tagSuffix?: string;
  readonly upstreamModel: string;
  readonly modelName?: string;
  readonly description?: string;
  /** Unix seconds when the model was published. */
  readonly created?: number;
  readonly context: number;
  readonly maxOutput?: number;
  /** Prices that are to come, or have come: the latest whose time has come is the one in force. */
  readonly priceChanges?: readonly PriceChangeSource[];
  readonly inputModalities?: readonly string[];
  readonly outputModalities?: readonly string[];
  readonly supportedParameters?: readonly string[];
  readonly quantization?: string;
  readonly tokenizer?: string;
  /** Of the model: whether its author lets other models be trained on what it writes. */
  readonly distillable?: boolean;
  /** Of the model: how good it is, by figures of the operator's. */
  readonly quality?: ModelQuality;
  readonly apis?: readonly string[];
  readonly billsAfterCancel?: boolean;
  /** Whether every output token that is billed shows in the stream, reasoning included. Absent: as far as it does not reason. */
  readonly showsOutput?: boolean;
  readonly enabled?: boolean;
  /** Why it is not enabled, for whoever asks for it. */
  readonly disabledBecause?: string;
  /** Where it is not the provider's. */
  readonly dataPolicy?: DataPolicySource;
  /** Of this model there, over the provider's. */
  readonly quirks?: Readonly<Record<string, string | number | boolean>>;
}

export interface DataPolicySource {
  readonly retains: boolean;
  readonly trains: boolean;
  readonly region?: string;
  readonly source?: string;
}

export interface ProviderSource {
  readonly slug: string;
  readonly name?: string;
  readonly dialect: string;
  readonly baseUrl: string;
  readonly allowPrivateAddress: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: the strictest reading, that it retains and may train. */
  readonly dataPolicy?: DataPolicySource;
  readonly quirks?: Readonly<Record<string, string | number | boolean>>;
  readonly billsAfterCancel?: boolean;
  readonly maxConnections?: number;
  /** Of its credential; what is absent is not limited. */
  readonly capacity?: {
    readonly requestsPerMinute?: number;
    readonly tokensPerMinute?: number;
    readonly inFlight?: number;
  };
  readonly timeouts?: { readonly connectMs?: number; readonly firstByteMs?: number; readonly idleMs?: number };
  /** How the secret is presented. The secret itself never enters the catalog. */
  readonly credential: { readonly kind: CredentialEntry['kind']; readonly name?: string };
  readonly endpoints: readonly EndpointSource[];
}
