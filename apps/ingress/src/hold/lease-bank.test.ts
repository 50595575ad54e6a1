import { LeaseGrant, WaystationError } from '@waystation/contracts';
import { createScriptedBus, type ScriptedBus } from '../test-edge/scripted-bus.js';
import { leaseBankOver } from './lease-bank.js';

const SET = {
  id: 'wallet:ws',
  workspaceId: 'ws',
  keyHash: 'a'.repeat(64),
  quotas: [
    {
      id: 'wallet:ws',
      scope: 'wallet' as const,
      scopeId: 'ws',
      metric: 'usd' as const,
      window: 'lifetime' as const,
      windowStart: 0,
    },
  ],
  metersRequests: false,
  metersTokens: false,
  metersByok: false,
};
const AMOUNTS = { usd: 10n, byok: 0n, requests: 0, tokens: 0 };
const GRANTED = {
  granted: { leaseId: 'lease-00000001', granted: { usd: '10', requests: 0, tokens: 0 }, takeForMs: 10_000, endsAt: 1 },
};

/** Billing stays silent so often, then grants. */
const billingSilent = (bus: ScriptedBus, times: number): void => {
  let asked = 0;
  bus.rpc.set(LeaseGrant.name, () => {
    asked += 1;
    if (asked <= times) throw new WaystationError('deadline_exceeded', 'No answer in time.');
    return GRANTED;
  });
};
const grant = (bus: ScriptedBus) => leaseBankOver(bus).grant('lease-00000001', SET, AMOUNTS, AMOUNTS);
const asksOf = (bus: ScriptedBus) => bus.asked.map(({ request }) => request['leaseId']);

test('a question that got no answer is asked once more, under the same id, where NATS is there', async () => {
  const bus = createScriptedBus();
  billingSilent(bus, 1);
  expect(await grant(bus)).toEqual(GRANTED);
  expect(asksOf(bus)).toEqual(['lease-00000001', 'lease-00000001']);
});

test('nobody waits for a second answer where NATS itself stands still', async () => {
  const bus = createScriptedBus();
  billingSilent(bus, 1);
  bus.natsAnswers = false;
  await expect(grant(bus)).rejects.toMatchObject({ code: 'bus_unavailable' });
  expect(asksOf(bus)).toEqual(['lease-00000001']);
});

test('nor while the bus is away', async () => {
  const bus = createScriptedBus();
  billingSilent(bus, 1);
  bus.state = 'reconnecting';
  await expect(grant(bus)).rejects.toMatchObject({ code: 'deadline_exceeded' });
  expect(asksOf(bus)).toEqual(['lease-00000001']);
});

test('a refusal is final', async () => {
  const bus = createScriptedBus();
  bus.rpc.set(LeaseGrant.name, () => {
    throw new WaystationError('permission_denied', 'No.');
  });
  await expect(grant(bus)).rejects.toMatchObject({ code: 'permission_denied' });
  expect(asksOf(bus)).toEqual(['lease-00000001']);
});
