// Routing decisions over real HTTP: whose are kept, what stands in them, and what the routes make of them.
import {
  type DecisionDifference,
  type DecisionRecorded,
  type OwnKeyEntry,
  WaystationError,
} from '@waystation/contracts';
import { expectDescribed } from '../test-edge/expect-described.js';
import { completion, inferenceKey, managementKey, planned, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
let beating: NodeJS.Timeout;
const open = async (decisionsKept = 0): Promise<void> => {
  ingress = await startIngress({ decisionsKept });
  const beat = (): void =>
    ingress.bus.sendSignal('alive', {
      ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
    });
  beating = setInterval(beat, 10);
  beat();
  ingress.bus.worker = serving([completion('a')]);
};
beforeEach(() => open());
afterEach(async () => {
  clearInterval(beating);
  await ingress.close();
});

const call = async (
  method: string,
  path: string,
  { key = inferenceKey, headers = {}, body }: { key?: string; headers?: Record<string, string>; body?: object } = {},
) => {
  const response = await fetch(`${ingress.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  // What is in it is judged by each test.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const json: any = isJson ? JSON.parse(text) : undefined;
  if (isJson) expectDescribed(method, response, json);
  return { status: response.status, headers: response.headers, text, json };
};
const SECRET = 'a prompt that nobody is to read';
const generate = (headers: Record<string, string> = {}) =>
  call('POST', '/chat/completions', {
    headers,
    body: { model: 'lab/small', messages: [{ role: 'user', content: SECRET }] },
  });

describe('a decision', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['is kept where it is asked for', { 'x-waystation-explain': 'true' }, true],
    ['is kept where metadata are asked for', { 'x-openrouter-metadata': 'enabled' }, true],
    ['is not kept where nobody asks', {}, false],
    ['is not kept where that is what is said', { 'x-waystation-explain': 'false' }, false],
  ])('%s', async (_, headers, isKept) => {
    const { headers: told } = await generate(headers);
    const [line] = ingress.bus.trailLines;
    expect(line?.decisionKept).toBe(isKept ? true : undefined);
    expect(ingress.bus.asked.find(({ name }) => name === 'route.plan')?.request['explain']).toBe(isKept || undefined);
    const kept = ingress.bus.decisionLines;
    expect(kept.map(({ generationId, because }) => [generationId, because])).toEqual(
      isKept ? [[told.get('x-generation-id'), 'asked']] : [],
    );
  });

  it('is drawn for the configured share', async () => {
    await ingress.close();
    clearInterval(beating);
    await open(1);
    await generate();
    expect(ingress.bus.decisionLines).toMatchObject([{ because: 'drawn' }]);
  });

  it('holds what was asked, planned, tried and charged, and nothing of prompt or answer', async () => {
    await generate({ 'x-waystation-explain': 'true' });
    const [kept] = ingress.bus.decisionLines;
    expect(kept).toMatchObject({
      models: ['lab/small'],
      plan: { attempts: [{ endpointId: 'alpha/lab/small' }, { endpointId: 'beta/lab/small' }] },
      tried: [{ endpointId: 'alpha/lab/small', outcome: 'completed' }],
      served: { endpointId: 'alpha/lab/small', outcome: 'completed' },
    });
    const asked = ingress.bus.asked.find(({ name }) => name === 'route.plan')?.request;
    expect(asked).toMatchObject({ preferences: kept?.preferences, features: kept?.features, identity: kept?.identity });
    expect(kept?.served?.costPicodollars).toBe(ingress.bus.trailLines[0]?.costPicodollars);
    expect(JSON.stringify(kept)).not.toContain(SECRET);
  });

  it('is kept of a plan that left nothing, too', async () => {
    const plan = {
      ...{ attempts: [], snapshotRevision: 3, strategy: 'weighted' },
      excluded: [{ endpointId: 'alpha/lab/small', model: 'lab/small', provider: 'alpha', rule: 'max_price' as const }],
    };
    ingress.bus.rpc.set('route.plan', () => plan);
    expect((await generate({ 'x-waystation-explain': 'true' })).status).toBe(404);
    expect(ingress.bus.decisionLines).toMatchObject([{ plan, tried: [], errorCode: 'no_endpoints' }]);
    expect(ingress.bus.decisionLines[0]?.served).toBeUndefined();
  });

  it('is refused where the header says neither', async () => {
    const { status, json } = await generate({ 'x-waystation-explain': 'maybe' });
    expect([status, json.error.message]).toEqual([
      400,
      "X-Waystation-Explain: Expected 'true' or 'false', received 'maybe'",
    ]);
    expect(ingress.bus.asked.filter(({ name }) => name === 'route.plan')).toEqual([]);
  });
});

const ID = 'gen-1700000000-00000000000000000000';
const attemptAt = (provider: string) => {
  const { endpointId, model, providerName, priceVersion, price, byok } = planned(provider);
  return { endpointId, model, provider, providerName, priceVersion, price, byok };
};
const ownKey = (id: string): OwnKeyEntry => ({
  ...{ v: 1, version: 1, id, workspaceId: 'default', provider: 'alpha', sortOrder: 0 },
  ...{ disabled: false, isFallback: false, alwaysUse: false },
});
const decision: DecisionRecorded = {
  ...{ kind: 'decision.recorded', v: 1, generationId: ID, createdAt: 1_700_000_000_000, because: 'asked' },
  ...{ identity: { workspaceId: 'default', keyHash: '0'.repeat(64) }, models: ['lab/small'] },
  ...{ preferences: { allowFallbacks: true }, policyIds: ['p'], tried: [] },
  chosenBy: { router: 'waystation/auto', rule: 'coding', task: 'code' },
  features: {
    ...{ api: 'chat', dialect: 'openai-chat', stream: false, bodyBytes: 1, inputTokensEstimate: 1, parameters: [] },
    ...{ inputModalities: ['text'], outputModalities: ['text'], toolCount: 0, messageCount: 1 },
  },
  plan: {
    attempts: [attemptAt('alpha')],
    excluded: [{ endpointId: 'beta/lab/small', model: 'lab/small', provider: 'beta', rule: 'ignored' }],
    ...{ snapshotRevision: 3, strategy: 'weighted', aliases: { '~lab/latest': 'lab/small' } },
    affinity: [{ model: 'lab/small', home: 'beta/lab/small', override: { endpointId: 'alpha/lab/small', at: 1 } }],
  },
  inputs: {
    ...{ nowMs: 1, revision: 3, providers: [], models: [], endpoints: [] },
    ownKeys: ['own-1', 'own-2'].map(ownKey),
    policies: [{ v: 1, version: 9, id: 'p' }],
    health: [
      {
        ...{ endpointId: 'beta/lab/small', state: 'degraded' },
        figures: { latencyMs: { p50: 120.4, p99: 900 }, throughput: {} },
      },
    ],
    ...{ refused: ['own-1'], full: [] },
    overrides: [{ model: 'lab/small', endpointId: 'alpha/lab/small', at: 1 }],
  },
  served: { endpointId: 'alpha/lab/small', outcome: 'completed', usage: { input: 1 }, costPicodollars: '1000000' },
};

describe('GET /generation/decision', () => {
  it('tells every endpoint with its place, or with the rule and its words', async () => {
    ingress.bus.rpc.set('logging.decision.get', () => ({ decision }));
    const { status, text, json } = await call('GET', `/generation/decision?id=${ID}`);
    expect(status).toBe(200);
    expect(text).toContain('"cost":0.000001,');
    expect(json.data).toMatchObject({
      policies: [{ id: 'p', version: 9 }],
      own_keys: [
        { id: 'own-1', refused: true },
        { id: 'own-2', refused: false },
      ],
      aliases: { '~lab/latest': 'lab/small' },
      affinity: [{ model: 'lab/small', home: 'beta/lab/small', override: 'alpha/lab/small' }],
      chosen_by: { router: 'waystation/auto', rule: 'coding', task_type: 'code', difficulty: null },
      preferences: { allow_fallbacks: true },
      snapshot_revision: 3,
      endpoints: [
        { endpoint_id: 'alpha/lab/small', place: 1, rule: null, selected: true },
        {
          ...{ endpoint_id: 'beta/lab/small', place: null, rule: 'ignored', health: 'degraded' },
          ...{ latency_ms: { p50: 120.4, p99: 900 }, throughput: null },
          why: 'The request or a guardrail ignores the provider.',
        },
      ],
    });
  });

  it.each<[string, string, number, string]>([
    ['no id', '', 400, 'id: Required'],
    ['what is no id', '?id=x', 404, 'Generation "x" not found'],
    ['a decision that was not kept', `?id=${ID}`, 404, `Generation "${ID}" not found`],
  ])('refuses %s', async (_, query, status, message) => {
    ingress.bus.rpc.set('logging.decision.get', () => {
      throw new WaystationError('not_found', 'Not kept.');
    });
    const answer = await call('GET', `/generation/decision${query}`);
    expect([answer.status, answer.json.error.message]).toEqual([status, message]);
  });
});

describe('POST /decisions/replay', () => {
  const row: DecisionDifference = {
    ...{ generationId: ID, createdAt: 1_700_000_000_000, keyHash: '0'.repeat(64), models: ['lab/small'] },
    ...{ result: 'moved', because: 'Another one comes first.', app: '=cmd()' },
    before: { endpointId: 'alpha/lab/small', model: 'lab/small', provider: 'alpha', byok: false },
    after: { endpointId: 'beta/lab/small', model: 'lab/small', provider: 'beta', byok: false },
    ...{ costBefore: '1000000', costAfter: '999999', difference: '-1' },
  };
  const times = { from: '2023-11-14T00:00:00Z', to: '2023-11-15T00:00:00Z' };
  const replay = (body: object, key = managementKey) => call('POST', '/decisions/replay', { key, body });

  it('goes through the pages, and sums exactly over all and by key', async () => {
    let page = 0;
    ingress.bus.rpc.set('logging.decision.replay', () => {
      page += 1;
      return { rows: [row], ...(page === 1 ? { next: ID } : {}) };
    });
    const { status, text, json } = await replay({ ...times, exclude_providers: ['alpha'] });
    expect(status).toBe(200);
    expect(text).toContain('"difference":-0.000000000002');
    const sums = { decisions: 2, moved: 2, refused: 0, unplanned: 0, priced: 2 };
    expect(json.data).toMatchObject({
      totals: sums,
      by_api_key: [{ api_key_hash: '0'.repeat(64), ...sums }],
      rows: [{ result: 'moved', before: { provider: 'alpha' }, after: { provider: 'beta' } }, {}],
      next: null,
    });
    const asked = ingress.bus.asked.filter(({ name }) => name === 'logging.decision.replay');
    expect(asked.map(({ request }) => [request['change'], request['limit'], request['after']])).toEqual([
      [{ exclude_providers: ['alpha'] }, 500, undefined],
      [{ exclude_providers: ['alpha'] }, 500, ID],
    ]);
  });

  it('is a table for spreadsheets, too, in which nothing is a formula', async () => {
    ingress.bus.rpc.set('logging.decision.replay', () => ({ rows: [row] }));
    const { text, headers } = await replay({ ...times, format: 'csv' });
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [head, line] = text.split('\r\n');
    expect(head).toContain('generation_id,created_at,api_key_hash');
    expect(line).toContain(",'=cmd(),");
    expect(line).toContain(',1000000,999999,-1,');
  });

  it.each<[string, object, string]>([
    ['no time', {}, 'from: Expected an ISO 8601 time, received nothing'],
    ['times the wrong way round', { from: times.to, to: times.from }, 'to: Expected a time after from'],
    ['a change that is not known', { ...times, polcy: {} }, "Unrecognized key(s) in object: 'polcy'"],
    ['a policy with a slip', { ...times, policy: { zrd: true } }, 'policy: Unrecognized key: "zrd"'],
    ['too many', { ...times, limit: 10_001 }, 'limit: Expected a whole number from 1 to 10000'],
    ['another format', { ...times, format: 'xml' }, "format: Expected 'json' | 'csv'"],
    ['a workspace of others', { ...times, workspace_id: 'other' }, 'Workspace not found'],
  ])('refuses %s, and asks nobody', async (_, body, message) => {
    const { status, json } = await replay(body);
    expect([status >= 400 && status < 500, json.error.message]).toEqual([true, message]);
    expect(ingress.bus.asked.filter(({ name }) => name === 'logging.decision.replay')).toEqual([]);
  });

  it('is for management keys', async () => {
    expect((await replay(times, inferenceKey)).status).toBe(403);
  });
});
