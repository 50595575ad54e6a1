// The restore drill, small: charges booked by billing's own settlement into a Postgres that archives its WAL, its disk deleted, and what comes back. The whole system in place of
// these few lines is `npm run restore-drill`.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MoneyLine } from '@waystation/contracts';
import { grantCredits, readCredits } from '../../apps/billing/src/credits/credits.ts';
import { PriceBook } from '../../apps/billing/src/settle/price-book.ts';
import { settleLines } from '../../apps/billing/src/settle/settle-lines.ts';
import { delivered, generationFinished, testLedger, type TestLedger } from '../../apps/billing/src/test-ledger.ts';
import { grantLease } from '../../apps/billing/src/test-lease.ts';
import { verifyLedger } from '../../apps/billing/src/verify/verify-ledger.ts';
import type { PostgresServer } from '../../libs/testing/src/servers/postgres-server.ts';
import {
  archiveNow,
  asAdmin,
  loseDisk,
  makeDisks,
  restore,
  startArchived,
  takeBaseBackup,
  type Disks,
} from './archived-postgres.ts';

const TIMES = { witnessWaitMs: 1, graceMs: 1 };
const PASSWORD = randomBytes(12).toString('hex');
/** By the lines of `test-ledger.ts`. */
const EACH = 30n;
const CREDITS = 1_000_000n;

let home: string;
let disks: Disks;
let server: PostgresServer;
let ledger: TestLedger;
let prices: PriceBook;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'waystation-test-restore-'));
  disks = await makeDisks(home);
  server = await startArchived(disks, PASSWORD);
  ledger = await testLedger({ adminUrl: server.adminUrl, drop: () => Promise.resolve() });
  prices = new PriceBook();
  await grantCredits(ledger.writer, { grantId: 'grant-restore-1', workspaceId: 'ws', amount: CREDITS, reason: 'test' });
  await grantLease(ledger.writer, { leaseId: 'lease-restore-1', workspaceId: 'ws', usd: 10_000n });
}, 120_000);
afterEach(async () => {
  await Promise.all([ledger?.writer, ledger?.reader, ledger?.admin].map((database) => database?.close()));
  await server?.stop();
  await rm(home, { recursive: true, force: true });
}, 60_000);

const generations = (count: number): MoneyLine[] =>
  Array.from({ length: count }, () => generationFinished({ workspaceId: 'ws', leaseId: 'lease-restore-1' }));
/** Committed, as whoever acks to the bus waits for. */
const settle = (lines: readonly MoneyLine[]) => settleLines(ledger.writer, prices, delivered(...lines), TIMES);
const idsOf = (lines: readonly MoneyLine[]): string[] => lines.map((line) => line.generationId).sort();
const charged = async (): Promise<string[]> =>
  (await ledger.asAdmin<{ id: string }>('select generation_id as id from charge order by 1')).map(({ id }) => id);
const usedOf = async (): Promise<bigint> =>
  (await ledger.reader.asWorkspace('ws', (runner) => readCredits(runner, 'ws'))).used;

test('where the disk of the WAL is still there, nothing that was committed is lost with the data', async () => {
  const before = generations(5);
  await settle(before);
  await takeBaseBackup(server.adminUrl, disks);
  const archived = generations(5);
  await settle(archived);
  await archiveNow(server.adminUrl);
  const last = generations(5);
  await settle(last);

  await loseDisk(server, disks.data);
  server = await restore(disks, PASSWORD, server.port);

  expect(await charged()).toEqual(idsOf([...before, ...archived, ...last]));
  expect(await usedOf()).toBe(15n * EACH);
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
}, 120_000);

test('where only the archive is left, what was committed behind its last segment is lost, whole, and settles once where the bus still has it', async () => {
  await takeBaseBackup(server.adminUrl, disks);
  const archived = generations(5);
  await settle(archived);
  await archiveNow(server.adminUrl);
  const last = generations(5);
  await settle(last);

  await loseDisk(server, disks.data, disks.wal);
  server = await restore(disks, PASSWORD, server.port);

  expect(await charged()).toEqual(idsOf(archived));
  expect(await usedOf()).toBe(5n * EACH);
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
  // As unacked lines come again, with some that the ledger has.
  await settle([...archived, ...last]);
  expect(await charged()).toEqual(idsOf([...archived, ...last]));
  expect(await usedOf()).toBe(10n * EACH);
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
}, 120_000);

test('a point in time is what was committed before it and nothing after', async () => {
  await takeBaseBackup(server.adminUrl, disks);
  const before = generations(3);
  await settle(before);
  await asAdmin(server.adminUrl, (client) => client.query(`select pg_create_restore_point('before-the-mistake')`));
  await settle(generations(3));
  await archiveNow(server.adminUrl);

  await loseDisk(server, disks.data, disks.wal);
  server = await restore(disks, PASSWORD, server.port, { name: 'before-the-mistake' });

  expect(await charged()).toEqual(idsOf(before));
  expect((await verifyLedger(ledger.writer)).problems).toEqual([]);
}, 120_000);
