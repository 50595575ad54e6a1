// Keys, credits, generations and models over real HTTP: shapes of the reference API, money exact, nobody else's things.
import { WaystationError, generationRecorded, type GenerationRecorded, type KeyEntry } from '@waystation/contracts';
import { SNAPSHOT_KEYS, newApiKey } from '@waystation/contracts';
import { randomBytes } from 'node:crypto';
import { expectDescribed } from '../test-edge/expect-described.js';
import { hashOf, inferenceKey, keyEntryOf, managementKey, planned } from '../test-edge/fixtures.js';
import { createHealthTally } from '@waystation/routing';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
});
afterEach(async () => {
  await ingress.close();
});

type Answer = Readonly<Record<string, unknown>>;
const call = async (
  method: string,
  path: string,
  options: { key?: string; body?: unknown } = {},
): Promise<{ status: number; text: string; json: Answer }> => {
  const response = await fetch(`${ingress.url}/api/v1${path}`, {
    method,
    headers: options.key === undefined ? {} : { authorization: `Bearer ${options.key}` },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const json = JSON.parse(text) as Answer;
  expectDescribed(method, response, json);
  return { status: response.status, text, json };
};
const messageOf = (answer: { json: Answer }): string => (answer.json['error'] as { message: string }).message;
const askedOf = (name: string): Record<string, unknown> | undefined =>
  ingress.bus.asked.find((each) => each.name === name)?.request;

const sums = (total: string) => ({ total, daily: total, weekly: total, monthly: total });
const usageOf = (hashes: readonly string[]) => ({
  keys: hashes.map((hash) => ({
    hash,
    usage: sums('1234567890123'),
    byokUsage: sums('0'),
    limitRemaining: '3765432109877',
  })),
});

describe('GET /key', () => {
  it.each(['/key', '/auth/key'])('%s tells a key about itself, its amounts exact', async (path) => {
    ingress.bus.rpc.set('billing.key.usage', ({ hashes }: { hashes: string[] }) => usageOf(hashes));
    const { status, text, json } = await call('GET', path, { key: inferenceKey });
    expect(status).toBe(200);
    expect(json['data']).toMatchObject({
      label: 'sk-way-v1-abc...123',
      limit: null,
      is_management_key: false,
      is_free_tier: false,
      limit_reset: null,
      include_byok_in_limit: false,
      rate_limit: { interval: '1h' },
      workspace_id: 'default',
    });
    expect(text).toContain('"usage":1.234567890123,');
    expect(text).toContain('"limit_remaining":3.765432109877,');
    expect(askedOf('billing.key.usage')).toMatchObject({
      workspaceId: 'default',
      hashes: [hashOf(inferenceKey)],
      principal: { kind: 'key', workspaceId: 'default' },
    });
  });
});

describe('GET /credits', () => {
  it('tells what was put in and what was used', async () => {
    ingress.bus.rpc.set('billing.credits.get', () => ({
      purchased: '100000000000000',
      used: '1',
      balance: '99999999999999',
      held: '5',
    }));
    expect((await call('GET', '/credits', { key: managementKey })).text).toBe(
      '{"data":{"total_credits":100,"total_usage":0.000000000001}}',
    );
  });
});

describe('/keys', () => {
  const entry: KeyEntry = keyEntryOf(newApiKey(randomBytes), {
    name: 'Team',
    limit: '5000000000000',
    limitReset: 'monthly',
    expiresAt: 1_800_000_000_000,
  });
  beforeEach(() => {
    ingress.bus.rpc.set('billing.key.usage', ({ hashes }: { hashes: string[] }) => usageOf(hashes));
  });

  it('lists the keys of the workspace with their usage', async () => {
    ingress.bus.rpc.set('control.key.list', () => ({ keys: [entry] }));
    const { json } = await call('GET', '/keys?include_disabled=true&offset=100', { key: managementKey });
    expect(json['data']).toEqual([
      expect.objectContaining({
        hash: entry.hash,
        name: 'Team',
        label: entry.label,
        disabled: false,
        limit: 5,
        limit_remaining: 3.765432109877,
        limit_reset: 'monthly',
        usage: 1.234567890123,
        byok_usage: 0,
        created_at: '2023-11-14T22:13:20.000Z',
        expires_at: '2027-01-15T08:00:00.000Z',
        workspace_id: 'default',
      }),
    ]);
    expect(askedOf('control.key.list')).toMatchObject({ workspaceId: 'default', includeDisabled: true, offset: 100 });
  });

  it('makes a key and shows it once', async () => {
    const key = newApiKey(randomBytes);
    ingress.bus.rpc.set('control.key.create', () => ({ key, entry }));
    const { status, json } = await call('POST', '/keys', {
      key: managementKey,
      body: {
        name: 'Team',
        limit: 0.1,
        limit_reset: 'monthly',
        expires_at: '2027-01-15T08:00:00Z',
        include_byok_in_limit: true,
        creator_user_id: null,
      },
    });
    expect([status, json['key']]).toEqual([201, key]);
    expect(json['data']).toMatchObject({ hash: entry.hash, usage: 0, limit_remaining: 5 });
    expect(askedOf('control.key.create')).toMatchObject({
      workspaceId: 'default',
      kind: 'inference',
      name: 'Team',
      limit: '100000000000',
      limitReset: 'monthly',
      expiresAt: 1_800_000_000_000,
      includeByokInLimit: true,
    });
  });

  it.each([
    ['no name', {}, 'name: Required'],
    ['a name that is a number', { name: 5 }, 'name: Expected string of 1 to 256 characters, received number'],
    ['a name that cannot be stored', { name: 'a\0b' }, 'name: Expected text without the character U+0000'],
    ['a negative limit', { name: 'x', limit: -1 }, 'limit: Expected a non-negative number of USD, received number'],
    ['a limit as text', { name: 'x', limit: '5' }, 'limit: Expected a non-negative number of USD, received string'],
    [
      'an unknown reset',
      { name: 'x', limit_reset: 'hourly' },
      "limit_reset: Expected 'daily' | 'weekly' | 'monthly' | null",
    ],
    ['a kind of its own choosing', { name: 'x', kind: 'management' }, "Unrecognized key(s) in object: 'kind'"],
    ['a prototype', '{"name":"x","__proto__":{"disabled":true}}', "Unrecognized key(s) in object: '__proto__'"],
    ['no JSON', '{', 'The request body is not valid JSON.'],
  ])('refuses a new key with %s', async (_name, body, message) => {
    const answer = await call('POST', '/keys', { key: managementKey, body });
    expect([answer.status, messageOf(answer)]).toEqual([400, message]);
    expect(askedOf('control.key.create')).toBeUndefined();
  });

  it('changes and deletes a key', async () => {
    ingress.bus.rpc.set('control.key.update', () => ({ entry: { ...entry, disabled: true } }));
    ingress.bus.rpc.set('control.key.delete', () => ({ deleted: true }));
    const changed = await call('PATCH', `/keys/${entry.hash}`, {
      key: managementKey,
      body: { disabled: true, limit: null },
    });
    expect(changed.json['data']).toMatchObject({ disabled: true });
    expect(askedOf('control.key.update')).toMatchObject({ hash: entry.hash, disabled: true, limit: null });
    expect((await call('DELETE', `/keys/${entry.hash}`, { key: managementKey })).json).toEqual({ deleted: true });
  });

  it('answers for another workspace’s key, and for what is no hash, as if there were none', async () => {
    const foreign = keyEntryOf(newApiKey(randomBytes), { workspaceId: 'other' });
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(foreign.hash), foreign);
    for (const hash of [foreign.hash, '0'.repeat(64), 'undefined', 'null', '..%2f..']) {
      expect((await call('GET', `/keys/${hash}`, { key: managementKey })).status).toBe(404);
    }
    expect((await call('GET', '/keys?workspace_id=other', { key: managementKey })).status).toBe(404);
    expect(
      (await call('POST', '/keys', { key: managementKey, body: { name: 'x', workspace_id: 'other' } })).status,
    ).toBe(404);
    ingress.bus.rpc.set('control.key.delete', () => {
      throw new WaystationError('not_found', 'no such key');
    });
    expect((await call('DELETE', `/keys/${foreign.hash}`, { key: managementKey })).status).toBe(404);
  });
});

describe('GET /generation', () => {
  const id = 'gen-1700000000-abcdefghijklmnopqrst';
  const { endpointId, provider, providerName, model } = planned('alpha');
  const record: GenerationRecorded = generationRecorded.parse({
    kind: 'generation.recorded',
    v: 1,
    generationId: id,
    identity: {
      workspaceId: 'default',
      keyHash: hashOf(inferenceKey),
      endUserId: 'u',
      sessionId: 's',
      app: { referer: 'https://app.example' },
      tags: ['search', 'nightly'],
    },
    createdAt: 1_700_000_000_000,
    api: 'chat',
    requestedModels: ['lab/small'],
    model,
    provider,
    providerName,
    endpointId,
    upstreamId: 'chatcmpl-1',
    stream: true,
    cancelled: false,
    outcome: 'completed',
    finishReason: 'tool-calls',
    nativeFinishReason: 'tool_calls',
    httpStatus: 200,
    usage: { input: 7, cacheRead: 3, output: 4, reasoning: 1 },
    usageSource: 'provider',
    costPicodollars: '1234567',
    policyRow: 'completed',
    byok: false,
    latencyMs: 12.5,
    generationTimeMs: 30,
    userAgent: 'test',
    requestId: 'req-1',
    attempts: [
      {
        attemptId: 'att-1700000000-abcdefghijklmnopqrst-0',
        attempt: { endpointId, provider, providerName, model },
        outcome: 'completed',
        upstreamStatus: 200,
      },
    ],
  });

  it('shows everything of the reference’s record, the cost to the last picodollar', async () => {
    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: record }));
    const { text, json } = await call('GET', `/generation?id=${id}`, { key: inferenceKey });
    expect(text).toContain('"total_cost":0.000001234567,');
    const data = json['data'] as Answer;
    expect(data).toMatchObject({
      id,
      model: 'lab/small',
      provider_name: 'ALPHA',
      streamed: true,
      finish_reason: 'tool_calls',
      native_finish_reason: 'tool_calls',
      tokens_prompt: 10,
      tokens_completion: 5,
      native_tokens_cached: 3,
      native_tokens_reasoning: 1,
      latency: 12.5,
      external_user: 'u',
      tags: ['search', 'nightly'],
      session_id: 's',
      upstream_id: 'chatcmpl-1',
      created_at: '2023-11-14T22:13:20.000Z',
      policy_row: 'completed',
    });
    const required =
      'api_type app_id cache_discount cancelled created_at data_region external_user finish_reason generation_time http_referer id is_byok latency model moderation_latency native_finish_reason native_tokens_cached native_tokens_completion native_tokens_completion_images native_tokens_prompt native_tokens_reasoning num_fetches num_input_audio_prompt num_media_completion num_media_prompt num_search_results origin preset_id provider_name provider_responses router service_tier streamed tokens_completion tokens_prompt total_cost upstream_id upstream_inference_cost usage user_agent web_search_engine workspace_id';
    expect(required.split(' ').filter((field) => !Object.hasOwn(data, field))).toEqual([]);
  });

  it('takes the charge from billing where the ingress could not know it', async () => {
    const { usage: _usage, ...unknown } = {
      ...record,
      outcome: 'cancelled' as const,
      cancelled: true,
      costPicodollars: '0',
    };
    expect(_usage).toBeDefined();
    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: unknown }));
    const charge = {
      attemptId: 'att-1700000000-abcdefghijklmnopqrst-0',
      revision: 0,
      amount: '55',
      payer: 'credits',
      outcome: 'cancelled',
      policyRow: 'cancelled-after-output',
      priceVersion: 'p',
      usage: { input: 7, output: 2 },
      usageSource: 'provider',
      witness: 'worker',
      holdPicodollars: '100',
      settledAt: 1,
    };
    ingress.bus.rpc.set('billing.generation.explain', () => ({
      charges: [charge, { ...charge, payer: 'waste', amount: '7' }],
    }));
    const { text, json } = await call('GET', `/generation?id=${id}`, { key: inferenceKey });
    expect(text).toContain('"total_cost":0.000000000055,');
    expect(json['data']).toMatchObject({
      tokens_prompt: 7,
      tokens_completion: 2,
      cancelled: true,
      usage_source: 'provider',
    });
  });

  const attemptId = 'att-1700000000-abcdefghijklmnopqrst-0';
  const parts = { credits: '1234567', waste: '0', variance: '0', byok: '0' };
  const told = { outcome: 'completed', usage: { input: 7, output: 4 }, usageSource: 'provider' };
  const charge = {
    ...{ ...told, attemptId, revision: 0, amount: '1234567', payer: 'credits', policyRow: 'completed' },
    ...{ priceVersion: 'price-1', witness: 'ingress', holdPicodollars: '2000000', settledAt: 1_700_000_001_000 },
  };
  const explained = {
    ...{ attemptId, provider: 'alpha', endpointId, model, priceVersion: 'price-1' },
    lines: [
      ...[{ unit: 'input', count: 7, pricedAs: 'input', unitPicodollars: '1000000', amountPicodollars: '1234000' }],
      ...[{ unit: 'odd', count: 4, unitPicodollars: '0', amountPicodollars: '567' }],
    ],
    ...{ cost: '1234568', policyRow: 'completed', bearer: 'customer', why: 'The completion was delivered.' },
    ...{ ...parts, unbilled: '1', hold: '2000000' },
    lease: { id: 'lease-00000001', endsAt: 1_700_000_060_000 },
    quotas: ['wallet:default'],
    revisions: [
      {
        ...{ ...told, ...parts, revision: 0, reason: 'Settled from what the ingress told.', policyRow: 'completed' },
        ...{ outcomeBy: 'ingress', usageBy: 'ingress', priceVersion: 'price-1', settledAt: 1_700_000_001_000 },
      },
    ],
  };
  const dataOf = async (): Promise<Answer> =>
    (await call('GET', `/generation?id=${id}`, { key: inferenceKey })).json['data'] as Answer;

  it('says why it was charged, attempt by attempt, every amount as exact text', async () => {
    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: record }));
    ingress.bus.rpc.set('billing.generation.explain', () => ({ charges: [charge], attempts: [explained] }));
    expect(await dataOf()).toMatchObject({
      settled: true,
      charges: [
        {
          ...{ attempt_id: attemptId, provider: 'alpha', endpoint_id: endpointId, model: 'lab/small' },
          ...{ price_version: 'price-1', service_tier: null, cost: '0.000001234568', surcharge: null },
          lines: [
            ...[{ unit: 'input', count: 7, priced_as: 'input', unit_price: '0.000001', amount: '0.000001234' }],
            ...[{ unit: 'odd', count: 4, priced_as: null, unit_price: '0', amount: '0.000000000567' }],
          ],
          policy: { row: 'completed', bearer: 'customer', why: 'The completion was delivered.' },
          paid: { credits: '0.000001234567', waste: '0', variance: '0', byok: '0', unbilled: '0.000000000001' },
          hold: {
            amount: '0.000002',
            lease: { id: 'lease-00000001', ends_at: '2023-11-14T22:14:20.000Z', closed_at: null },
            quotas: ['wallet:default'],
          },
          history: [
            {
              ...{ revision: 0, settled_at: '2023-11-14T22:13:21.000Z', reason: 'Settled from what the ingress told.' },
              ...{ credits: '0.000001234567', waste: '0', outcome: 'completed', policy_row: 'completed' },
              ...{ usage: { input: 7, output: 4 }, usage_source: 'provider', rerate_id: null },
              witnesses: { outcome: 'ingress', usage: 'ingress' },
            },
          ],
        },
      ],
    });
    expect(askedOf('billing.generation.explain')).toMatchObject({ workspaceId: 'default', generationId: id });
  });

  it.each([
    ['a markup', 'markup', 75_000, '7.5'],
    ['the fee for an own key', 'fees', 50_001, '5.0001'],
  ])('says what of it is %s', async (_name, account, ratePpm, percent) => {
    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: record }));
    const surcharge = { account, ratePpm, amountPicodollars: '92593' };
    const revisions = explained.revisions.map((revision) => ({ ...revision, surcharge: '92593' }));
    ingress.bus.rpc.set('billing.generation.explain', () => ({
      charges: [charge],
      attempts: [{ ...explained, surcharge, revisions }],
    }));
    const amount = '0.000000092593';
    expect(await dataOf()).toMatchObject({
      charges: [{ surcharge: { account, percent, amount }, history: [{ surcharge: amount }] }],
    });
  });

  it('costs what the ledger says once it is booked: corrections and re-ratings count', async () => {
    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: record }));
    ingress.bus.rpc.set('billing.generation.explain', () => ({
      charges: [charge, { ...charge, revision: 1, amount: '-34567' }, { ...charge, payer: 'variance', amount: '9' }],
    }));
    expect(await dataOf()).toMatchObject({ total_cost: 0.0000012, usage: 0.0000012, settled: true });
  });

  it('shows what the customer’s own key paid as the cost upstream, when it is known', async () => {
    ingress.bus.rpc.set('logging.generation.get', () => ({
      generation: { ...record, byok: true, costPicodollars: '0' },
    }));
    expect(await dataOf()).toMatchObject({ is_byok: true, total_cost: 0, upstream_inference_cost: null });
    ingress.bus.rpc.set('billing.generation.explain', () => ({ charges: [{ ...charge, payer: 'byok' }] }));
    expect(await dataOf()).toMatchObject({ total_cost: 0, upstream_inference_cost: 0.000001234567 });
  });

  it.each<[string, () => unknown]>([
    ['has not settled it yet', () => ({ charges: [], attempts: [] })],
    [
      'is away',
      () => {
        throw new WaystationError('no_responder', 'Nobody answers.');
      },
    ],
  ])('does not wait for billing: while it %s the cost is the trail’s', async (_name, answer) => {
    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: record }));
    ingress.bus.rpc.set('billing.generation.explain', answer);
    expect(await dataOf()).toMatchObject({ total_cost: 0.000001234567, settled: false, charges: [] });
  });

  it('is not shown as free when only billing knows the cost and cannot be asked', async () => {
    const { usage: _usage, ...pending } = record;
    expect(_usage).toBeDefined();
    ingress.bus.rpc.set('logging.generation.get', () => ({ generation: pending }));
    expect((await call('GET', `/generation?id=${id}`, { key: inferenceKey })).status).toBe(503);
  });

  it('is settled when every attempt that can have reached a provider is', async () => {
    const [first] = record.attempts;
    const second = { ...first, attemptId: `${attemptId.slice(0, -1)}1` };
    ingress.bus.rpc.set('billing.generation.explain', () => ({ charges: [charge] }));
    for (const [attempts, settled] of [
      [[first, second], false],
      [[first, { ...second, dispatched: false }], true],
      [[], true],
    ] as const) {
      ingress.bus.rpc.set('logging.generation.get', () => ({ generation: { ...record, attempts } }));
      expect(await dataOf()).toMatchObject({ settled });
    }
  });

  it('waits a moment for one that just ended, and does not for one that is long gone', async () => {
    const fresh = `gen-${Math.floor(Date.now() / 1000)}-abcdefghijklmnopqrst`;
    let looks = 0;
    ingress.bus.rpc.set('logging.generation.get', () => {
      looks += 1;
      if (looks < 3) throw new WaystationError('not_found', 'not yet');
      return { generation: { ...record, generationId: fresh } };
    });
    expect((await call('GET', `/generation?id=${fresh}`, { key: inferenceKey })).status).toBe(200);
    looks = -100;
    ingress.bus.rpc.set('billing.generation.explain', () => ({ charges: [], attempts: [] }));
    expect((await call('GET', `/generation?id=${id}`, { key: inferenceKey })).status).toBe(404);
    expect(looks).toBe(-99);
  });

  describe('whose record was lost with its ingress', () => {
    beforeEach(() => {
      ingress.bus.rpc.set('logging.generation.get', () => {
        throw new WaystationError('not_found', 'no record');
      });
    });

    it('is answered from its charges: what only the record tells is null, and it says so', async () => {
      const bill = { charges: [{ ...charge, outcome: 'failed-after-output' }], attempts: [explained], waiting: [] };
      ingress.bus.rpc.set('billing.generation.explain', () => bill);
      const { text, json, status } = await call('GET', `/generation?id=${id}`, { key: inferenceKey });
      expect(status).toBe(200);
      expect(text).toContain('"total_cost":0.000001234567,');
      expect(json['data']).toMatchObject({
        ...{ id, model: 'lab/small', workspace_id: 'default', created_at: '2023-11-14T22:13:20.000Z', is_byok: false },
        ...{ outcome: 'failed-after-output', policy_row: 'completed', usage_source: 'provider', settled: true },
        ...{ tokens_prompt: 7, tokens_completion: 4, error: null },
        ...{ request_id: null, upstream_id: null, provider_name: null, streamed: null, cancelled: null, latency: null },
        ...{ finish_reason: null, generation_time: null, origin: null, external_user: null, session_id: null },
        provider_responses: [{ id: attemptId, endpoint_id: endpointId, status: null, latency: null }],
        charges: [{ attempt_id: attemptId, cost: '0.000001234568' }],
        warnings: [expect.stringContaining('There is no record of this generation')],
      });
    });

    it('has the fields of every other, no more and no fewer', async () => {
      const bill = { charges: [charge], attempts: [explained] };
      ingress.bus.rpc.set('billing.generation.explain', () => bill);
      const lost = await dataOf();
      ingress.bus.rpc.set('logging.generation.get', () => ({ generation: record }));
      expect(Object.keys(lost)).toEqual(Object.keys(await dataOf()));
    });

    it('is not settled while an attempt of it waits', async () => {
      const waiting = [{ attemptId: `${attemptId.slice(0, -1)}1`, dueAt: 1_700_000_100_000 }];
      ingress.bus.rpc.set('billing.generation.explain', () => ({ charges: [charge], attempts: [explained], waiting }));
      expect(await dataOf()).toMatchObject({ settled: false });
    });

    it('is not said to be unknown when billing cannot be asked', async () => {
      expect((await call('GET', `/generation?id=${id}`, { key: inferenceKey })).status).toBe(503);
    });

    it('is unknown where nothing is booked of it either', async () => {
      ingress.bus.rpc.set('billing.generation.explain', () => ({ charges: [], attempts: [] }));
      const answer = await call('GET', `/generation?id=${id}`, { key: inferenceKey });
      expect([answer.status, messageOf(answer)]).toEqual([404, `Generation "${id}" not found`]);
    });
  });

  it.each([
    ['', 400, 'id: Required'],
    ['?id=', 400, 'id: Required'],
    ['?id=a&id=b', 400, 'id: Required'],
    ["?id=' or 1=1", 404, 'Generation "\' or 1=1" not found'],
  ])('with %j is %i', async (query, status, message) => {
    const answer = await call('GET', `/generation${query}`, { key: inferenceKey });
    expect([answer.status, messageOf(answer)]).toEqual([status, message]);
    expect(askedOf('logging.generation.get')).toBeUndefined();
  });
});

describe('the models', () => {
  it('have every field that the reference requires, prices as exact text', async () => {
    const { json } = await call('GET', '/models');
    expect(json).toMatchObject({ total_count: 1, links: { next: null } });
    const [model] = json['data'] as [Answer];
    expect(model).toMatchObject({
      id: 'lab/small',
      canonical_slug: 'lab/small',
      name: 'Lab Small',
      created: 1_700_000_000,
      context_length: 100_000,
      architecture: {
        modality: 'text->text',
        input_modalities: ['text'],
        output_modalities: ['text'],
        tokenizer: 'Other',
        instruct_type: null,
      },
      pricing: {
        prompt: '0.000001',
        completion: '0.000002',
        request: '0',
        image: '0',
        overrides: [{ min_prompt_tokens: 50_000, prompt: '0.000002', completion: '0.000004' }],
      },
      top_provider: { context_length: 100_000, max_completion_tokens: 1_000, is_moderated: false },
      per_request_limits: null,
      supported_parameters: ['max_tokens', 'temperature', 'tools'],
      default_parameters: null,
      supported_voices: null,
      links: { details: '/api/v1/models/lab/small/endpoints' },
    });
    expect((await call('GET', '/model/lab/small')).json).toEqual({ data: model });
    expect((await call('GET', '/models/count')).json).toEqual({ data: { count: 1 } });
  });

  it('list their endpoints', async () => {
    const { json } = await call('GET', '/models/lab/small:nitro/endpoints');
    const { endpoints, ...data } = json['data'] as Answer & { endpoints: Answer[] };
    expect(data).toMatchObject({ id: 'lab/small', name: 'Lab Small', created: 1_700_000_000, description: '' });
    expect(endpoints.map((endpoint) => endpoint['tag']).sort()).toEqual(['alpha', 'beta']);
    const required =
      'name model_id model_name context_length pricing provider_name tag quantization max_completion_tokens max_prompt_tokens supported_parameters uptime_last_30m uptime_last_5m uptime_last_1d supports_implicit_caching latency_last_30m throughput_last_30m';
    for (const endpoint of endpoints)
      expect(required.split(' ').filter((field) => !Object.hasOwn(endpoint, field))).toEqual([]);
  });

  it('show how their endpoints do, and how quick they are to those who have a key', async () => {
    const shown = async (key?: string): Promise<Answer | undefined> => {
      const { json } = await call('GET', '/models/lab/small/endpoints', key === undefined ? {} : { key });
      return (json['data'] as { endpoints: Answer[] }).endpoints.find(({ tag }) => tag === 'alpha');
    };
    const unknown = {
      ...{ status: 0, uptime_last_5m: null, uptime_last_30m: null, uptime_last_1d: null },
      ...{ latency_last_30m: null, throughput_last_30m: null },
    };
    expect(await shown(inferenceKey)).toMatchObject(unknown);
    const tally = createHealthTally();
    for (let each = 0; each < 20; each += 1) {
      tally.record('alpha/lab/small', { verdict: 'succeeded', timeToFirstTokenMs: 200, tokensPerSecond: 50 }, 1_000);
      tally.record('alpha/lab/small', { verdict: 'rateLimited' }, 1_000);
    }
    for (let each = 0; each < 5; each += 1) tally.record('alpha/lab/small', { verdict: 'failed' }, 1_000);
    tally.record('gone/lab/small', { verdict: 'failed' }, 1_000);
    ingress.bus.sendSignal('health', {
      ...{ v: 2, instance: 'worker-1', clockMs: 1_001, endpoints: tally.all(1_001), credentials: [] },
    });
    const about = (value: number) => expect.closeTo(value, value > 100 ? -1.5 : -0.7);
    const speed = (value: number) => ({ p50: about(value), p75: about(value), p90: about(value), p99: about(value) });
    const uptimes = { status: 0, uptime_last_5m: 80, uptime_last_30m: 80, uptime_last_1d: 80 };
    expect(await shown(inferenceKey)).toMatchObject({
      ...{ ...uptimes, latency_last_30m: speed(200), throughput_last_30m: speed(50) },
    });
    for (const key of [undefined, 'sk-way-v1-nobody'])
      expect(await shown(key)).toMatchObject({ ...uptimes, latency_last_30m: null, throughput_last_30m: null });
  });

  it('name who offers them', async () => {
    const { data } = (await call('GET', '/providers')).json as { data: Answer[] };
    expect(data).toEqual(
      ['alpha', 'beta'].map((slug) => ({
        ...{ name: slug.toUpperCase(), slug, privacy_policy_url: null },
        ...{ terms_of_service_url: null, status_page_url: null, headquarters: null, datacenters: null },
      })),
    );
  });

  it('are listed where nothing is kept of what they are sent, by endpoint or else by provider', async () => {
    const tags = async (): Promise<unknown[]> =>
      ((await call('GET', '/endpoints/zdr')).json as { data: Answer[] }).data.map(({ tag }) => tag).sort();
    expect(await tags()).toEqual(['alpha', 'beta']);
  });

  it.each([
    ['/models?supported_parameters=tools,temperature', 1],
    ['/models?supported_parameters=logprobs', 0],
    ['/models?output_modalities=image', 0],
    ['/models?output_modalities=all', 1],
    ['/models?input_modalities=image', 0],
    ['/models?q=LAB', 1],
    ['/models?model_authors=openai', 0],
    ['/models?context=100001', 0],
    ['/models?max_price=1', 1],
    ['/models?max_price=0.5', 0],
    ['/models?offset=1&limit=1', 0],
    ['/models?sort=newest', 1],
    ['/models?providers=beta,nobody', 1],
    ['/models?providers=ALPHA', 1],
    ['/models?providers=nobody', 0],
    ['/models?zdr=true', 1],
    ['/models?region=eu', 0],
    ['/models?min_age_days=1', 1],
    ['/models?max_age_days=1', 0],
    ['/models?category=&something=new', 1],
    ['/embeddings/models', 0],
    ['/images/models', 0],
  ])('%s finds %i', async (path, found) => {
    expect((await call('GET', path)).json['data']).toHaveLength(found);
  });

  it.each([
    ['/models?limit=0', 400],
    ['/models?offset=-1', 400],
    ['/models?sort=intelligence-high-to-low', 400],
    ['/models?category=programming', 400],
    ['/models?min_coding_index=50', 400],
    ['/models?use_rss=true', 400],
    ['/models?output_modalities=smell', 400],
    ['/models?input_modalities=embeddings', 400],
    ['/models?zdr=false', 400],
    ['/models?region=eu,us', 400],
    ['/models?context=0', 400],
    ['/models?limit=1.5', 400],
    ['/models?sort=newest&sort=newest', 400],
    ['/models/count?output_modalities=smell', 400],
    ['/embeddings/models?limit=1001', 400],
    ['/images/models/lab/small/endpoints', 404],
    ['/model/no/such', 404],
    ['/models/no/such/endpoints', 404],
    ['/models/lab%2fsmall/x/endpoints', 404],
  ])('%s is %i', async (path, status) => {
    expect((await call('GET', path)).status).toBe(status);
  });
});

describe('the status page', () => {
  it('shows services, credits and generations, and says which part does not answer', async () => {
    ingress.bus.sendSignal('alive', {
      v: 1,
      instance: 'worker-test0001',
      services: ['worker'],
      release: '1.2',
      sentAt: 1,
    });
    ingress.bus.sendSignal('alive', {
      v: 1,
      instance: 'worker-test0002',
      services: ['worker'],
      release: '1.2',
      sentAt: 1,
    });
    ingress.bus.sendSignal('alive', {
      v: 1,
      instance: 'worker-test0002',
      services: ['worker'],
      release: '1.2',
      sentAt: 2,
      leaving: true,
    });
    ingress.bus.rpc.set('billing.credits.get', () => ({
      purchased: '100000000000000',
      used: '1',
      balance: '99999999999999',
      held: '5',
    }));
    const response = await fetch(`${ingress.url}/console/data/status`, {
      headers: { authorization: `Bearer ${managementKey}` },
    });
    expect(await response.json()).toMatchObject({
      release: 'test',
      workspace: { id: 'default' },
      services: [{ instance: 'worker-test0001', services: ['worker'], release: '1.2' }],
      credits: { purchased: 100, balance: 99.999999999999 },
      generations: { fault: 'Nobody answers logging.generation.list.' },
    });
  });
});
