// Against a real Postgres: roles and row-level security hold, migrations run once, transactions retry, and a lost server is survived.
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { postgresDatabase, type TestDatabase } from '@waystation/testing';
import {
  forceRowSecurity,
  grantTo,
  migrate,
  openDatabase,
  provisionRoles,
  queryAtCommit,
  queryPrepared,
  queryRows,
  queryTogether,
  revokeFrom,
  type Database,
  type DatabaseOptions,
  type DatabaseRole,
} from './index.js';

class FirstTables1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create table charge (id bigserial primary key, workspace_id text not null, amount numeric(38,0) not null)',
    );
    await runner.query('create table counter (name text primary key, value bigint not null)');
    for (const statement of forceRowSecurity('charge')) await runner.query(statement);
    await runner.query(grantTo('writer', ['delete'], 'counter'));
    await runner.query(revokeFrom('writer', ['update'], 'charge'));
  }
  async down(): Promise<void> {
    await Promise.reject(new Error('forward only'));
  }
}
class MoreTables1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table later (id text primary key)');
  }
  async down(): Promise<void> {
    await Promise.reject(new Error('forward only'));
  }
}
class Broken1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table half (id text)');
    await runner.query('select no_such_column from half');
  }
  async down(): Promise<void> {
    await Promise.reject(new Error('forward only'));
  }
}
const migrations = [FirstTables1700000000001, MoreTables1700000000002];

const suffix = randomBytes(4).toString('hex');
let database: TestDatabase;
let urls: Record<DatabaseRole, string>;
const roleUrl = (role: DatabaseRole, password: string): string => {
  const url = new URL(database.adminUrl);
  url.username = `billing_${role}_${suffix}`;
  url.password = password;
  return url.href;
};
const options = (url: string): DatabaseOptions => ({
  url,
  schema: 'billing',
  applicationName: 'postgres-itest',
  poolMax: 4,
  statementTimeoutMs: 5_000,
});
const open: Database[] = [];
const opened = async (url: string, more: Partial<DatabaseOptions> = {}): Promise<Database> => {
  const each = await openDatabase({ ...options(url), ...more });
  open.push(each);
  return each;
};
const asAdmin = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
};

beforeAll(async () => {
  database = await postgresDatabase();
  urls = { owner: roleUrl('owner', 'o:/@p w'), writer: roleUrl('writer', 'w1'), reader: roleUrl('reader', 'r1') };
  await provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls });
  await migrate({ ownerUrl: urls.owner, schema: 'billing', migrations });
}, 120_000);

afterAll(async () => {
  await Promise.all(open.map((each) => each.close()));
  for (const role of ['owner', 'writer', 'reader']) await asAdmin(`drop owned by billing_${role}_${suffix} cascade`);
  for (const role of ['owner', 'writer', 'reader']) await asAdmin(`drop role billing_${role}_${suffix}`);
  await database.drop();
});

describe('roles', () => {
  test('provisioning again changes nothing, and new passwords in the URLs take effect', async () => {
    await provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls });
    const verifier = async (): Promise<string | undefined> =>
      (
        await asAdmin<{ rolpassword: string }>('select rolpassword from pg_authid where rolname = $1', [
          `billing_reader_${suffix}`,
        ])
      )[0]?.rolpassword;
    const before = await verifier();
    urls = { ...urls, reader: roleUrl('reader', 'r2') };
    await provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls });
    expect(await verifier()).not.toBe(before);
    const reader = await opened(urls.reader);
    expect(await reader.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a writer with a new name keeps what migrations granted to the former one', async () => {
    const renamed = { ...urls, writer: roleUrl('writer', 'w1').replace('billing_writer', 'billing_renamed') };
    await provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls: renamed });
    const writer = await opened(renamed.writer);
    expect(await writer.query("insert into charge (workspace_id, amount) values ('ws-r', 7) returning amount")).toEqual(
      [{ amount: '7' }],
    );
    await expect(writer.query('update charge set amount = 0')).rejects.toThrow('permission denied for table charge');
    await writer.close();
    await provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls });
    await asAdmin(`drop owned by billing_renamed_${suffix} cascade`);
    await asAdmin(`drop role billing_renamed_${suffix}`);
  });

  test('several databases of one server can be provisioned at the same moment', async () => {
    await Promise.all(
      Array.from({ length: 4 }, () => provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls })),
    );
    expect(
      await asAdmin("select nspowner::regrole::text as owner from pg_namespace where nspname = 'billing'"),
    ).toEqual([{ owner: `billing_owner_${suffix}` }]);
  });

  test('the same user for two roles and a role that may bypass row-level security are refused', async () => {
    await expect(
      provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls: { ...urls, reader: urls.writer } }),
    ).rejects.toThrow('three different users');
    await asAdmin(`create role bypass_${suffix} login bypassrls`);
    const bypass = new URL(urls.reader);
    bypass.username = `bypass_${suffix}`;
    await expect(
      provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls: { ...urls, reader: bypass.href } }),
    ).rejects.toThrow(`role bypass_${suffix} is a superuser or may bypass`);
    await asAdmin(`drop role bypass_${suffix}`);
  });

  test('the writer may insert and select, update only where a migration left it, and delete only where one granted it', async () => {
    const writer = await opened(urls.writer);
    await writer.query(
      "insert into charge (workspace_id, amount) values ('ws-a', 12345678901234567890123456789012345678)",
    );
    expect(await writer.query("select amount from charge where workspace_id = 'ws-a'")).toEqual([
      { amount: '12345678901234567890123456789012345678' },
    ]);
    await expect(writer.query('update charge set amount = 0')).rejects.toThrow('permission denied for table charge');
    await expect(writer.query('delete from charge')).rejects.toThrow('permission denied for table charge');
    await writer.query("insert into counter values ('x', 1)");
    expect(await writer.query('update counter set value = value + 1 returning value')).toEqual([{ value: '2' }]);
    expect(await writer.query("delete from counter where name = 'x' returning name")).toEqual([{ name: 'x' }]);
    await expect(writer.query('create table mine (id text)')).rejects.toThrow('permission denied for schema billing');
  });

  test('the reader sees the rows of its workspace, none without one, and writes nothing', async () => {
    const [writer, reader] = [await opened(urls.writer), await opened(urls.reader)];
    await writer.query("insert into charge (workspace_id, amount) values ('ws-b', 1), ('ws-c', 2)");
    const ids = (rows: { workspace_id: string }[]): string[] => rows.map((row) => row.workspace_id);
    const all = 'select workspace_id from charge order by 1';
    expect(await reader.query(all)).toEqual([]);
    expect(ids(await reader.asWorkspace('ws-b', (runner) => queryRows(runner, all)))).toEqual(['ws-b']);
    expect(ids(await reader.asWorkspace('', (runner) => queryRows(runner, all)))).toEqual([]);
    // The setting ends with its transaction: the next statement on the same pooled connection has none.
    for (let i = 0; i < 8; i += 1) expect(await reader.query(all)).toEqual([]);
    await expect(
      reader.asWorkspace('ws-b', (runner) =>
        queryRows(runner, "insert into charge (workspace_id, amount) values ('ws-b', 1)"),
      ),
    ).rejects.toThrow('permission denied');
  });

  test('row-level security is forced, so that owning a table is no way around it', async () => {
    expect(
      await asAdmin("select relrowsecurity, relforcerowsecurity from pg_class where oid = 'billing.charge'::regclass"),
    ).toEqual([{ relrowsecurity: true, relforcerowsecurity: true }]);
  });
});

describe('migrations', () => {
  test('a second run finds nothing to do, and the record of them lives inside the schema', async () => {
    expect(await migrate({ ownerUrl: urls.owner, schema: 'billing', migrations })).toEqual([]);
    expect(await asAdmin('select name from billing.migrations order by id')).toEqual([
      { name: 'FirstTables1700000000001' },
      { name: 'MoreTables1700000000002' },
    ]);
  });

  test('two runs at once take turns: each migration is executed by exactly one', async () => {
    const fresh = await postgresDatabase();
    try {
      const place = (url: string): string =>
        Object.assign(new URL(url), { pathname: new URL(fresh.adminUrl).pathname }).href;
      const there = { owner: place(urls.owner), writer: place(urls.writer), reader: place(urls.reader) };
      await provisionRoles({ adminUrl: fresh.adminUrl, schema: 'billing', urls: there });
      const runs = await Promise.all(
        [1, 2, 3].map(() => migrate({ ownerUrl: there.owner, schema: 'billing', migrations })),
      );
      expect(runs.flat().sort()).toEqual(['FirstTables1700000000001', 'MoreTables1700000000002']);
    } finally {
      await fresh.drop();
    }
  });

  test('a failing migration leaves nothing of itself behind and says which schema and why', async () => {
    await expect(
      migrate({ ownerUrl: urls.owner, schema: 'billing', migrations: [...migrations, Broken1700000000003] }),
    ).rejects.toThrow(/migrations of schema billing failed at .*no_such_column/);
    expect(await asAdmin("select to_regclass('billing.half') as half")).toEqual([{ half: null }]);
  });

  test('row-level security without provisioned roles says what to run', async () => {
    const fresh = await postgresDatabase();
    try {
      await expect(migrate({ ownerUrl: fresh.adminUrl, schema: 'billing', migrations })).rejects.toThrow(
        'run the migrate command with WAYSTATION_POSTGRES_ADMIN_URL first',
      );
    } finally {
      await fresh.drop();
    }
  });
});

test('arrays arrive as they were given: quotes, backslashes, braces, absent values, arrays of arrays', async () => {
  const texts = ['', 'a', 'NULL', '{x,y}', 'say "x"', 'back\\slash', 'two\nlines', 'é😀', ' spaced ', ',', null];
  const writer = await opened(urls.writer);
  const echoed = (values: unknown[], type: string) =>
    writer.query<{ value: unknown }>(
      `select value from unnest($1::${type}[]) with ordinality as v (value, at) order by at`,
      [values],
    );
  expect((await echoed(texts, 'text')).map(({ value }) => value)).toEqual(texts);
  expect((await echoed([1, 2.5, null], 'float8')).map(({ value }) => value)).toEqual([1, 2.5, null]);
  expect((await echoed([true, false], 'boolean')).map(({ value }) => value)).toEqual([true, false]);
  expect(
    (
      await echoed(
        [
          ['a', 'b"'],
          ['c', null],
        ],
        'text',
      )
    ).map(({ value }) => value),
  ).toEqual(['a', 'b"', 'c', null]);
});

describe('transactions', () => {
  test('all of a transaction is rolled back when its work throws', async () => {
    const writer = await opened(urls.writer);
    await expect(
      writer.transaction(async (runner) => {
        await queryRows(runner, "insert into counter values ('rolled-back', 1)");
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await writer.query("select * from counter where name = 'rolled-back'")).toEqual([]);
  });

  test('a deadlock between two transactions is retried until both have committed', async () => {
    const writer = await opened(urls.writer);
    await writer.query("insert into counter values ('left', 0), ('right', 0)");
    let first = 2;
    let meet = (): void => undefined;
    const met = new Promise<void>((resolve) => (meet = resolve));
    const bump = (one: string, other: string): Promise<void> =>
      writer.transaction(async (runner) => {
        await queryRows(runner, 'update counter set value = value + 1 where name = $1', [one]);
        if (--first === 0) meet();
        await met;
        await queryRows(runner, 'update counter set value = value + 1 where name = $1', [other]);
      });
    await Promise.all([bump('left', 'right'), bump('right', 'left')]);
    expect(await writer.query("select value from counter where name in ('left', 'right')")).toEqual([
      { value: '2' },
      { value: '2' },
    ]);
  });

  test('a transaction that never serializes is given up after five retries', async () => {
    const writer = await opened(urls.writer);
    let tries = 0;
    await expect(
      writer.transaction(async (runner) => {
        tries += 1;
        await queryRows(runner, `do $$ begin raise exception 'again' using errcode = '40001'; end $$`);
      }),
    ).rejects.toThrow('again');
    expect(tries).toBe(6);
  });
});

describe('statements that go with the commit', () => {
  const add = 'update counter set value = value + $2 where name = $1';
  const valuesOf = async (writer: Database, like: string): Promise<unknown[]> =>
    (await writer.query<{ value: string }>('select value from counter where name like $1 order by name', [like])).map(
      ({ value }) => value,
    );

  it('run in their order behind all that was asked before, also where that was asked later', async () => {
    const writer = await opened(urls.writer);
    await writer.query("insert into counter values ('ending-order', 1)");
    const seen = await writer.transaction(async (runner) => {
      queryAtCommit(runner, [
        { sql: 'update counter set value = value * $2 where name = $1', values: ['ending-order', 10] },
      ]);
      queryAtCommit(runner, [{ sql: add, values: ['ending-order', 3] }]);
      return queryPrepared(runner, `${add} returning value`, ['ending-order', 1]);
    });
    expect(seen).toEqual([{ value: '2' }]);
    expect(await valuesOf(writer, 'ending-order')).toEqual(['23']);
  });

  it('fail the transaction, which then has changed nothing, with what the first of them that failed says', async () => {
    const writer = await opened(urls.writer, { poolMax: 1 });
    const broken = writer.transaction(async (runner) => {
      await queryRows(runner, "insert into counter values ('ending-broken-1', 1)");
      queryAtCommit(runner, [
        { sql: 'insert into counter values ($1, $2)', values: ['ending-broken-2', 1] },
        { sql: 'insert into counter values ($1, $2)', values: ['ending-broken-2', 2] },
        { sql: add, values: ['ending-broken-1', 1] },
      ]);
    });
    await expect(broken).rejects.toMatchObject({ code: '23505' });
    // On the same connection, which is in no transaction any more.
    expect(await valuesOf(writer, 'ending-broken-%')).toEqual([]);
    expect(await writer.query('select pg_current_xact_id_if_assigned() as id')).toEqual([{ id: null }]);
  });

  it('are dropped where the work throws, and are tried again after a deadlock', async () => {
    const writer = await opened(urls.writer);
    await writer.query("insert into counter values ('ending-left', 0), ('ending-right', 0)");
    const thrown = writer.transaction((runner) => {
      queryAtCommit(runner, [{ sql: add, values: ['ending-left', 100] }]);
      return Promise.reject(new Error('no'));
    });
    await expect(thrown).rejects.toThrow('no');
    let first = 2;
    let meet = (): void => undefined;
    const met = new Promise<void>((resolve) => (meet = resolve));
    const bump = (one: string, other: string): Promise<void> =>
      writer.transaction(async (runner) => {
        await queryPrepared(runner, add, [one, 1]);
        if (--first === 0) meet();
        await met;
        queryAtCommit(runner, [{ sql: add, values: [other, 1] }]);
      });
    await Promise.all([bump('ending-left', 'ending-right'), bump('ending-right', 'ending-left')]);
    expect(await valuesOf(writer, 'ending-left')).toEqual(['2']);
    expect(await valuesOf(writer, 'ending-right')).toEqual(['2']);
  });

  it('are refused where nothing would send them', async () => {
    const writer = await opened(urls.writer);
    const statements = [{ sql: add, values: ['nobody', 1] }];
    const runner = writer.dataSource.createQueryRunner();
    expect(() => queryAtCommit(runner, statements)).toThrow('in no transaction of Database.transaction');
    await runner.release();
    const { promise: over, resolve: end } = Promise.withResolvers<QueryRunner>();
    await writer.transaction((own) => Promise.resolve(end(own)));
    const afterwards = await over;
    expect(() => queryAtCommit(afterwards, statements)).toThrow('in no transaction of Database.transaction');
  });
});

/** A wire to the server that a test can cut and mend. */
const cuttableWire = async (
  to: URL,
): Promise<{ port: number; cut(): Promise<void>; mend(): Promise<void>; end(): Promise<void> }> => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((inside) => {
    const outside = net.connect(Number(to.port || 5432), to.hostname);
    for (const [socket, peer] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => peer.destroy()).on('close', () => (sockets.delete(socket), peer.destroy()));
      socket.pipe(peer);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as net.AddressInfo;
  const cut = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    cut,
    mend: async () => void (await once(server.listen(port, '127.0.0.1'), 'listening')),
    end: async () => (server.listening ? cut() : undefined),
  };
};

const until = async (condition: () => boolean, withinMs = 20_000): Promise<void> => {
  const end = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`still not so after ${withinMs} ms`);
    await sleep(20);
  }
};

describe('statements that travel together', () => {
  it('run in their order, and each answers its rows', async () => {
    const writer = await opened(urls.writer);
    const count = 'update counter set value = value + $2 where name = $1 returning value';
    const rows = await writer.transaction((runner) =>
      queryTogether<{ value: string }>(runner, [
        { sql: 'insert into counter values ($1, 1) returning value', values: ['together'] },
        { sql: count, values: ['together', 10] },
        { sql: count, values: ['together', 100] },
      ]),
    );
    expect(rows).toEqual([[{ value: '1' }], [{ value: '11' }], [{ value: '111' }]]);
  });

  it('fail as the first of them that failed, change nothing, and leave the connection as good as it was', async () => {
    const writer = await opened(urls.writer);
    const insert = 'insert into counter values ($1, $2)';
    const parsedBehindTheFailure = 'update counter set value = 7 where name = $1 and value > 0';
    const together = writer.transaction((runner) =>
      queryTogether(runner, [
        { sql: insert, values: ['half', 1] },
        { sql: insert, values: ['half', 2] },
        { sql: parsedBehindTheFailure, values: ['half'] },
      ]),
    );
    await expect(together).rejects.toMatchObject({ code: '23505' });
    // Every connection of the pool, so that the one that failed is among them.
    const again = Array.from({ length: 4 }, (_, each) =>
      writer.transaction(async (runner) => {
        await queryPrepared(runner, insert, [`again-${each}`, 1]);
        await queryPrepared(runner, parsedBehindTheFailure, [`again-${each}`]);
      }),
    );
    await Promise.all(again);
    const names = await writer.query<{ name: string }>(
      `select name from counter where name = 'half' or name like 'again-%' and value = 7 order by name`,
    );
    expect(names.map(({ name }) => name)).toEqual(['again-0', 'again-1', 'again-2', 'again-3']);
  });
});

describe('a server that goes away', () => {
  test('is survived: idle and busy connections may be killed, healthy() turns false and true again, and the pool reconnects', async () => {
    const wire = await cuttableWire(new URL(urls.writer));
    try {
      const through = Object.assign(new URL(urls.writer), { host: `127.0.0.1:${wire.port}` }).href;
      const lines: string[] = [];
      const writer = await opened(through, { log: (_level, message) => lines.push(message) });
      const busy = writer.query('select pg_sleep(20)').then(
        () => 'answered',
        () => 'failed',
      );
      await writer.query('select 1');
      await wire.cut();
      expect(await busy).toBe('failed');
      await expect(writer.query('select 1')).rejects.toThrow();
      expect(writer.healthy()).toBe(false);
      await wire.mend();
      await until(() => writer.healthy());
      expect(await writer.transaction((runner) => queryRows(runner, 'select 1 as one'))).toEqual([{ one: 1 }]);
      expect(lines.map((line) => line.replace(/ \S+@\S+/, ''))).toEqual([
        'Postgres is away; statements fail until it is back',
        'Postgres is back',
      ]);
    } finally {
      await wire.end();
    }
  });

  test('a backend that an administrator terminates does not make a refused statement look like a lost server', async () => {
    const writer = await opened(urls.writer, { applicationName: `victim-${suffix}` });
    await writer.query('select 1');
    await asAdmin('select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1', [
      `victim-${suffix}`,
    ]);
    // Its end may still be on the way to this process: one statement may meet it, the next has a new connection.
    await writer.query('select 1').catch(() => undefined);
    await until(() => writer.healthy());
    expect(await writer.query('select 1 as one')).toEqual([{ one: 1 }]);
    await expect(writer.query('select nonsense')).rejects.toThrow('nonsense');
    expect(writer.healthy()).toBe(true);
  });

  test('at boot is waited for with one line, and told when the wait is over', async () => {
    const wire = await cuttableWire(new URL(urls.writer));
    await wire.cut();
    try {
      const through = Object.assign(new URL(urls.writer), { host: `127.0.0.1:${wire.port}` }).href;
      await expect(opened(through, { waitMs: 600 })).rejects.toThrow(
        /^Postgres billing_writer_.* cannot be used after 1 s: connect ECONNREFUSED/,
      );
      const lines: string[] = [];
      const waiting = opened(through, { waitMs: 20_000, log: (_level, message) => lines.push(message) });
      await until(() => lines.length > 0);
      // As long as some tries more take.
      await sleep(1_200);
      await wire.mend();
      expect(await (await waiting).query('select 1 as one')).toEqual([{ one: 1 }]);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/^waiting for Postgres billing_writer_/);
    } finally {
      await wire.end();
    }
  });

  test('a database that does not exist is told at once, without the password', async () => {
    const lines: string[] = [];
    const nowhere = Object.assign(new URL(urls.writer), { pathname: '/no_such_database' }).href;
    await expect(opened(nowhere, { log: (_level, message) => lines.push(message) })).rejects.toThrow(
      /billing_writer_\w+@.*\/no_such_database cannot be used: database "no_such_database" does not exist/,
    );
    // Whoever waits says so with the first try that failed.
    expect(lines).toEqual([]);
  });
});
