// Claims over a real bucket: created once over two processes, released and taken again, and gone with NATS.
import { connectBus, provisionStreams, type Bus } from '@waystation/bus';
import { toWaystationError } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import { createClaims, type ClaimRequest, type Claims } from './claims.js';

let nats: TestNats;
let buses: Bus[];
let ingresses: Claims[];
/** What failed is told when this has come: however long an outage lasts, no more than one try is made in vain. */
let back: Promise<void> = Promise.resolve();

/** This machine may be busy. */
const PATIENT_MS = 20_000;
beforeAll(async () => {
  nats = await natsServer();
  const times = { reconnectWaitMs: 50, journalAckTimeoutMs: PATIENT_MS, pingEveryMs: PATIENT_MS };
  buses = await Promise.all(
    ['ingress', 'ingress'].map((service) =>
      connectBus({ url: nats.url, service, services: [service], release: 'test', times }),
    ),
  );
  await provisionStreams(buses[0] as Bus, {}, ['buckets']);
  ingresses = await Promise.all(
    buses.map(async (bus) => {
      const bucket = await bus.kv('idempotency');
      const put: typeof bucket.put = (key, value) =>
        bucket.put(key, value).catch(async (error: unknown) => {
          await back;
          throw error;
        });
      return createClaims({
        bucket: { ...bucket, put },
        times: { answerMs: PATIENT_MS, retryMs: 300 },
        nowMs: Date.now,
        // What was asked for in vain during the outage may be given up.
        onFault: () => undefined,
      });
    }),
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
  for (const giveUpAt = Date.now() + 2 * PATIENT_MS; !(await holds());) {
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
}, 120_000);

test('without NATS nothing is claimed, and the word of an end waits for its return', async () => {
  const claim = await (ingresses[0] as Claims).claim(request('outage'));
  await nats.kill();
  await until('it is noticed', async () => buses.every(({ state }) => state !== 'connected'));
  expect(await outcomeOf(1, request('another'))).toBe('no_responder');
  let isBack = (): void => undefined;
  back = new Promise((resolve) => (isBack = resolve));
  claim.end(true);
  await nats.restart();
  await until('it is back', async () => buses.every(({ state }) => state === 'connected'));
  isBack();
  await until('it is finished', async () => (await outcomeOf(1, request('outage'))) === 'idempotency_finished');
}, 120_000);
