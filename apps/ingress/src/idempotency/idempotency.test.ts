// The Idempotency-Key over HTTP: which answers a repetition gets, and that requests without the header never touch the bucket.
import { randomBytes } from 'node:crypto';
import { SNAPSHOT_KEYS, WaystationError, newApiKey } from '@waystation/contracts';
import { chunk, completion, hashOf, inferenceKey, keyEntryOf, serving, workspace } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
  ingress.bus.worker = serving([completion('once')]);
});
afterEach(() => ingress.close());

const BODY = { model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }] };
const post = (headers: Record<string, string>, body: unknown = BODY, key = inferenceKey): Promise<Response> =>
  fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const told = async (response: Response): Promise<readonly [number, string, string | undefined]> => {
  const { error } = (await response.json()) as {
    error: { metadata: { waystation_code: string; generation_id?: string } };
  };
  return [response.status, error.metadata.waystation_code, error.metadata.generation_id];
};
const generationOf = (response: Response): string | null => response.headers.get('x-generation-id');

describe('a repeated request', () => {
  it('of fifty at once is run once and charged once; the rest are told its generation', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => post({ 'idempotency-key': 'order-7' })));
    const served = answers.filter(({ status }) => status === 200);
    expect(served).toHaveLength(1);
    const first = generationOf(served[0] as Response);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      const [status, code, generation] = await told(answer);
      expect([status, generation]).toEqual([409, first]);
      expect(['idempotency_in_progress', 'idempotency_finished']).toContain(code);
    }
    expect(ingress.bus.streams).toHaveLength(1);
    expect(ingress.bus.factLines).toHaveLength(1);
    expect(ingress.bus.asked.filter(({ name }) => name === 'route.plan')).toHaveLength(1);
  });

  it('is told to come back while the first runs, and that it ran afterwards', async () => {
    let finish = (): void => undefined;
    ingress.bus.worker = (stream, ordinal) => void (finish = () => serving([chunk('x')])(stream, ordinal));
    const first = post({ 'idempotency-key': 'k' }, { ...BODY, stream: true });
    while (ingress.bus.streams.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const meanwhile = await post({ 'idempotency-key': 'k' }, { ...BODY, stream: true });
    expect(meanwhile.headers.get('retry-after')).toBe('1');
    const [status, code, generation] = await told(meanwhile);
    finish();
    const whole = await first;
    await whole.text();
    expect([status, code, generation]).toEqual([409, 'idempotency_in_progress', generationOf(whole)]);
    expect(await told(await post({ 'idempotency-key': 'k' }, { ...BODY, stream: true }))).toEqual([
      409,
      'idempotency_finished',
      generationOf(whole),
    ]);
  });

  it('with another body is 422, under another key or workspace it is another request', async () => {
    const first = await post({ 'idempotency-key': 'k' });
    const other = { ...BODY, temperature: 0 };
    expect(await told(await post({ 'idempotency-key': 'k' }, other))).toEqual([
      422,
      'idempotency_mismatch',
      generationOf(first),
    ]);
    expect((await post({ 'idempotency-key': 'K' }, other)).status).toBe(200);
    const elsewhere = newApiKey(randomBytes);
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('other'), { ...workspace, id: 'other', slug: 'other' });
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(hashOf(elsewhere)), keyEntryOf(elsewhere, { workspaceId: 'other' }));
    expect((await post({ 'idempotency-key': 'k' }, other, elsewhere)).status).toBe(200);
  });

  it.each([
    ['no endpoint took it', 'route.plan', () => ({ attempts: [], excluded: [], snapshotRevision: 1, strategy: 'x' })],
    [
      'there was no credit',
      'lease.grant',
      () => ({
        refused: {
          code: 'insufficient_credits',
          quotaId: 'wallet:default',
          scope: 'wallet',
          metric: 'usd',
          window: 'lifetime',
          asked: '100',
          left: '0',
        },
      }),
    ],
  ])('is run when the first came to nothing because %s', async (_why, name, refuse) => {
    const kindly = ingress.bus.rpc.get(name);
    ingress.bus.rpc.set(name, refuse);
    expect((await post({ 'idempotency-key': 'k' })).ok).toBe(false);
    ingress.bus.rpc.set(name, kindly as never);
    expect((await post({ 'idempotency-key': 'k' })).status).toBe(200);
  });

  it('is run when no worker was there for the first', async () => {
    ingress.bus.worker = ({ reader }) => reader.fail(new WaystationError('no_worker', 'Nobody is there.'));
    expect((await post({ 'idempotency-key': 'k' })).status).toBe(503);
    ingress.bus.worker = serving([completion('once')]);
    expect((await post({ 'idempotency-key': 'k' })).status).toBe(200);
  });

  it('is not run again when the first reached a provider and failed', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.fail(new WaystationError('provider_unavailable', 'It broke.'));
    };
    expect((await post({ 'idempotency-key': 'k' })).status).toBe(502);
    expect((await told(await post({ 'idempotency-key': 'k' })))[1]).toBe('idempotency_finished');
  });
});

describe('the header', () => {
  it.each([
    ['empty', ''],
    ['too long', 'k'.repeat(256)],
    ['with a space', 'a b'],
    ['with other characters', 'schl\u00fcssel'],
  ])('%s is refused and nothing is begun', async (_name, key) => {
    const response = await post({ 'idempotency-key': key });
    expect([(await told(response)).slice(0, 2), ingress.bus.asked]).toEqual([[400, 'invalid_request'], []]);
  });

  it('of the greatest length is taken', async () => {
    expect((await post({ 'idempotency-key': 'k'.repeat(255) })).status).toBe(200);
  });

  it('is refused with 503 while the bucket is away; requests without it do not notice', async () => {
    ingress.bus.kvAnswers = false;
    const response = await post({ 'idempotency-key': 'k' });
    expect(response.headers.get('retry-after')).toBe('1');
    expect((await told(response)).slice(0, 2)).toEqual([503, 'no_responder']);
    expect((await post({})).status).toBe(200);
    expect(ingress.bus.streams).toHaveLength(1);
  });
});
