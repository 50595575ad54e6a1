// A small world for the ingress's tests: one workspace, two keys, one model at two endpoints, and a billing that grants what is asked for.
import { createHash, randomBytes } from 'node:crypto';
import {
  newApiKey,
  SNAPSHOT_KEYS,
  type AttemptEnd,
  type EndpointEntry,
  type KeyEntry,
  type LeaseGrantRequest,
  type LeaseReply,
  type ModelEntry,
  type PlannedAttempt,
  type ProviderEntry,
  type WorkspaceEntry,
} from '@waystation/contracts';
import { fromVector, NOTHING, plus, toVector, type Amounts } from '../hold/amounts.js';
import type { ScriptedBus, StreamScript } from './scripted-bus.js';

export const inferenceKey = newApiKey(randomBytes);
export const managementKey = newApiKey(randomBytes);
export const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');

export const keyEntryOf = (key: string, changes: Partial<KeyEntry> = {}): KeyEntry => ({
  v: 1,
  version: 1,
  hash: hashOf(key),
  label: 'sk-way-v1-abc...123',
  name: 'test',
  workspaceId: 'default',
  kind: 'inference',
  disabled: false,
  deleted: false,
  createdAt: 1_700_000_000_000,
  includeByokInLimit: false,
  ...changes,
});

export const workspace: WorkspaceEntry = {
  v: 1,
  version: 1,
  id: 'default',
  slug: 'default',
  name: 'Default',
  suspended: false,
  storesContent: false,
};

/** $1 per million prompt tokens, $2 per million completion tokens. */
export const price = { perUnit: { input: '1000000', output: '2000000' } };
const priceVersion = `price-${'0'.repeat(32)}`;

export const planned = (provider: string, changes: Partial<PlannedAttempt> = {}): PlannedAttempt => ({
  endpointId: `${provider}/lab/small`,
  model: 'lab/small',
  provider,
  providerName: provider.toUpperCase(),
  dialect: 'openai-chat',
  upstreamModel: 'small',
  priceVersion,
  price,
  context: 100_000,
  maxOutput: 1_000,
  billsAfterCancel: false,
  byok: false,
  ...changes,
});

export const provider = (slug: string, changes: Partial<ProviderEntry> = {}): ProviderEntry => ({
  v: 1,
  version: 1,
  slug,
  name: slug.toUpperCase(),
  dialect: 'openai-chat',
  baseUrl: 'http://127.0.0.1:1/v1',
  allowPrivateAddress: true,
  dataPolicy: { retains: false, trains: false },
  billsAfterCancel: false,
  ...changes,
});
const model: ModelEntry = {
  v: 1,
  version: 1,
  id: 'lab/small',
  name: 'Lab Small',
  created: 1_700_000_000,
  context: 100_000,
  inputModalities: ['text'],
  outputModalities: ['text'],
};
export const endpoint = (slug: string, changes: Partial<EndpointEntry> = {}): EndpointEntry => ({
  v: 1,
  version: 1,
  id: `${slug}/lab/small`,
  model: 'lab/small',
  provider: slug,
  tag: slug,
  upstreamModel: 'small',
  apis: ['chat'],
  context: 100_000,
  maxOutput: 1_000,
  inputModalities: ['text'],
  outputModalities: ['text'],
  supportedParameters: ['max_tokens', 'temperature', 'tools'],
  priceVersion,
  price: { ...price, tiers: [{ aboveInputTokens: 50_000, perUnit: { input: '2000000', output: '4000000' } }] },
  enabled: true,
  ...changes,
});

/** Control's projection of the world. */
export const fillSnapshots = (bus: ScriptedBus): void => {
  bus.put('keys', SNAPSHOT_KEYS.key(hashOf(inferenceKey)), keyEntryOf(inferenceKey));
  bus.put('keys', SNAPSHOT_KEYS.key(hashOf(managementKey)), keyEntryOf(managementKey, { kind: 'management' }));
  bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), workspace);
  bus.put('policies', SNAPSHOT_KEYS.head, { v: 1, version: 1, entities: 0, at: 1_700_000_000_000 });
  bus.put('catalog', SNAPSHOT_KEYS.model(model.id), model);
  for (const slug of ['alpha', 'beta']) {
    bus.put('catalog', SNAPSHOT_KEYS.provider(slug), provider(slug));
    bus.put('catalog', SNAPSHOT_KEYS.endpoint(`${slug}/lab/small`), endpoint(slug));
  }
  bus.put('catalog', SNAPSHOT_KEYS.head, { v: 1, version: 1, entities: 5, at: 1_700_000_000_000 });
};

/** Router and billing that say yes. */
export const answerKindly = (bus: ScriptedBus): void => {
  bus.rpc.set('route.plan', () => ({
    attempts: [planned('alpha'), planned('beta')],
    excluded: [],
    snapshotRevision: 1,
    strategy: 'price',
  }));
  const grant = (request: { leaseId: string; want: LeaseGrantRequest['want'] }): LeaseReply => ({
    granted: { leaseId: request.leaseId, granted: request.want, takeForMs: 60_000, endsAt: Date.now() + 60_000 },
  });
  const totals = new Map<string, Amounts>();
  const add = (request: { leaseId: string; want: LeaseGrantRequest['want'] }): LeaseReply => {
    const total = plus(totals.get(request.leaseId) ?? NOTHING, fromVector(request.want));
    totals.set(request.leaseId, total);
    return grant({ ...request, want: toVector(total) });
  };
  bus.rpc.set('lease.grant', add);
  bus.rpc.set('lease.renew', add);
  bus.rpc.set('lease.return', (request: { leaseId: string }) => ({
    leaseId: request.leaseId,
    released: { usd: '0', requests: 0, tokens: 0 },
  }));
};

export const chunk = (content: string): string =>
  `data: {"id":"gen","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
export const completion = (content: string): string =>
  JSON.stringify({
    id: 'gen',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  });

export const endOf = (changes: Partial<AttemptEnd> = {}): AttemptEnd => ({
  outcome: 'completed',
  finishReason: 'stop',
  usage: { input: 10, output: 5 },
  usageSource: 'provider',
  totalBytes: 0,
  durationMs: 5,
  ...changes,
});

/** A worker that takes it, sends the parts and ends well. */
export const serving =
  (parts: readonly string[], end: Partial<AttemptEnd> = {}): StreamScript =>
  ({ reader }) => {
    reader.accepted('worker-test0001');
    for (const part of parts) reader.data(Buffer.from(part));
    reader.end(endOf({ totalBytes: parts.join('').length, ...end }));
  };
