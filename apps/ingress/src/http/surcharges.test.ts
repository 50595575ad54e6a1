// What a workspace pays on top of prices, over real HTTP: who may set it, every bad input refused before anything is changed; and that a response says what is charged.
import { SNAPSHOT_KEYS, type PlannedAttempt, type Surcharges } from '@waystation/contracts';
import {
  chunk,
  completion,
  hashOf,
  inferenceKey,
  managementKey,
  planned,
  serving,
  workspace,
} from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
let kept: Surcharges;
/** Whether the management key is an operator's. */
const start = async (isOperator: boolean): Promise<void> => {
  ingress = await startIngress({ operatorKeyHashes: isOperator ? [hashOf(managementKey)] : [] });
  kept = { markupPpm: 0, byokFeePpm: 0 };
  ingress.bus.rpc.set('control.surcharges.get', () => kept);
  ingress.bus.rpc.set('control.surcharges.put', ({ surcharges }: { surcharges: Surcharges }) => (kept = surcharges));
};
beforeEach(() => start(true));
afterEach(() => ingress.close());

const call = async (
  method: string,
  options: { readonly body?: unknown; readonly key?: string; readonly workspace?: string } = {},
): Promise<{ status: number; text: string; message: string | undefined }> => {
  const { body, key = managementKey, workspace: id = 'default' } = options;
  const response = await fetch(`${ingress.url}/api/v1/workspaces/${id}/surcharges`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const { error } = JSON.parse(text) as { error?: { message: string } };
  return { status: response.status, text, message: error?.message };
};
const changes = () => ingress.bus.asked.filter(({ name }) => name === 'control.surcharges.put');
const RATES = { markup_percent: 7.5, byok_fee_percent: 5 };

describe('surcharges', () => {
  it('are set by an operator, in percent, and read by any management key', async () => {
    expect(await call('GET')).toMatchObject({
      status: 200,
      text: '{"data":{"workspace_id":"default","markup_percent":0,"byok_fee_percent":0}}',
    });
    expect(await call('PUT', { body: RATES })).toMatchObject({
      status: 200,
      text: '{"data":{"workspace_id":"default","markup_percent":7.5,"byok_fee_percent":5}}',
    });
    expect(kept).toEqual({ markupPpm: 75_000, byokFeePpm: 50_000 });
    await ingress.close();
    await start(false);
    expect((await call('GET')).status).toBe(200);
  });

  it.each([
    ['a ten-thousandth of a percent', 0.0001, 1],
    ['three tenths, which no number is exactly', 0.3, 3_000],
    ['all there is', 1_000, 10_000_000],
  ])('of %s are exact', async (_name, markup_percent, markupPpm) => {
    const { status, text } = await call('PUT', { body: { ...RATES, markup_percent } });
    expect([status, kept.markupPpm]).toEqual([200, markupPpm]);
    expect(text).toContain(`"markup_percent":${markup_percent},`);
  });

  it('of another workspace are an operator’s to set, where there is one', async () => {
    expect(await call('PUT', { body: RATES, workspace: 'elsewhere' })).toMatchObject({ status: 404 });
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('elsewhere'), {
      ...workspace,
      id: 'elsewhere',
      slug: 'else',
    });
    expect(await call('PUT', { body: RATES, workspace: 'elsewhere' })).toMatchObject({ status: 200 });
    expect(changes()).toMatchObject([{ request: { workspaceId: 'elsewhere' } }]);
  });

  it.each([
    ['a management key that is no operator’s', managementKey],
    ['an inference key', inferenceKey],
  ])('are not set by %s', async (_name, key) => {
    await ingress.close();
    await start(false);
    expect((await call('PUT', { body: RATES, key })).status).toBe(403);
    expect(await call('GET', { workspace: 'elsewhere' })).toMatchObject({ status: 404 });
    expect(changes()).toEqual([]);
  });

  const few = 'Expected a number of percent with at most 4 decimals';
  it.each<[string, unknown, string]>([
    ['a negative rate', { ...RATES, markup_percent: -1 }, 'markup_percent: Expected a non-negative number of percent'],
    ['a negative fee', { ...RATES, byok_fee_percent: -0.1 }, 'byok_fee_percent: Expected a non-negative number'],
    ['an absurd rate', { ...RATES, markup_percent: 1_000.0001 }, 'markup_percent: Expected at most 1000 percent'],
    ['infinity', '{"markup_percent":1e999,"byok_fee_percent":0}', 'markup_percent: Expected at most 1000 percent'],
    ['five decimals', { ...RATES, markup_percent: 7.50001 }, `markup_percent: ${few}`],
    ['a rate that is nearly nothing', { ...RATES, byok_fee_percent: 1e-300 }, `byok_fee_percent: ${few}`],
    ['text', { ...RATES, markup_percent: '7.5' }, 'Expected a non-negative number of percent, received string'],
    ['null', { ...RATES, byok_fee_percent: null }, 'Expected a non-negative number of percent, received null'],
    [
      'one rate only',
      { markup_percent: 7.5 },
      'byok_fee_percent: Expected a non-negative number of percent, received nothing',
    ],
    ['an unknown field', { ...RATES, markup: 1 }, "Unrecognized key(s) in object: 'markup'"],
    ['a list for a body', [], 'body: Expected object, received array'],
    ['no JSON', '{', 'The request body is not valid JSON.'],
  ])('with %s are 400 and change nothing', async (_name, body, message) => {
    const answer = await call('PUT', { body });
    expect([answer.status, answer.message]).toEqual([400, expect.stringContaining(message)]);
    expect(changes()).toEqual([]);
  });
});

describe('a response', () => {
  const RATED = { ...workspace, version: 2, markupPpm: 75_000, byokFeePpm: 50_000 };
  const plan = (...attempts: PlannedAttempt[]) =>
    ingress.bus.rpc.set('route.plan', () => ({ attempts, excluded: [], snapshotRevision: 1, strategy: 'price' }));
  const ask = async (stream: boolean): Promise<Record<string, unknown>> => {
    const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'lab/small',
        messages: [{ role: 'user', content: 'Hello' }],
        max_tokens: 50,
        stream,
      }),
    });
    const text = await response.text();
    const json = stream ? (text.split('\n\n').at(-3)?.slice('data: '.length) ?? '') : text;
    return (JSON.parse(json) as { usage: Record<string, unknown> }).usage;
  };
  beforeEach(() => {
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), RATED);
    ingress.bus.worker = (stream, ordinal) =>
      serving([stream.request.stream ? chunk('Hel') : completion('Hel')])(stream, ordinal);
  });

  /** Ten tokens in and five out cost $0.00002. */
  it.each([
    ['a markup', false, { cost: 0.0000215, is_byok: false, upstream_inference_cost: null }, 75_000],
    ['the fee for an own key', true, { cost: 0.000001, is_byok: true, upstream_inference_cost: 0.00002 }, 50_000],
  ])(
    'has a cost with %s: what is charged',
    async (_name, byok, { upstream_inference_cost, ...usage }, surchargePpm) => {
      plan(planned('alpha', { byok }));
      for (const stream of [true, false])
        expect(await ask(stream)).toMatchObject({ ...usage, cost_details: { upstream_inference_cost } });
      const attempt = { byok, surchargePpm };
      for (const { request } of ingress.bus.streams) {
        expect(request.attempt).toMatchObject(attempt);
        // What the worker tells of it is bounded by the same hold.
        expect(BigInt(request.holdPicodollars)).toBeGreaterThan(byok ? 1_000_000n : 21_500_000n);
      }
      const lines = ingress.bus.factLines.map(({ attempts: [first] }) => first);
      expect(lines).toMatchObject([attempt, attempt]);
      expect(ingress.bus.trailLines.map(({ costPicodollars }) => costPicodollars)).toEqual(
        byok ? ['1000000', '1000000'] : ['21500000', '21500000'],
      );
    },
  );

  it('is charged by the rate that its hold was taken with, whatever is set while it runs', async () => {
    plan(planned('alpha'));
    const { worker } = ingress.bus;
    ingress.bus.worker = (stream, ordinal) => {
      ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...RATED, version: 3, markupPpm: 500_000 });
      worker(stream, ordinal);
    };
    expect(await ask(false)).toMatchObject({ cost: 0.0000215 });
    ingress.bus.worker = worker;
    expect(await ask(false)).toMatchObject({ cost: 0.00003 });
  });

  it('without rates says what the call costs', async () => {
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: 4 });
    plan(planned('alpha', { byok: true }), planned('beta'));
    expect(await ask(false)).toMatchObject({ cost: 0, is_byok: true });
    expect(ingress.bus.streams[0]?.request.attempt).not.toHaveProperty('surchargePpm');
  });
});
