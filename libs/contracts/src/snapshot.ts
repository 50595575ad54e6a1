// What control projects to KV: one key per entity, each value with control's version; older versions are ignored.
// `catalog` and `policies` end in a head; a snapshot is swapped only when everything up to its head has arrived.
import { z } from 'zod';
import { FINISH_REASONS } from '@waystation/generation';
import { capacityLimits } from './capacity.js';
import { limitSpec, LIMITS_MAX } from './limit-spec.js';
import { priceVector } from './price.js';
import { modelQuality } from './model-quality.js';
import { quirks } from './scalars.js';
import { taskRules } from './task-rules.js';
import { subjectToken } from './subjects.js';
import {
  count,
  endpointId,
  keyHash,
  memberId,
  modelId,
  picodollarsUnsigned,
  priceVersionId,
  providerSlug,
  surchargePpm,
  unixMs,
  workspaceId,
} from './scalars.js';

/** Key of an entity inside its bucket: kind and an encoded id, so that no user's string is ever part of a subject; or `head`. */
export const SNAPSHOT_KEYS = {
  head: 'head',
  key: (hash: string): string => `key.${subjectToken(hash)}`,
  workspace: (id: string): string => `workspace.${subjectToken(id)}`,
  policy: (id: string): string => `policy.${subjectToken(id)}`,
  provider: (slug: string): string => `provider.${subjectToken(slug)}`,
  endpoint: (id: string): string => `endpoint.${subjectToken(id)}`,
  model: (id: string): string => `model.${subjectToken(id)}`,
  credential: (id: string): string => `credential.${subjectToken(id)}`,
  ownKey: (id: string): string => `own-key.${subjectToken(id)}`,
  affinity: (hash: string): string => `affinity.${subjectToken(hash)}`,
  preset: (id: string): string => `preset.${subjectToken(id)}`,
} as const;

const versioned = { v: z.literal(1), version: count };

/** Bucket `keys`, key `key.<token of the hash>`. */
export const keyEntry = z.object({
  ...versioned,
  hash: keyHash,
  label: z.string().max(64),
  name: z.string().max(256),
  workspaceId,
  memberId: memberId.optional(),
  kind: z.enum(['inference', 'management']),
  disabled: z.boolean(),
  deleted: z.boolean(),
  createdAt: unixMs,
  expiresAt: unixMs.optional(),
  /** USD limit of the key in picodollars; absent: no limit of its own. */
  limit: picodollarsUnsigned.optional(),
  limitReset: z.enum(['daily', 'weekly', 'monthly']).optional(),
  includeByokInLimit: z.boolean(),
  /** Of the guardrail that is assigned to the key. */
  policyId: z.string().max(64).optional(),
  /** Of the guardrail that is assigned to its member. */
  memberPolicyId: z.string().max(64).optional(),
});
export type KeyEntry = z.infer<typeof keyEntry>;

/** Who decided that nobody of a workspace is served, why, and since when. Its keys are told. */
export const suspension = z.object({
  by: z.enum(['billing', 'operator']),
  reason: z.string().max(256),
  since: unixMs,
});
export type Suspension = z.infer<typeof suspension>;

/** Bucket `workspaces`, key `workspace.<token>`. */
export const workspaceEntry = z.object({
  ...versioned,
  id: workspaceId,
  slug: z.string().max(64),
  name: z.string().max(128),
  suspended: z.boolean(),
  suspension: suspension.optional(),
  defaultModel: modelId.optional(),
  /** Of the guardrail of everybody in it. */
  policyId: z.string().max(64).optional(),
  /** Output cap assumed where the client sets none. */
  defaultMaxOutputTokens: count.optional(),
  storesContent: z.boolean(),
  limits: z.array(limitSpec).max(LIMITS_MAX).optional(),
  /** What is charged on top of prices, and for calls with own provider keys. Absent: nothing. */
  markupPpm: surchargePpm.optional(),
  byokFeePpm: surchargePpm.optional(),
  /** What `waystation/auto` goes by in it. Absent: the rules of the station. */
  taskRules: taskRules.optional(),
});
export type WorkspaceEntry = z.infer<typeof workspaceEntry>;

/** Bucket `policies`, key `policy.<token>`. Lists intersect or unite as DESIGN section 7 says; absent means no opinion. */
/** Models by whose they are: the part before the slash of their id, `x-ai` for xAI; `other` for everybody else. */
export const ZDR_GROUPS = ['anthropic', 'openai', 'google', 'xai', 'other'] as const;
export type ZdrGroup = (typeof ZDR_GROUPS)[number];

export const CONTENT_FILTERS_MAX = 64;
export const CONTENT_PATTERN_CHARACTERS_MAX = 4_096;
export const CONTENT_FILTER_ACTIONS = ['redact', 'block', 'flag'] as const;
export const CONTENT_FILTER_SIDES = ['input', 'output', 'both'] as const;
export const CONTENT_FILTER_SLUGS = [
  'email',
  'phone',
  'ssn',
  'credit-card',
  'ip-address',
  'secrets',
  'regex-prompt-injection',
] as const;
const screening = {
  action: z.enum(CONTENT_FILTER_ACTIONS),
  /** What it looks at. Absent: what goes in. */
  appliesTo: z.enum(CONTENT_FILTER_SIDES).optional(),
};
/** A pattern of a guardrail's own, in the syntax of RE2. */
export const contentFilter = z.object({
  ...screening,
  pattern: z.string().min(1).max(CONTENT_PATTERN_CHARACTERS_MAX),
  label: z.string().max(100).optional(),
});
export type ContentFilterEntry = z.infer<typeof contentFilter>;
export const contentFilterBuiltin = z.object({
  ...screening,
  slug: z.enum(CONTENT_FILTER_SLUGS),
  /** Of prompt injection: whose messages are looked at. Absent: all. */
  scanScope: z.enum(['user_only', 'all_messages']).optional(),
});
export type ContentFilterBuiltinEntry = z.infer<typeof contentFilterBuiltin>;

export const policyEntry = z.object({
  ...versioned,
  id: z.string().max(64),
  allowedModels: z.array(z.string().max(256)).max(4096).optional(),
  ignoredModels: z.array(z.string().max(256)).max(4096).optional(),
  allowedProviders: z.array(z.string().max(128)).max(1024).optional(),
  ignoredProviders: z.array(z.string().max(128)).max(1024).optional(),
  /** For all models. */
  zdr: z.boolean().optional(),
  /** For the models of these groups, where not for all. */
  zdrGroups: z.array(z.enum(ZDR_GROUPS)).max(ZDR_GROUPS.length).optional(),
  dataCollection: z.enum(['allow', 'deny']).optional(),
  contentFilters: z.array(contentFilter).max(CONTENT_FILTERS_MAX).optional(),
  contentFilterBuiltins: z.array(contentFilterBuiltin).max(CONTENT_FILTERS_MAX).optional(),
  regions: z.array(z.string().max(64)).max(64).optional(),
  sort: z.enum(['price', 'throughput', 'latency', 'exacto']).optional(),
  /** What each of whom it is assigned to may spend in a window. */
  budget: z
    .object({
      limit: picodollarsUnsigned,
      window: z.enum(['day', 'week', 'month', 'lifetime']),
      includeByok: z.boolean(),
    })
    .optional(),
});
export type PolicyEntry = z.infer<typeof policyEntry>;

export const dataPolicy = z.object({
  retains: z.boolean(),
  trains: z.boolean(),
  region: z.string().max(64).optional(),
  source: z.string().max(512).optional(),
});

/** Bucket `catalog`, key `provider.<token>`. */
export const providerEntry = z.object({
  ...versioned,
  slug: providerSlug,
  name: z.string().max(128),
  dialect: z.string().max(64),
  baseUrl: z.string().max(2048),
  /** Private addresses are allowed only where the operator's own file or the built-in sandbox set the URL, or the configuration names the host for the management API; never from a tenant. */
  allowPrivateAddress: z.boolean(),
  credentialId: z.string().max(64).optional(),
  headers: z.record(z.string().max(128), z.string().max(1024)).optional(),
  dataPolicy,
  /** Quirks of the provider as data; the dialect's folder names them. */
  quirks: quirks.optional(),
  billsAfterCancel: z.boolean(),
  maxConnections: count.optional(),
  /** Of the station's own credential there. Where it is used up, its endpoints are left out of plans. Absent: not limited. */
  capacity: capacityLimits.optional(),
  timeouts: z
    .object({ connectMs: count.optional(), firstByteMs: count.optional(), idleMs: count.optional() })
    .optional(),
});
export type ProviderEntry = z.infer<typeof providerEntry>;

/** Bucket `catalog`, key `endpoint.<token>`. */
export const endpointEntry = z.object({
  ...versioned,
  id: endpointId,
  model: modelId,
  provider: providerSlug,
  /** Routing tag: the provider's slug, with variant or region behind a slash. */
  tag: z.string().max(160),
  upstreamModel: z.string().max(256),
  apis: z.array(z.string().max(32)).min(1).max(16),
  context: count,
  maxOutput: count.optional(),
  inputModalities: z.array(z.string().max(16)).max(8),
  outputModalities: z.array(z.string().max(16)).max(8),
  supportedParameters: z.array(z.string().max(64)).max(64),
  quantization: z.string().max(16).optional(),
  priceVersion: priceVersionId,
  price: priceVector,
  enabled: z.boolean(),
  /** Why it is not enabled, where somebody is to be told. */
  disabledBecause: z.string().max(256).optional(),
  dataPolicy: dataPolicy.optional(),
  billsAfterCancel: z.boolean().optional(),
  /** Whether every output token that is billed shows in the stream. Absent: as far as it does not reason. */
  showsOutput: z.boolean().optional(),
  /** Quirks of this model there, over the provider's. */
  quirks: quirks.optional(),
});
export type EndpointEntry = z.infer<typeof endpointEntry>;

/** Bucket `catalog`, key `model.<token>`. */
export const modelEntry = z.object({
  ...versioned,
  id: modelId,
  name: z.string().max(256),
  description: z.string().max(4096).optional(),
  created: count,
  context: count,
  inputModalities: z.array(z.string().max(16)).max(8),
  outputModalities: z.array(z.string().max(16)).max(8),
  tokenizer: z.string().max(64).optional(),
  /** Whether its author lets other models be trained on what it writes. Absent: nobody said so, and it counts as no. */
  distillable: z.boolean().optional(),
  /** By the operator's figures. Absent: nobody gave any. */
  quality: modelQuality.optional(),
});
export type ModelEntry = z.infer<typeof modelEntry>;

/** Key `head` of `catalog` and `policies`: the version that is complete, and of how many entities it is made. */
export const headEntry = z.object({ ...versioned, entities: count, at: unixMs });
export type HeadEntry = z.infer<typeof headEntry>;

/** Bucket `credentials`, key `credential.<token>`. Sealed to the workers' public key; nothing but a worker can open it. */
export const credentialEntry = z.object({
  ...versioned,
  id: z.string().max(64),
  provider: providerSlug,
  workspaceId: workspaceId.optional(),
  /** Of the two that name Google and Azure tokens are got, which are presented as a bearer; keys of AWS sign. */
  kind: z.enum(['bearer', 'header', 'query', 'none', 'google-service-account', 'azure-ad', 'aws']),
  /** Name of the header or query parameter, where the kind needs one. */
  name: z.string().max(128).optional(),
  /** Where an own key is asked instead of at the provider's address: its own resource, region or project. Always a public address. */
  baseUrl: z.string().max(2048).optional(),
  /** Of an own key: scheme, host and port that it was kept for. It is sent nowhere else. */
  origin: z.string().max(2048).optional(),
  /** `x25519-hkdf-sha256-aes256gcm`, base64url parts: ephemeral public key, nonce, ciphertext with tag. */
  sealed: z
    .object({ ephemeral: z.string().max(128), nonce: z.string().max(64), ciphertext: z.string().max(65_536) })
    .optional(),
});
export type CredentialEntry = z.infer<typeof credentialEntry>;

/** Entries of one filter of an own key. */
export const OWN_KEY_FILTER_MAX = 100;

/**
 * Bucket `policies`, key `own-key.<token>`: when an own key of a workspace is tried. Its secret is the credential of the same id, of which nothing stands here.
 * Filters: only these models, api keys and members; absent is everyone.
 */
export const ownKeyEntry = z.object({
  ...versioned,
  id: z.string().min(1).max(64),
  workspaceId,
  provider: providerSlug,
  disabled: z.boolean(),
  /** Tried after the station's own capacity instead of before. */
  isFallback: z.boolean(),
  /** Whom it serves the station's own capacity at the provider does not serve. */
  alwaysUse: z.boolean(),
  /** Among those of its provider: lower ones come first. */
  sortOrder: z.number().int().min(0).max(1_000_000),
  allowedModels: z.array(modelId).max(OWN_KEY_FILTER_MAX).optional(),
  allowedKeyHashes: z.array(keyHash).max(OWN_KEY_FILTER_MAX).optional(),
  allowedMemberIds: z.array(memberId).max(OWN_KEY_FILTER_MAX).optional(),
  /** Where it is used up, the key is left out of plans. Absent: not limited. */
  capacity: capacityLimits.optional(),
});
export type OwnKeyEntry = z.infer<typeof ownKeyEntry>;

/** Bucket `idempotency`, key = hash of workspace and client's key. Past `deadlineAt` nothing of it runs, whatever `state` says. */
export const idempotencyEntry = z.object({
  v: z.literal(1),
  bodyHash: z.string().max(64),
  generationId: z.string().max(64),
  state: z.enum(['running', 'finished']),
  at: unixMs,
  deadlineAt: unixMs,
});
export type IdempotencyEntry = z.infer<typeof idempotencyEntry>;

/** Of a sealed answer before it is sealed: what an entry of the bus may carry, base64 and envelope included. */
export const ANSWER_BYTES_MAX = 512 * 1024;

/**
 * Bucket `answers`, key = hash of who asked and what. Sealed by a key that is derived from the caller's API key and the question (AES-256-GCM, the tag behind the
 * ciphertext; the bucket's key and `expiresAt` are bound to it): nobody but who asks the same again can open it, or can know what was asked.
 */
export const answerEntry = z.object({
  v: z.literal(1),
  expiresAt: unixMs,
  /** Base64. */
  nonce: z.string().max(64),
  /** Base64. */
  sealed: z.string().max(1_000_000),
});
export type AnswerEntry = z.infer<typeof answerEntry>;

/** What is inside of it, in front of the answer's bytes. */
export const keptAnswer = z.object({
  v: z.literal(1),
  /** The generation that it was made for. */
  generationId: z.string().max(64),
  keptAt: unixMs,
  model: modelId.optional(),
  provider: providerSlug.optional(),
  providerName: z.string().max(128).optional(),
  endpointId: endpointId.optional(),
  finishReason: z.enum(FINISH_REASONS).optional(),
  nativeFinishReason: z.string().max(128).optional(),
  contentType: z.string().max(128).optional(),
  /** Of the bytes behind this, how many are the end that waits for the bill. Absent: there is none. */
  tailBytes: count.optional(),
});
export type KeptAnswer = z.infer<typeof keptAnswer>;

/** Bucket `affinity`, key `affinity.<hash of workspace, model and conversation>`: where the conversation is at home for the moment, other than by its hash. */
export const affinityEntry = z.object({ v: z.literal(1), endpointId, at: unixMs });
export type AffinityEntry = z.infer<typeof affinityEntry>;
