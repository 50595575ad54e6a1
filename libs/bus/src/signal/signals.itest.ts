// Signals within a process and between processes: each listener hears each one once.
import { LeaseRecall } from '@waystation/contracts';
import { natsServer, type TestNats } from '@waystation/testing';
import { connectBus } from '../connect-bus.js';
import type { Bus } from '../bus.js';
import { Wave } from '../test-contracts.js';

let nats: TestNats;
let one: Bus;
let other: Bus;
beforeAll(async () => {
  nats = await natsServer();
  const connect = (service: string): Promise<Bus> =>
    connectBus({ url: nats.url, service, services: [service], release: 'test' });
  [one, other] = await Promise.all([connect('data-plane'), connect('billing')]);
});
afterAll(async () => {
  await Promise.all([one.close(500), other.close(500)]);
  await nats.stop();
});

/** All that was sent before has come, wherever it had to go: the server answers each process behind what it had for it. */
const settled = async (): Promise<void> => {
  for (const bus of [one, other, one, other]) expect(await bus.answersWithin(20_000)).toBe(true);
};

test('a signal to all is heard once by every process, the sender among them', async () => {
  const heard: string[] = [];
  const subscriptions = await Promise.all([
    one.onSignal(Wave, undefined, ({ count }) => heard.push(`one ${count}`)),
    other.onSignal(Wave, undefined, ({ count }) => heard.push(`other ${count}`)),
  ]);
  one.signal(Wave, one.instance, { v: 1, count: 1 });
  other.signal(Wave, other.instance, { v: 1, count: 2 });
  await settled();
  expect(heard.sort()).toEqual(['one 1', 'one 2', 'other 1', 'other 2']);
  await Promise.all(subscriptions.map((each) => each.drain()));
  other.signal(Wave, other.instance, { v: 1, count: 3 });
  await settled();
  expect(heard).toHaveLength(4);
});

test('a signal to one instance is heard by that instance only, once, from outside and from itself', async () => {
  const heard: string[] = [];
  const leaseIds = ['lease-12345678'];
  await one.onSignal(LeaseRecall, one.instance, (message) => heard.push(`one ${message.leaseIds.join()}`));
  await other.onSignal(LeaseRecall, other.instance, () => heard.push('other'));
  other.signal(LeaseRecall, one.instance, { v: 1, leaseIds });
  await settled();
  one.signal(LeaseRecall, one.instance, { v: 1, leaseIds });
  await settled();
  expect(heard).toEqual(['one lease-12345678', 'one lease-12345678']);
});

test('within a process a signal is heard at once and unencoded', async () => {
  const message = { v: 1 as const, count: 7 };
  let heard: unknown;
  const subscription = await one.onSignal(Wave, undefined, (each) => (heard = each));
  one.signal(Wave, one.instance, message);
  expect(heard).toBe(message);
  await subscription.drain();
});
