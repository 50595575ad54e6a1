// What billing tells control: a disputed payment suspends, a won dispute lifts just that, and a notice that comes twice is recorded once. And what the
// operator decides, which stands above it.
import { randomBytes } from 'node:crypto';
import type { Principal } from '@waystation/contracts';
import { migrate, openDatabase, provisionRoles, type Database } from '@waystation/postgres';
import { postgresDatabase, type TestDatabase } from '@waystation/testing';
import { migrations } from '../app.js';
import { AuditHandler } from '../audit/audit.handler.js';
import { verifyAudit } from '../audit/verify-audit.js';
import { createChanges, type Changes } from '../changes/changes.js';
import { PROJECTIONS } from '../projection/entities.js';
import { seedWorkspace } from '../seeds/seed.js';
import { SuspensionHandler } from './suspension.handler.js';

const BILLING: Principal = { kind: 'service', permissions: ['service'] };
const suffix = randomBytes(4).toString('hex');
let database: TestDatabase;
let writer: Database;
let changes: Changes;

const roleUrl = (role: string): string => {
  const url = new URL(database.adminUrl);
  [url.username, url.password] = [`control_${role}_${suffix}`, 'secret'];
  return url.href;
};

beforeAll(async () => {
  database = await postgresDatabase();
  const urls = { owner: roleUrl('owner'), writer: roleUrl('writer'), reader: roleUrl('reader') };
  await provisionRoles({ adminUrl: database.adminUrl, schema: 'control', urls });
  await migrate({ ownerUrl: urls.owner, schema: 'control', migrations });
  const options = {
    schema: 'control',
    applicationName: 'control-itest',
    poolMax: 3,
    statementTimeoutMs: 5_000,
  } as const;
  writer = await openDatabase({ url: urls.writer, ...options });
  changes = createChanges(writer);
  await seedWorkspace(changes);
}, 120_000);
afterAll(async () => {
  await writer.close();
  const admin = await openDatabase({
    ...{
      url: database.adminUrl,
      schema: 'control',
      applicationName: 'control-itest',
      poolMax: 1,
      statementTimeoutMs: 5_000,
    },
  });
  for (const role of ['owner', 'writer', 'reader']) {
    await admin.query(`drop owned by control_${role}_${suffix} cascade`);
    await admin.query(`drop role control_${role}_${suffix}`);
  }
  await admin.close();
  await database.drop();
});

const tell = (suspended: boolean) =>
  new SuspensionHandler(changes).suspend({
    ...{ v: 1, principal: BILLING, workspaceId: 'default', suspended, reason: 'payment top-1 is disputed' },
  });
const projected = async (): Promise<unknown> => {
  const [entity] = await writer.transaction((runner) => PROJECTIONS.workspace.read(runner, ['default']));
  return entity?.entry;
};
const audited = () =>
  writer.query<{ action: string; subject: string }>('select action, subject from audit order by id');

test('a disputed payment suspends its workspace, which is published and audited, once', async () => {
  expect(await tell(true)).toEqual({ suspended: true });
  expect(await projected()).toMatchObject({ suspended: true });
  const before = await audited();
  expect(before.at(-1)).toEqual({ action: 'workspace.suspended', subject: 'default' });
  expect(await tell(true)).toEqual({ suspended: true });
  expect(await audited()).toEqual(before);
});

test('a won dispute lifts it', async () => {
  expect(await tell(false)).toEqual({ suspended: false });
  expect(await projected()).toMatchObject({ suspended: false });
});

test('what somebody else suspended stays so', async () => {
  await writer.query(`update workspaces set suspended = true where id = 'default'`);
  expect(await tell(false)).toEqual({ suspended: true });
  expect(await tell(true)).toEqual({ suspended: true });
  expect(await tell(false)).toEqual({ suspended: true });
  await writer.query(`update workspaces set suspended = false where id = 'default'`);
});

test('a workspace that does not exist cannot be suspended', async () => {
  const work = new SuspensionHandler(changes).suspend({
    ...{ v: 1, principal: BILLING, workspaceId: 'nobody', suspended: true, reason: '' },
  });
  await expect(work).rejects.toMatchObject({ code: 'not_found' });
});

describe('the operator', () => {
  const OPERATOR: Principal = { kind: 'service', permissions: ['operator'] };
  const decide = (suspended: boolean, reason: string, workspaceId = 'default') =>
    new SuspensionHandler(changes).put({ v: 1, principal: OPERATOR, workspaceId, suspended, reason });
  const lastRecord = async () =>
    (await writer.query('select action, actor, detail from audit order by id desc limit 1'))[0];

  test('resumes what billing suspended, with a reason that is audited', async () => {
    await tell(true);
    expect(await projected()).toMatchObject({
      ...{ suspended: true, suspension: { by: 'billing', reason: 'payment top-1 is disputed' } },
    });
    expect(await decide(false, 'paid by wire')).toEqual({});
    expect(await projected()).toMatchObject({ suspended: false });
    expect(await projected()).not.toHaveProperty('suspension');
    expect(await lastRecord()).toMatchObject({
      ...{ action: 'workspace.resumed', actor: { kind: 'service' } },
      detail: { reason: 'paid by wire', before: { by: 'billing', reason: 'payment top-1 is disputed' } },
    });
  });

  test('suspends, and a won dispute does not lift it', async () => {
    const first = await decide(true, 'fraud');
    expect(first).toMatchObject({ suspension: { by: 'operator', reason: 'fraud' } });
    expect(await tell(false)).toEqual({ suspended: true });
    expect(await tell(true)).toEqual({ suspended: true });
    expect(await projected()).toMatchObject({ suspended: true, ...first });
    await decide(false, 'cleared');
  });

  test('takes over what billing suspended, from when it began', async () => {
    await tell(true);
    const before = await projected();
    const since = await writer.query<{ suspended_at: Date }>('select suspended_at from workspaces');
    expect(before).toMatchObject({ suspension: { since: since[0]?.suspended_at.getTime() } });
    expect(await decide(true, 'fraud')).toEqual({
      suspension: { by: 'operator', reason: 'fraud', since: since[0]?.suspended_at.getTime() },
    });
    expect(await tell(false)).toEqual({ suspended: true });
    await decide(false, 'cleared');
  });

  test('saying it twice is saying it once', async () => {
    await decide(true, 'fraud');
    const before = await audited();
    await decide(true, 'fraud');
    expect(await audited()).toEqual(before);
    await decide(false, 'cleared');
    await decide(false, 'cleared');
    expect(await audited()).toHaveLength(before.length + 1);
  });

  test('is told that a workspace does not exist', async () => {
    await expect(decide(true, 'fraud', 'nobody')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('needs a key that is still there', async () => {
    const principal: Principal = {
      ...{ kind: 'key', workspaceId: 'default', keyHash: 'f'.repeat(64), permissions: ['operator'] },
    };
    const asked = { v: 1, principal, workspaceId: 'default', suspended: true, reason: 'fraud' } as const;
    await expect(new SuspensionHandler(changes).put(asked)).rejects.toMatchObject({ code: 'permission_denied' });
    expect(await projected()).toMatchObject({ suspended: false });
  });
});

test('a record of another service joins the chain, once for each notice', async () => {
  const audit = new AuditHandler(changes);
  const record = {
    v: 1,
    principal: BILLING,
    noticeId: 'billing-1',
    workspaceId: 'default',
    action: 'topup.paid',
    subject: 'top-1',
    actor: { kind: 'key', keyHash: 'a'.repeat(64) },
    detail: { credits: '20', outside: false },
  } as const;
  expect(await audit.append(record)).toEqual({ appended: true });
  expect(await audit.append(record)).toEqual({ appended: false });
  expect(await audit.append({ ...record, noticeId: 'billing-2' })).toEqual({ appended: true });
  expect((await audited()).filter(({ action }) => action === 'topup.paid')).toHaveLength(2);
  expect(await verifyAudit(writer)).toMatchObject({ fault: undefined });
});
