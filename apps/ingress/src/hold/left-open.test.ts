// A client that leaves, over real HTTP: what was held for it stays in the lease until billing tells what was charged, and then all the rest is free again.
import http from 'node:http';
import type { LeaseVector } from '@waystation/contracts';
import { chunk, inferenceKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';
import { LEASE_TIMES } from './lease-pool.js';

let ingress: TestIngress;
beforeEach(async () => {
  // A lease lies idle soon; what was charged may be told late all the same.
  ingress = await startIngress({ scaleMs: (ms) => (ms <= LEASE_TIMES.idleMs ? ms * 0.02 : ms) });
});
afterEach(() => ingress.close());

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let looks = 0; !holds(); looks += 1) {
    if (looks > 2_000) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
const kept = (): LeaseVector[] =>
  ingress.bus.asked.filter(({ name }) => name === 'lease.return').map(({ request }) => request['keep'] as LeaseVector);

it('a hold that a client left behind is given back but for what billing charged, as soon as it tells', async () => {
  ingress.bus.worker = ({ reader }) => {
    reader.accepted('worker-test0001');
    reader.data(Buffer.from(chunk('Hel')));
  };
  const request = http.request(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}` },
  });
  request.on('error', () => undefined);
  request.end(
    JSON.stringify({
      ...{ model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }], stream: true },
      max_tokens: 100,
    }),
  );
  await new Promise<void>((resolve) => request.on('response', (response) => response.once('data', () => resolve())));
  request.destroy();
  // On a busy machine a lease lies idle before it is known that its client left.
  await until('it is over', () => ingress.bus.factLines.length > 0);
  await until('the lease lay idle', () => kept().length > 0);
  const [attempt] = ingress.bus.factLines[0]?.attempts ?? [];
  const held = { usd: attempt?.holdPicodollars, requests: 0, tokens: 0 };
  expect(kept()).toEqual(kept().map(() => held));

  const tell = (attemptId: string | undefined, usd: string): void =>
    ingress.bus.sendSignal('attempt.settled', {
      v: 1,
      attempts: [{ attemptId, charged: { usd, requests: 0, tokens: 0 } }],
    });
  tell('att-1700000000-abcdefghijABCDEFGHIJ-0', '1');
  tell(attempt?.attemptId, '17');
  tell(attempt?.attemptId, '3');
  await until('the rest is given back', () => kept().at(-1)?.usd !== held.usd);
  expect(kept().at(-1)).toEqual({ usd: '17', requests: 0, tokens: 0 });
});
