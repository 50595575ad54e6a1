// The embedded servers against themselves: what other tests take for granted.
import pg from 'pg';
import { natsServer, postgresDatabase } from './index.ts';
import { natsInfo } from './servers/nats-version.ts';

test('a test database is fresh, usable and gone after drop', async () => {
  const [one, two] = await Promise.all([postgresDatabase(), postgresDatabase()]);
  const client = new pg.Client({ connectionString: one.adminUrl });
  await client.connect();
  await client.query('CREATE TABLE note (text text)');
  await client.end();
  const other = new pg.Client({ connectionString: two.adminUrl });
  await other.connect();
  expect((await other.query("SELECT to_regclass('note') AS note")).rows).toEqual([{ note: null }]);
  await other.end();
  await Promise.all([one.drop(), two.drop()]);
  const late = new pg.Client({ connectionString: one.adminUrl });
  await expect(late.connect()).rejects.toMatchObject({ code: '3D000' });
});

test('a killed NATS server comes back on the same port', async () => {
  const nats = await natsServer();
  expect((await natsInfo(nats.url)).jetstream).toBe(true);
  const firstPid = nats.pid;
  await nats.kill();
  await expect(natsInfo(nats.url)).rejects.toThrow('cannot be reached');
  await nats.restart();
  expect((await natsInfo(nats.url)).jetstream).toBe(true);
  expect(nats.pid).not.toBe(firstPid);
  await nats.stop();
});
