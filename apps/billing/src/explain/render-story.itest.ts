// A person can follow each picodollar of a generation: usage × price, policy, hold, correction, entries.
import { postgresDatabase } from '@waystation/testing';
import { grantCredits } from '../credits/credits.js';
import { PriceBook } from '../settle/price-book.js';
import { settleLines } from '../settle/settle-lines.js';
import { settleOverdue } from '../sweep/sweep.js';
import {
  attemptFinished,
  attemptStarted,
  delivered,
  generationFinished,
  newGeneration,
  testLedger,
  type TestLedger,
} from '../test-ledger.js';
import { grantLease } from '../test-lease.js';
import { ExplainHandler } from './explain.handler.js';

const TIMES = { witnessWaitMs: 60_000, graceMs: 1 };
const PRICE = { perUnit: { input: '2', output: '3' }, perRequest: '7' };
let ledger: TestLedger;

beforeAll(async () => {
  ledger = await testLedger(await postgresDatabase());
  await grantCredits(ledger.writer, { grantId: 'grant-story', workspaceId: 'ws', amount: 10_000n, reason: 'x' });
  await grantLease(ledger.writer, { leaseId: 'lease-story-0001', workspaceId: 'ws', usd: 1_000n });
}, 120_000);
afterAll(() => ledger.drop());

const tell = async (generationId: string): Promise<string> =>
  (await new ExplainHandler(ledger.reader, ledger.writer).story({ generationId })).lines.join('\n');

test('a corrected generation is told line by line', async () => {
  const prices = new PriceBook();
  const about = {
    generationId: newGeneration(),
    leaseId: 'lease-story-0001',
    price: PRICE,
    hold: 500n,
    tags: ['b', 'a'],
  };
  await settleLines(ledger.writer, prices, delivered(attemptStarted(about)), TIMES);
  expect(await tell(about.generationId)).toMatch(/Attempt att-.*-0 waits for a better witness/);
  await settleLines(
    ledger.writer,
    prices,
    delivered(attemptFinished(about, { usage: { input: 10, output: 4 } })),
    TIMES,
  );
  await settleOverdue(ledger.writer, prices, Date.now() + 600_000);
  await settleLines(
    ledger.writer,
    prices,
    delivered(generationFinished(about, { usage: { input: 10, cacheRead: 1, output: 40 } })),
    TIMES,
  );
  const story = await tell(about.generationId);
  for (const line of [
    'Workspace ws, key aaaaaaaaaaaa…, tags a b',
    'outcome   completed, by the word of worker; the client got output of it',
    '10 input × 2 pUSD = 20 pUSD',
    '1 cacheRead × 2 pUSD (priced as input) = 2 pUSD',
    '40 output × 3 pUSD = 120 pUSD',
    '1 request × 7 pUSD = 7 pUSD',
    '=== 0.000000000149 USD (149 pUSD)',
    'policy    completed: The completion was delivered. Borne by customer.',
    'hold      0.0000000005 USD (500 pUSD): no customer pays more',
    '(revision 1), for better information',
    'borne by  credits of the workspace 0.00000000011 USD (110 pUSD) (differences to the revision before)',
    'Lease lease-story-0001 of ingress-1, granted ',
    'In all: the workspace pays 0.000000000149 USD (149 pUSD); waste 0 pUSD, variance 0 pUSD, own key 0 pUSD.',
    'settle held:ws → payable:sandbox, 0.000000000039 USD (39 pUSD)',
    'adjust held:ws → payable:sandbox, 0.00000000011 USD (110 pUSD)',
  ])
    expect(story).toContain(line);
});

test('its workspace is told what is charged and what still waits, another workspace nothing', async () => {
  const prices = new PriceBook();
  const about = { generationId: newGeneration(), leaseId: 'lease-story-0001', price: PRICE, hold: 500n };
  const explain = (workspaceId: string) =>
    new ExplainHandler(ledger.reader, ledger.writer).explain({
      ...{ principal: { kind: 'service', permissions: ['service'] }, workspaceId, generationId: about.generationId },
    });
  await settleLines(ledger.writer, prices, delivered(attemptStarted(about), attemptFinished(about)), TIMES);
  const attemptId = `att-${about.generationId.slice(4)}-0`;
  expect(await explain('ws')).toEqual({
    charges: [],
    attempts: [],
    waiting: [{ attemptId, dueAt: expect.any(Number) }],
  });
  await settleOverdue(ledger.writer, prices, Date.now() + 600_000);
  expect(await explain('ws')).toMatchObject({ charges: [{ amount: '87', witness: 'worker' }], waiting: [] });
  await settleLines(ledger.writer, prices, delivered(attemptStarted(about, 1)), TIMES);
  expect(await explain('ws')).toMatchObject({
    charges: [{ amount: '87' }],
    waiting: [{ attemptId: `${attemptId.slice(0, -1)}1` }],
  });
  expect(await explain('other')).toEqual({ charges: [], attempts: [], waiting: [] });
});

test('what nobody knows has no story', async () => {
  await expect(tell(newGeneration())).rejects.toMatchObject({ code: 'not_found' });
});
