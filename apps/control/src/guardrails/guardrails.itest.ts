// Guardrails against a real Postgres: what is published of them, who has which, and that none is taken away by whom it guards.
import { postgresDatabase } from '@waystation/testing';
import { MembersHandler } from '../members/members.handler.js';
import { DEFAULT, startTestControl, type TestControl } from '../test-control.js';
import { AssignmentsHandler } from './assignments.handler.js';
import { GuardrailsHandler } from './guardrails.handler.js';

let control: TestControl;
let guardrails: GuardrailsHandler;
let assignments: AssignmentsHandler;
let members: MembersHandler;
beforeAll(async () => {
  control = await startTestControl(await postgresDatabase());
  guardrails = new GuardrailsHandler(control.changes, control.reader);
  assignments = new AssignmentsHandler(control.changes, control.reader);
  members = new MembersHandler(control.changes, control.reader);
}, 120_000);
afterAll(() => control.stop());

const PAGE = { offset: 0, limit: 100 };
const BUDGET = { limit: '5000000000001', limitReset: 'daily', includeByok: true } as const;
const ALL = { anthropic: true, openai: true, google: true, xai: true, other: true };
const newGuardrail = async (settings: object = BUDGET, workspaceId = 'default') =>
  (await guardrails.create({ ...DEFAULT, workspaceId, name: 'Careful', ...settings })).guardrail;
let made = 0;
const join = async (workspaceId = 'default'): Promise<string> =>
  (await members.create({ ...DEFAULT, workspaceId, email: `user-${(made += 1)}@example.com`, role: 'admin' })).member
    .id;
type To = 'key' | 'member';
const give = (to: To, subjectIds: string[], guardrailId: string, more: object = {}) =>
  assignments.assign({ ...DEFAULT, to, subjectIds, guardrailId, assigned: true, ...more });
const subjectsOf = async (to: To, guardrailId?: string): Promise<string[]> =>
  (
    await assignments.list({ ...DEFAULT, ...PAGE, to, ...(guardrailId === undefined ? {} : { guardrailId }) })
  ).assignments.map(({ subjectId }) => subjectId);

const refuse = async (code: string, ...works: (() => Promise<unknown>)[]): Promise<void> => {
  for (const work of works) await expect(work()).rejects.toMatchObject({ code });
};

describe('a guardrail', () => {
  it('is made, found, listed, changed and deleted, published each time, and audited', async () => {
    const lists = {
      allowedModels: ['lab/small'],
      ignoredProviders: ['beta'],
      regions: ['eu'],
      contentFilters: [{ pattern: 'a+', action: 'block' as const, label: '[A]' }],
      contentFilterBuiltins: [{ slug: 'email' as const, action: 'redact' as const, appliesTo: 'both' as const }],
    };
    const guardrail = await newGuardrail({ ...BUDGET, ...lists, zdr: ALL, description: 'for the night' });
    const about = { ...DEFAULT, guardrailId: guardrail.id };
    expect(guardrail).toMatchObject({ ...BUDGET, ...lists, zdr: true, name: 'Careful', isDefault: false });
    expect(guardrail.updatedAt).toBeUndefined();
    expect(await guardrails.get(about)).toEqual({ guardrail });
    expect((await guardrails.list({ ...DEFAULT, ...PAGE })).guardrails).toContainEqual(guardrail);
    expect(await control.policyOf(guardrail.id)).toMatchObject({
      ...lists,
      zdr: true,
      budget: { limit: BUDGET.limit, window: 'day', includeByok: true },
    });

    const changes = {
      name: 'Careless',
      limitReset: null,
      allowedModels: null,
      ignoredProviders: ['alpha'],
      regions: null,
      contentFilters: null,
      contentFilterBuiltins: null,
      zdr: { openai: false },
    };
    const { guardrail: after } = await guardrails.update({ ...about, changes });
    expect(after).toMatchObject({ name: 'Careless', description: 'for the night', zdr: false, limit: BUDGET.limit });
    expect(after.updatedAt).toBeGreaterThanOrEqual(guardrail.createdAt);
    expect(await control.policyOf(guardrail.id)).toEqual({
      ...{ v: 1, version: expect.any(Number), id: guardrail.id, ignoredProviders: ['alpha'] },
      zdrGroups: ['anthropic', 'google', 'xai', 'other'],
      budget: { limit: BUDGET.limit, window: 'lifetime', includeByok: true },
    });
    await guardrails.update({ ...about, changes: { limit: null } });
    expect(await control.policyOf(guardrail.id)).not.toHaveProperty('budget');

    expect(await guardrails.delete(about)).toEqual({ deleted: true });
    expect(await control.policyOf(guardrail.id)).toEqual({ v: 1, version: expect.any(Number), id: guardrail.id });
    const key = await control.newKey();
    await refuse(
      'not_found',
      () => guardrails.get(about),
      () => guardrails.update({ ...about, changes: {} }),
      () => guardrails.delete(about),
      () => give('key', [key.entry.hash], guardrail.id),
    );
    expect((await control.audited()).filter((told) => told.endsWith(guardrail.id))).toEqual(
      ['created', 'updated', 'updated', 'deleted'].map((verb) => `guardrail.${verb} ${guardrail.id}`),
    );
  });

  it('that was deleted long ago is forgotten with the next that is', async () => {
    const [old, next] = [await newGuardrail(), await newGuardrail()];
    await guardrails.delete({ ...DEFAULT, guardrailId: old.id });
    await control.writer.query(`update guardrails set deleted_at = now() - interval '8 days' where id = $1`, [old.id]);
    await guardrails.delete({ ...DEFAULT, guardrailId: next.id });
    expect(await control.policyOf(old.id)).toBeUndefined();
    expect(await control.policyOf(next.id)).toBeDefined();
    const outbox = await control.writer.query<{ kind: string }>('select kind from outbox where entity_id = $1', [
      old.id,
    ]);
    expect(outbox.at(-1)).toEqual({ kind: 'guardrail' });
  });

  it('of another workspace does not exist for a caller, and the database hides it itself', async () => {
    const { principal } = await control.newKey();
    const theirs = await newGuardrail(BUDGET, 'other');
    const [ours, key, member] = [await newGuardrail(), await control.newKey(), await join()];
    const [theirKey, theirMember] = [await control.newKey({ workspaceId: 'other' }), await join('other')];
    const about = { ...DEFAULT, principal, guardrailId: theirs.id };
    const there = { ...about, workspaceId: 'other' };
    await refuse(
      'not_found',
      () => guardrails.get(about),
      () => guardrails.update({ ...about, changes: { limit: null } }),
      () => guardrails.delete(about),
      () => assignments.list({ ...about, ...PAGE, to: 'key' }),
      () => give('key', [key.entry.hash], theirs.id, { principal }),
      () => give('key', [key.entry.hash, theirKey.entry.hash], ours.id, { principal }),
      () => give('member', [member, theirMember], ours.id, { principal }),
      () => give('member', ['user_nobody'], ours.id, { principal }),
      () => guardrails.get(there),
      () => guardrails.list({ ...there, ...PAGE }),
      () => guardrails.create({ ...there, name: 'x' }),
      () => assignments.list({ ...there, ...PAGE, to: 'member' }),
    );
    expect(await subjectsOf('key', ours.id)).toEqual([]);
    expect(await subjectsOf('member', ours.id)).toEqual([]);
    expect(await control.reader.query('select 1 from guardrails')).toEqual([]);
  });
});

describe('the guardrail of the whole workspace', () => {
  it('is there from its first change, under an id that never changes, and gone when it is deleted', async () => {
    const about = { ...DEFAULT, guardrailId: 'default' };
    await refuse('not_found', () => guardrails.get(about));
    await refuse('invalid_request', () => guardrails.update({ ...about, changes: { name: 'mine' } }));
    expect((await control.workspaceOf('default'))?.policyId).toBeUndefined();

    const { guardrail } = await guardrails.update({ ...about, changes: BUDGET });
    expect(guardrail).toMatchObject({ isDefault: true, limit: BUDGET.limit });
    expect((await control.workspaceOf('default'))?.policyId).toBe(guardrail.id);
    expect((await control.workspaceOf('other'))?.policyId).toBeUndefined();
    const changed = await guardrails.update({ ...DEFAULT, guardrailId: guardrail.id, changes: { limit: '1' } });
    expect(changed.guardrail).toMatchObject({ id: guardrail.id, limit: '1', limitReset: 'daily' });

    await guardrails.delete(about);
    expect((await control.workspaceOf('default'))?.policyId).toBeUndefined();
    const { guardrail: again } = await guardrails.update({ ...about, changes: { zdr: ALL } });
    expect(again.id).toBe(guardrail.id);
    expect(again).not.toHaveProperty('limit');
    await guardrails.delete(about);
  });
});

describe('an assignment', () => {
  it('of a key replaces the one before, reaches the key, and is taken back', async () => {
    const [one, two] = [await newGuardrail(), await newGuardrail()];
    const [a, b] = [await control.newKey({ kind: 'inference' }), await control.newKey({ kind: 'inference' })];
    const hashes = [a.entry.hash, b.entry.hash];
    expect(await give('key', hashes, one.id)).toEqual({ changed: 2 });
    expect(await give('key', hashes, one.id)).toEqual({ changed: 0 });
    expect(await give('key', [a.entry.hash], two.id)).toEqual({ changed: 1 });
    expect(await subjectsOf('key', one.id)).toEqual([b.entry.hash]);
    expect(await subjectsOf('key', two.id)).toEqual([a.entry.hash]);
    expect(await control.keyOf(a.entry.hash)).toMatchObject({ policyId: two.id });

    const taken = { assigned: false };
    expect(await give('key', hashes, two.id, taken)).toEqual({ changed: 1 });
    expect((await control.keyOf(a.entry.hash))?.policyId).toBeUndefined();
    expect((await control.keyOf(b.entry.hash))?.policyId).toBe(one.id);
    await control.keys.delete({ ...DEFAULT, hash: b.entry.hash });
    expect(await subjectsOf('key')).not.toContain(b.entry.hash);
    await refuse('not_found', () => give('key', [b.entry.hash], one.id));
  });

  it('of a member reaches its keys, those that are made later among them, and says by whom', async () => {
    const [guardrail, member, manager] = [await newGuardrail(), await join(), await join()];
    const before = await control.newKey({ kind: 'inference', memberId: member });
    const { principal } = await control.newKey({ memberId: manager });
    await give('member', [member], guardrail.id, { principal });
    const later = await control.newKey({ kind: 'inference', memberId: member });
    const known = await control.keyOf(before.entry.hash);
    expect(known).toMatchObject({ memberPolicyId: guardrail.id });
    expect(known?.version).toBeGreaterThan(before.entry.version);
    expect(later.entry).toMatchObject({ memberPolicyId: guardrail.id });
    expect((await assignments.list({ ...DEFAULT, ...PAGE, to: 'member' })).assignments).toEqual([
      {
        guardrailId: guardrail.id,
        to: 'member',
        subjectId: member,
        assignedBy: manager,
        assignedAt: expect.any(Number),
      },
    ]);
    await members.remove({ ...DEFAULT, memberIds: [member] });
    expect(await subjectsOf('member')).toEqual([]);
    await refuse('not_found', () => give('member', [member], guardrail.id));
  });

  it('ends with its guardrail', async () => {
    const [guardrail, member] = [await newGuardrail(), await join()];
    const key = await control.newKey({ kind: 'inference', memberId: member });
    await give('member', [member], guardrail.id);
    await give('key', [key.entry.hash], guardrail.id);
    await guardrails.delete({ ...DEFAULT, guardrailId: guardrail.id });
    const now = await control.keyOf(key.entry.hash);
    expect([now?.policyId, now?.memberPolicyId]).toEqual([undefined, undefined]);
  });

  it('is neither changed nor escaped by a key that is under it', async () => {
    const [guardrail, member] = [await newGuardrail(), await join()];
    const byKey = await control.newKey();
    const byMember = await control.newKey({ memberId: member });
    await give('key', [byKey.entry.hash], guardrail.id);
    await give('member', [member], guardrail.id);
    for (const { entry, principal } of [byKey, byMember]) {
      const about = { ...DEFAULT, principal, guardrailId: guardrail.id };
      await refuse(
        'permission_denied',
        () => guardrails.update({ ...about, changes: { limit: null } }),
        () => guardrails.delete(about),
        () => guardrails.create({ ...DEFAULT, principal, name: 'wide' }),
        () => give('key', [entry.hash], guardrail.id, { principal, assigned: false }),
        () => give('member', [member], guardrail.id, { principal, assigned: false }),
      );
    }
    const childOfKey = await control.newKey({ principal: byKey.principal });
    const childOfMember = await control.newKey({ principal: byMember.principal });
    expect(childOfKey.entry.policyId).toBe(guardrail.id);
    expect(childOfMember.entry).toMatchObject({ memberId: member, memberPolicyId: guardrail.id });
    expect(await subjectsOf('key', guardrail.id)).toContain(childOfKey.entry.hash);
  });

  it('that changes nothing is no record, and a number of them is told in pages', async () => {
    const guardrail = await newGuardrail();
    const keys = await Promise.all([1, 2, 3].map(() => control.newKey({ kind: 'inference' })));
    const hashes = keys.map(({ entry }) => entry.hash);
    await give('key', hashes, guardrail.id);
    const before = await control.audited();
    await give('key', hashes, guardrail.id);
    expect(await control.audited()).toEqual(before);
    const page = { ...DEFAULT, to: 'key', guardrailId: guardrail.id, limit: 2 } as const;
    const [first, second] = [
      await assignments.list({ ...page, offset: 0 }),
      await assignments.list({ ...page, offset: 2 }),
    ];
    expect([first.total, second.total]).toEqual([3, 3]);
    expect([...first.assignments, ...second.assignments].map(({ subjectId }) => subjectId).sort()).toEqual(
      hashes.sort(),
    );
  });
});
