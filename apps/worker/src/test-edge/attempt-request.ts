// An attempt as the ingress would send it, for tests.
import { CHAT_FIELDS, scanTopLevelFields } from '@waystation/dialects';
import type { AttemptRunRequest, CapacityLimits } from '@waystation/contracts';

let ordinal = 0;

export interface GivenAttempt {
  readonly stream?: boolean;
  readonly provider?: string;
  readonly endpointId?: string;
  readonly billsAfterCancel?: boolean;
  readonly deadlineMs?: number;
  readonly endUserId?: string;
  readonly dropParameters?: readonly string[];
  /** Id of the workspace's own key that it is asked with. */
  readonly ownKey?: string;
  readonly workspaceId?: string;
  /** Of the credential that it is asked with. */
  readonly limited?: { readonly credentialId: string; readonly capacity: CapacityLimits };
}

export const attemptBody = (more: Record<string, unknown> = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      model: 'lab/small',
      stream: true,
      provider: { order: ['lab'] },
      messages: [{ role: 'user', content: 'hi' }],
      ...more,
    }),
  );

export const attemptRequest = (body: Buffer, given: GivenAttempt = {}): AttemptRunRequest => {
  ordinal += 1;
  const id = `1700000000-abcdefghijABCDEF${String(ordinal).padStart(4, '0')}`;
  return {
    v: 1,
    attemptId: `att-${id}-0`,
    generationId: `gen-${id}`,
    identity: {
      workspaceId: given.workspaceId ?? 'ws-1',
      keyHash: 'a'.repeat(64),
      tags: ['nightly'],
      ...(given.endUserId === undefined ? {} : { endUserId: given.endUserId }),
    },
    attempt: {
      endpointId: given.endpointId ?? 'lab:small',
      model: 'lab/small',
      provider: given.provider ?? 'lab',
      providerName: 'Lab',
      dialect: 'openai-chat',
      upstreamModel: 'm-1',
      priceVersion: `price-${'0'.repeat(32)}`,
      price: { perUnit: { input: '150000', output: '600000' } },
      context: 128_000,
      billsAfterCancel: given.billsAfterCancel ?? false,
      ...(given.ownKey === undefined ? { byok: false } : { byok: true, credentialId: given.ownKey }),
      ...given.limited,
      ...(given.dropParameters === undefined ? {} : { dropParameters: [...given.dropParameters] }),
    },
    dialect: 'openai-chat',
    stream: given.stream ?? true,
    frames: 'passthrough',
    spans: scanTopLevelFields(body, CHAT_FIELDS) ?? [],
    inputTokensEstimate: 30,
    leaseId: 'lease-00000000',
    holdPicodollars: '1000',
    quotaSet: ['wallet:ws-1'],
    deadlineAt: Date.now() + (given.deadlineMs ?? 30_000),
  };
};

/** Chunks of a completion of `words` tokens. */
export const chatChunks = (words: number, options: { usage?: boolean; finish?: boolean } = {}): (string | object)[] => {
  const head = { id: 'up-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'm-1' };
  const chunk = (delta: object, finish: string | null = null): object => ({
    ...head,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  return [
    chunk({ role: 'assistant', content: '' }),
    ...Array.from({ length: words }, (_, index) => chunk({ content: `w${index} ` })),
    ...(options.finish === false ? [] : [chunk({}, 'stop')]),
    ...(options.usage === false
      ? []
      : [{ ...head, choices: [], usage: { prompt_tokens: 5, completion_tokens: words, total_tokens: 5 + words } }]),
    ...(options.finish === false ? [] : ['[DONE]']),
  ];
};
