// What a refusal waits for: leases that were just called, until they answer or the time is over.
import { setTimeout as sleep } from 'node:timers/promises';
import { Recalls, type Holder } from './recalls.js';

const holder = (leaseId: string, instance = 'ingress-1'): Holder => ({ leaseId, instance });
const setUp = (waitMs = 10_000) => {
  const called: string[] = [];
  const resumed: string[] = [];
  let nowMs = 0;
  const recalls = new Recalls<string>(
    {
      recall: (instance, leaseIds) => void called.push(`${instance}: ${leaseIds.join(' ')}`),
      waitMs,
      now: () => nowMs,
    },
    (item) => void resumed.push(item),
  );
  return { recalls, called, resumed, pass: (ms: number) => (nowMs += ms) };
};

test('each ingress is asked once for all of its leases', () => {
  const { recalls, called } = setUp();
  expect(recalls.park('a', [holder('1'), holder('2', 'ingress-2'), holder('3')])).toBe(true);
  expect(called).toEqual(['ingress-1: 1 3', 'ingress-2: 2']);
  for (const id of ['1', '2', '3']) recalls.returned(id);
});

test('it goes on when the last of them has answered', () => {
  const { recalls, resumed } = setUp();
  recalls.park('a', [holder('1'), holder('2')]);
  recalls.returned('1');
  recalls.returned('9');
  expect(resumed).toEqual([]);
  recalls.returned('2');
  recalls.returned('2');
  expect(resumed).toEqual(['a']);
});

test('who comes meanwhile waits for the same answer', () => {
  const { recalls, called, resumed } = setUp();
  recalls.park('a', [holder('1')]);
  expect(recalls.park('b', [holder('1')])).toBe(true);
  expect(called).toHaveLength(1);
  recalls.returned('1');
  expect(resumed).toEqual(['a', 'b']);
});

test('it goes on without an answer when the time is over, and nobody waits for that lease again', async () => {
  const { recalls, called, resumed, pass } = setUp(20);
  expect(recalls.park('a', [holder('1')])).toBe(true);
  await sleep(60);
  expect(resumed).toEqual(['a']);
  pass(20);
  expect(recalls.park('b', [holder('1')])).toBe(false);
  expect(called).toHaveLength(1);
});

test('nothing to call back is nothing to wait for', () => {
  expect(setUp().recalls.park('a', [])).toBe(false);
});
