// What a workspace pays on top of prices: set by whoever runs the station, published with the workspace, audited with what it was before, and nothing where it is refused.
import { randomBytes } from 'node:crypto';
import { workspaceEntry, type Principal } from '@waystation/contracts';
import { migrate, openDatabase, provisionRoles, type Database } from '@waystation/postgres';
import { postgresDatabase, type TestDatabase } from '@waystation/testing';
import { migrations } from '../app.js';
import { createChanges } from '../changes/changes.js';
import { PROJECTIONS } from '../projection/entities.js';
import { seedWorkspace } from '../seeds/seed.js';
import { SurchargesHandler } from './surcharges.handler.js';

const OPERATOR: Principal = { kind: 'service', permissions: ['operator'] };
const suffix = randomBytes(4).toString('hex');
let database: TestDatabase;
let writer: Database;
let reader: Database;
let handler: SurchargesHandler;

const roleUrl = (role: string): string => {
  const url = new URL(database.adminUrl);
  [url.username, url.password] = [`control_${role}_${suffix}`, 'secret'];
  return url.href;
};
const open = (url: string): Promise<Database> =>
  openDatabase({ url, schema: 'control', applicationName: 'control-itest', poolMax: 2, statementTimeoutMs: 5_000 });

beforeAll(async () => {
  database = await postgresDatabase();
  const urls = { owner: roleUrl('owner'), writer: roleUrl('writer'), reader: roleUrl('reader') };
  await provisionRoles({ adminUrl: database.adminUrl, schema: 'control', urls });
  await migrate({ ownerUrl: urls.owner, schema: 'control', migrations });
  [writer, reader] = await Promise.all([open(urls.writer), open(urls.reader)]);
  const changes = createChanges(writer);
  await seedWorkspace(changes);
  handler = new SurchargesHandler(changes, reader);
}, 120_000);
afterAll(async () => {
  await Promise.all([writer.close(), reader.close()]);
  const admin = await open(database.adminUrl);
  for (const role of ['owner', 'writer', 'reader']) {
    await admin.query(`drop owned by control_${role}_${suffix} cascade`);
    await admin.query(`drop role control_${role}_${suffix}`);
  }
  await admin.close();
  await database.drop();
});

const put = (markupPpm: number, byokFeePpm: number, workspaceId = 'default') =>
  handler.put({ v: 1, principal: OPERATOR, workspaceId, surcharges: { markupPpm, byokFeePpm } });
const get = (principal: Principal = OPERATOR) => handler.get({ v: 1, principal, workspaceId: 'default' });
const projected = async () => {
  const [entity] = await writer.transaction((runner) => PROJECTIONS.workspace.read(runner, ['default']));
  return workspaceEntry.parse(entity?.entry);
};
const audited = () => writer.query<{ action: string; detail: unknown }>('select action, detail from audit order by id');

test('a workspace pays nothing on top by default, and its entry says nothing of it', async () => {
  expect(await get()).toEqual({ markupPpm: 0, byokFeePpm: 0 });
  expect(await projected()).not.toHaveProperty('markupPpm');
  expect(await projected()).not.toHaveProperty('byokFeePpm');
});

test('rates are published with the workspace and audited with what they were before; the same again is no change', async () => {
  const { version } = await projected();
  expect(await put(75_000, 50_000)).toEqual({ markupPpm: 75_000, byokFeePpm: 50_000 });
  const after = await projected();
  expect(after).toMatchObject({ markupPpm: 75_000, byokFeePpm: 50_000 });
  expect(after.version).toBeGreaterThan(version);
  const detail = { before: { markupPpm: 0, byokFeePpm: 0 }, after: { markupPpm: 75_000, byokFeePpm: 50_000 } };
  const records = await audited();
  expect(records.at(-1)).toEqual({ action: 'surcharges.set', detail });
  await put(75_000, 50_000);
  expect(await audited()).toEqual(records);
});

test('a key reads those of its own workspace, and no others', async () => {
  const keyOf = (workspaceId: string): Principal => ({ kind: 'key', workspaceId, permissions: ['workspaces:read'] });
  expect(await get(keyOf('default'))).toEqual({ markupPpm: 75_000, byokFeePpm: 50_000 });
  await expect(Promise.resolve().then(() => get(keyOf('other')))).rejects.toMatchObject({ code: 'not_found' });
});

test('a workspace that does not exist has none, and the database itself refuses a rate that is absurd', async () => {
  const before = await audited();
  await expect(put(1, 1, 'nobody')).rejects.toMatchObject({ code: 'not_found' });
  await expect(put(10_000_001, 0)).rejects.toThrow();
  await expect(put(-1, 0)).rejects.toThrow();
  expect(await audited()).toEqual(before);
  expect(await get()).toEqual({ markupPpm: 75_000, byokFeePpm: 50_000 });
});
