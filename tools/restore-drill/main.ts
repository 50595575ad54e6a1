// `npm run restore-drill`: a station works, its Postgres loses a disk, and comes back out of a base backup and archived WAL while the station goes on. Says what was lost.
// Exit 0 where no more is lost than what the lost disk explains and the ledger verifies. `--lose machine` loses the disk of the WAL too.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { PostgresServer } from '../../libs/testing/src/servers/postgres-server.ts';
import { deleteDataFolder } from '../../libs/testing/src/servers/cluster-folder.ts';
import {
  archiveNow,
  archivedSegments,
  asAdmin,
  loseDisk,
  makeDisks,
  restore,
  startArchived,
  takeBaseBackup,
} from './archived-postgres.ts';
import { startStation, type Answer, type Station } from './station.ts';

const HELP = `npm run restore-drill -- [--lose data|machine] [--requests N]
  data     the disk of the data is lost, that of the WAL is not: nothing may be missing (the default)
  machine  both are lost, only base backup and archive are left: what was committed behind the last archived segment is missing, and is named`;
const DATABASE = 'waystation';
const SETTLED_MS_MAX = 60_000;
const began = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      lose: { type: 'string', default: 'data' },
      requests: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  });
  const count = Number(values.requests);
  if (
    values.help ||
    !['data', 'machine'].includes(values.lose) ||
    !Number.isInteger(count) ||
    count < 1 ||
    count > 10_000
  ) {
    console.log(HELP);
    return values.help;
  }
  const home = await mkdtemp(path.join(tmpdir(), 'waystation-restore-drill-'));
  let postgres: PostgresServer | undefined;
  let station: Station | undefined;
  const stationDir = path.join(home, 'station');
  try {
    const disks = await makeDisks(home);
    const password = randomBytes(16).toString('hex');
    postgres = await startArchived(disks, password);
    const { port } = postgres;
    const databaseUrl = new URL(postgres.adminUrl);
    await asAdmin(postgres.adminUrl, (client) => client.query(`create database ${DATABASE} template template0`));
    databaseUrl.pathname = `/${DATABASE}`;
    say('Postgres runs, durable, and archives its WAL');
    station = await startStation(stationDir, databaseUrl.href);
    say('the station runs');

    const before = await station.ask(count);
    await settled(databaseUrl.href, before);
    await takeBaseBackup(postgres.adminUrl, disks);
    say(`${count} answers acknowledged and booked, then a base backup`);
    const archived = await station.ask(count);
    await settled(databaseUrl.href, archived);
    await archiveNow(postgres.adminUrl);
    say(`${count} more, booked; their WAL is archived (${await archivedSegments(disks)} segments)`);
    const last = await station.ask(count);
    await settled(databaseUrl.href, last);
    say(`${count} more, booked and acked to the bus; their WAL is not archived`);

    await loseDisk(postgres, disks.data, ...(values.lose === 'machine' ? [disks.wal] : []));
    postgres = undefined;
    say(
      values.lose === 'machine'
        ? 'Postgres killed, both disks deleted'
        : 'Postgres killed, the disk of its data deleted',
    );
    const meanwhile = await station.ask(count);
    say(`${count} more served without Postgres, on leases; their facts wait on the bus`);
    postgres = await restore(disks, password, port);
    say('Postgres restored out of base backup and WAL');
    const must =
      values.lose === 'machine'
        ? [...before, ...archived, ...meanwhile]
        : [...before, ...archived, ...last, ...meanwhile];
    await settled(databaseUrl.href, must);
    say('what waited on the bus is booked');
    await station.restart('back-office');
    say('control published again what it has: what it knows is older than what it had said');
    const after = await station.ask(count);
    await settled(databaseUrl.href, after);
    say(await station.verify());

    const booked = await chargedIds(databaseUrl.href);
    const acknowledged = [...before, ...archived, ...last, ...meanwhile, ...after];
    const lost = acknowledged.filter(({ id }) => !booked.has(id));
    say(
      `${acknowledged.length} answers were acknowledged, ${acknowledged.length - lost.length} are booked, ${lost.length} are lost${lost.length === 0 ? ': nothing' : ''}`,
    );
    if (lost.length > 0)
      say(
        `lost is what was booked behind the last archived segment, ${usdOf(lost)} USD in ${lost.length} charges; its credits are free again`,
      );
    return lost.every(({ id }) => values.lose === 'machine' && last.some((answer) => answer.id === id));
  } finally {
    await station?.stop();
    await postgres?.stop();
    await deleteDataFolder(stationDir);
    await rm(home, { recursive: true, force: true });
  }
}

const usdOf = (answers: readonly Answer[]): string => answers.reduce((sum, { usd }) => sum + usd, 0).toPrecision(3);

const chargedIds = (databaseUrl: string): Promise<ReadonlySet<string>> =>
  asAdmin(databaseUrl, async (client) => {
    const { rows } = await client.query<{ id: string }>('select distinct generation_id as id from billing.charge');
    return new Set(rows.map(({ id }) => id));
  });

async function settled(databaseUrl: string, answers: readonly Answer[]): Promise<void> {
  for (const deadline = Date.now() + SETTLED_MS_MAX; ; await sleep(200)) {
    const booked = await chargedIds(databaseUrl);
    const missing = answers.filter(({ id }) => !booked.has(id)).length;
    if (missing === 0) return;
    if (Date.now() > deadline)
      throw new Error(`${missing} of ${answers.length} answers are not booked after ${SETTLED_MS_MAX / 1000} s`);
  }
}

// Postgres ends with this process, by its exit, and the station when it is left alone; a signal by itself would leave the first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));

main().then(
  (isGood) => {
    process.exitCode = isGood ? 0 : 1;
  },
  (error: unknown) => {
    console.error(`restore-drill: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
