// Members against a real Postgres: who may change them, what goes with them, and that another workspace's do not exist.
import { postgresDatabase } from '@waystation/testing';
import { verifyAudit } from '../audit/verify-audit.js';
import { LimitsHandler } from '../limits/limits.handler.js';
import { DEFAULT, startTestControl, type TestControl } from '../test-control.js';
import { MembersHandler } from './members.handler.js';

let control: TestControl;
let members: MembersHandler;
let limits: LimitsHandler;
beforeAll(async () => {
  control = await startTestControl(await postgresDatabase());
  members = new MembersHandler(control.changes, control.reader);
  limits = new LimitsHandler(control.changes, control.reader);
}, 120_000);
afterAll(() => control.stop());

const PAGE = { offset: 0, limit: 100 };
let made = 0;
const join = async (role: 'admin' | 'member' = 'member', workspaceId = 'default') =>
  (await members.create({ ...DEFAULT, workspaceId, email: `user-${(made += 1)}@example.com`, role })).member;
const idsOf = async (workspaceId = 'default'): Promise<string[]> =>
  (await members.list({ ...DEFAULT, workspaceId, ...PAGE })).members.map(({ id }) => id);

const refuse = async (code: string, ...works: (() => Promise<unknown>)[]): Promise<void> => {
  for (const work of works) await expect(work()).rejects.toMatchObject({ code });
};

test('a member is made, found, listed, given another role and removed, and each change is audited', async () => {
  const member = await join();
  const about = { ...DEFAULT, memberId: member.id };
  expect(member).toMatchObject({ workspaceId: 'default', role: 'member', id: expect.stringMatching(/^user_\w{24}$/) });
  expect(await members.get(about)).toEqual({ member });
  expect(await members.update({ ...about, role: 'admin' })).toEqual({ member: { ...member, role: 'admin' } });
  expect(await idsOf()).toContain(member.id);
  expect(await members.remove({ ...DEFAULT, memberIds: [member.id] })).toEqual({ removed: 1, disabledKeys: 0 });
  expect(await idsOf()).not.toContain(member.id);
  await refuse(
    'not_found',
    () => members.get(about),
    () => members.update({ ...about, role: 'member' }),
  );
  const told = ['created', 'updated'].map((verb) => `member.${verb} ${member.id}`);
  expect((await control.audited()).filter((fact) => fact.includes(member.id))).toEqual([
    ...told,
    `members.removed ${member.id}`,
  ]);
  expect((await verifyAudit(control.writer)).fault).toBeUndefined();
});

test('a role that somebody has already is no change', async () => {
  const member = await join('admin');
  const before = await control.audited();
  await members.update({ ...DEFAULT, memberId: member.id, role: 'admin' });
  expect(await control.audited()).toEqual(before);
});

test('an address is there once in a workspace, however it is written, and again after its member left', async () => {
  const { id, email } = await join();
  const again = { ...DEFAULT, email: email.toUpperCase(), role: 'member' } as const;
  await refuse('conflict', () => members.create(again));
  await expect(members.create({ ...again, workspaceId: 'other' })).resolves.toBeDefined();
  await members.remove({ ...DEFAULT, memberIds: [id] });
  expect((await members.create(again)).member.id).not.toBe(id);
});

test('removing a member disables its keys for good, and takes its limits away', async () => {
  const [member, other] = [await join(), await join()];
  const [own, second, disabled] = [
    await control.newKey({ kind: 'inference', memberId: member.id }),
    await control.newKey({ kind: 'inference', memberId: member.id }),
    await control.newKey({ kind: 'inference', memberId: member.id }),
  ];
  const theirs = await control.newKey({ kind: 'inference', memberId: other.id });
  await control.keys.update({ ...DEFAULT, hash: disabled.entry.hash, disabled: true });
  const limit = { scope: 'member', metric: 'usd', window: 'day', limit: '5' } as const;
  const [ofMember, ofOther] = [
    { ...limit, scopeId: member.id },
    { ...limit, scopeId: other.id },
  ];
  await limits.put({ ...DEFAULT, limits: [ofMember, ofOther, limit] });

  expect(await members.remove({ ...DEFAULT, memberIds: [member.id, member.id] })).toEqual({
    removed: 1,
    disabledKeys: 2,
  });
  for (const { entry } of [own, second]) {
    const now = await control.keyOf(entry.hash);
    expect(now).toMatchObject({ disabled: true, memberId: member.id });
    expect(now?.version).toBeGreaterThan(entry.version);
    await refuse('unprocessable', () => control.keys.update({ ...DEFAULT, hash: entry.hash, disabled: false }));
    await expect(control.keys.update({ ...DEFAULT, hash: entry.hash, name: 'renamed' })).resolves.toBeDefined();
  }
  expect(await control.keyOf(theirs.entry.hash)).toEqual(theirs.entry);
  const named = (await control.workspaceOf('default'))?.limits?.map(({ scopeId }) => scopeId);
  expect(named).toEqual([undefined, other.id]);
  await refuse(
    'not_found',
    () => control.newKey({ memberId: member.id }),
    () => limits.put({ ...DEFAULT, limits: [ofMember] }),
  );
});

test('all that are named are removed, or none', async () => {
  const [one, theirs] = [await join(), await join('member', 'other')];
  for (const unknown of ['user_nobody', theirs.id])
    await refuse('not_found', () => members.remove({ ...DEFAULT, memberIds: [one.id, unknown] }));
  expect(await idsOf()).toContain(one.id);
  expect(await idsOf('other')).toContain(theirs.id);
});

test('those of another workspace do not exist for a caller, and the database hides them itself', async () => {
  const { principal } = await control.newKey();
  const theirs = await join('member', 'other');
  const about = { ...DEFAULT, principal };
  const there = { ...about, workspaceId: 'other' };
  await refuse(
    'not_found',
    () => members.get({ ...about, memberId: theirs.id }),
    () => members.update({ ...about, memberId: theirs.id, role: 'admin' }),
    () => members.remove({ ...about, memberIds: [theirs.id] }),
    () => control.keys.create({ ...about, kind: 'inference', name: 'x', memberId: theirs.id }),
    () => members.get({ ...there, memberId: theirs.id }),
    () => members.list({ ...there, ...PAGE }),
    () => members.create({ ...there, email: 'me@example.com', role: 'admin' }),
    () => members.remove({ ...there, memberIds: [theirs.id] }),
  );
  expect(await members.get({ ...DEFAULT, workspaceId: 'other', memberId: theirs.id })).toEqual({ member: theirs });
  expect(await control.reader.query('select 1 from members')).toEqual([]);
});

test('a key of a member who is no admin changes no members and no limits', async () => {
  const [plain, admin] = [await join('member'), await join('admin')];
  const ofPlain = await control.newKey({ memberId: plain.id });
  const ofAdmin = await control.newKey({ memberId: admin.id });
  const about = { ...DEFAULT, principal: ofPlain.principal };
  const limit = { scope: 'member', metric: 'usd', window: 'day', limit: '500', scopeId: plain.id } as const;
  await refuse(
    'permission_denied',
    () => members.update({ ...about, memberId: plain.id, role: 'admin' }),
    () => members.create({ ...about, email: 'friend@example.com', role: 'admin' }),
    () => members.remove({ ...about, memberIds: [admin.id] }),
    () => limits.put({ ...about, limits: [limit] }),
  );
  await members.update({ ...DEFAULT, principal: ofAdmin.principal, memberId: plain.id, role: 'admin' });
  await expect(limits.put({ ...about, limits: [limit] })).resolves.toBeDefined();
});

test('a list is told in pages, with how many there are', async () => {
  const all = await members.list({ ...DEFAULT, ...PAGE });
  const paged = [];
  for (let offset = 0; offset < all.total; offset += 2)
    paged.push(...(await members.list({ ...DEFAULT, offset, limit: 2 })).members);
  expect(paged).toEqual(all.members);
  expect(all.members).toHaveLength(all.total);
});
