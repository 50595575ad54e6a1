// Claims over a real bucket: created once over two processes, released and taken again, and gone with NATS.
import { connectBus, provisionStreams, type Bus } from '@waystation/bus';
import { toWaystationError } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import { CLAIM_TIMES, createClaims, type ClaimRequest, type Claims } from './claims.js';

let nats: TestNats;
let buses: Bus[];
let ingresses: Claims[];

beforeAll(async () => {
  nats = await natsServer();
  buses = await Promise.all(
    ['ingress', 'ingress'].map((service) =>
      connectBus({ url: nats.url, service, services: [service], release: 'test', times: { reconnectWaitMs: 50 } }),
    ),
  );
  await provisionStreams(buses[0] as Bus, {}, ['buckets']);
  ingresses = await Promise.all(
    buses.map(async (bus) =>
      createClaims({
        bucket: await bus.kv('idempotency'),
        times: { ...CLAIM_TIMES, retryMs: 300 },
        nowMs: Date.now,
        // What was asked for in vain during the outage may be given up.
        onFault: () => undefined,
      }),
    ),
  );
});
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close(1_000)));
  await nats.stop();
});

let generations = 0;
const request = (key: string, changes: Partial<ClaimRequest> = {}): ClaimRequest => {
  generations += 1;
  return {
    workspaceId: 'ws-1',
    key,
    bodyHash: 'a'.repeat(64),
    generationId: `gen-1700000000-${String(generations).padStart(20, '0')}`,
    deadlineAt: Date.now() + 600_000,
    ...changes,
  };
};
const outcomeOf = (ordinal: number, asked: ClaimRequest): Promise<string> =>
  (ingresses[ordinal % 2] as Claims).claim(asked).then(
    () => 'claimed',
    (error: unknown) => toWaystationError(error).code,
  );
const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (const giveUpAt = Date.now() + 10_000; !(await holds());) {
    if (Date.now() > giveUpAt) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

test('fifty at once over two ingresses: one claims, and all others name it', async () => {
  const asked = Array.from({ length: 50 }, () => request('at once'));
  const results = await Promise.allSettled(asked.map((each, index) => (ingresses[index % 2] as Claims).claim(each)));
  const winner = asked[results.findIndex(({ status }) => status === 'fulfilled')];
  const refusals = results.flatMap((result) =>
    result.status === 'rejected' ? [toWaystationError(result.reason)] : [],
  );
  expect(refusals.map(({ code, details }) => [code, details?.['generationId']])).toEqual(
    Array.from({ length: 49 }, () => ['idempotency_in_progress', winner?.generationId]),
  );
});

test('what was released is claimed again, what was dispatched is not', async () => {
  const first = await (ingresses[0] as Claims).claim(request('released'));
  first.end(false);
  await until('it is free', async () => (await outcomeOf(1, request('released'))) === 'claimed');

  const second = await (ingresses[0] as Claims).claim(request('kept'));
  second.end(true);
  await until('it is finished', async () => (await outcomeOf(1, request('kept'))) === 'idempotency_finished');
  expect(await outcomeOf(1, request('kept', { bodyHash: 'b'.repeat(64) }))).toBe('idempotency_mismatch');
});

test('without NATS nothing is claimed, and the word of an end waits for its return', async () => {
  const claim = await (ingresses[0] as Claims).claim(request('outage'));
  await nats.kill();
  expect(await outcomeOf(1, request('another'))).toBe('no_responder');
  claim.end(true);
  await nats.restart();
  await until('it is finished', async () => (await outcomeOf(1, request('outage'))) === 'idempotency_finished');
});
