// Own keys against a real Postgres: what is published and audited of them, that no secret is in either, and that no workspace sees another's.
import { credentialEntry, ownKeyEntry, type CredentialEntry, type OwnKeySettings } from '@waystation/contracts';
import { newWorkerKeyPair, openSealed } from '@waystation/runtime';
import { postgresDatabase } from '@waystation/testing';
import { MembersHandler } from '../members/members.handler.js';
import { PROJECTIONS, type EntityKind } from '../projection/entities.js';
import { DEFAULT, startTestControl, type TestControl } from '../test-control.js';
import { OwnKeysHandler } from './own-keys.handler.js';

const workers = newWorkerKeyPair();
const SECRET = 'sk-own-canary-0123456789';
const OTHER = { ...DEFAULT, workspaceId: 'other' };
const PAGE = { offset: 0, limit: 100 };

let control: TestControl;
let ownKeys: OwnKeysHandler;
beforeAll(async () => {
  control = await startTestControl(await postgresDatabase());
  ownKeys = new OwnKeysHandler(control.changes, control.reader, workers.publicKey);
  const provider = (slug: string) => ({
    ...{ slug, name: slug, dialect: 'openai-chat', baseUrl: `https://${slug}.example/v1`, allowPrivateAddress: false },
    ...{ credentialId: `operator-${slug}`, dataPolicy: { retains: false, trains: false }, billsAfterCancel: true },
  });
  for (const slug of ['lab', 'lab-two'])
    await control.writer.query(`insert into catalog (kind, id, body, version) values ('provider', $1, $2, 1)`, [
      slug,
      JSON.stringify(provider(slug)),
    ]);
  await control.writer.query(
    `insert into credentials (id, provider, kind, name, fingerprint, version) values ('operator-lab', 'lab', 'header', 'x-lab-key', 'f', 1)`,
  );
}, 120_000);
afterAll(() => control.stop());

const keep = async (settings: OwnKeySettings = {}, more: object = {}) =>
  (await ownKeys.create({ ...DEFAULT, provider: 'lab', secret: SECRET, settings, ...more })).ownKey;
const change = (id: string, settings: OwnKeySettings, more: object = {}) =>
  ownKeys.update({ ...DEFAULT, id, settings, ...more });
const published = async (kind: EntityKind, id: string): Promise<unknown> =>
  (await control.writer.transaction((runner) => PROJECTIONS[kind].read(runner, [id])))[0]?.entry;
const credentialOf = async (id: string): Promise<CredentialEntry> =>
  credentialEntry.parse(await published('credential', id));
const opened = async (id: string): Promise<string> => {
  const { sealed } = await credentialOf(id);
  if (sealed === undefined) throw new Error('it is not sealed');
  return openSealed(workers.privateKey, sealed, id);
};
const refusal = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'nothing was refused',
    (error: unknown) => error,
  );

it('carries what it can take to the routers, changed as a whole, and none where it is taken away', async () => {
  const { id } = await keep({ name: 'Limited', capacity: { requestsPerMinute: 60, inFlight: 4 } });
  expect(await published('own-key', id)).toMatchObject({ capacity: { requestsPerMinute: 60, inFlight: 4 } });
  await change(id, { name: 'Still limited' });
  expect(await published('own-key', id)).toHaveProperty('capacity');
  const { ownKey } = await change(id, { capacity: { tokensPerMinute: 1_000 } });
  expect(ownKey.capacity).toEqual({ tokensPerMinute: 1_000 });
  await change(id, { capacity: null });
  expect(await published('own-key', id)).not.toHaveProperty('capacity');
});

it('is kept sealed to the workers, published as a credential and a rule, and told by its label alone', async () => {
  const ownKey = await keep({ name: 'Night shift', allowedModels: ['lab/small'], sortOrder: 7 });
  expect(ownKey).toMatchObject({
    ...{ workspaceId: 'default', provider: 'lab', name: 'Night shift', label: 'sk-...6789', sortOrder: 7 },
    ...{ disabled: false, isFallback: false, alwaysUse: false, allowedModels: ['lab/small'] },
  });
  expect(await ownKeys.get({ ...DEFAULT, id: ownKey.id })).toEqual({ ownKey });
  expect((await ownKeys.list({ ...DEFAULT, ...PAGE })).ownKeys).toContainEqual(ownKey);
  expect(await credentialOf(ownKey.id)).toMatchObject({
    ...{ id: ownKey.id, provider: 'lab', workspaceId: 'default', kind: 'header', name: 'x-lab-key' },
    origin: 'https://lab.example',
  });
  expect(await opened(ownKey.id)).toBe(SECRET);
  const rule = await published('own-key', ownKey.id);
  expect(ownKeyEntry.strict().parse(rule)).toMatchObject({ id: ownKey.id, workspaceId: 'default', sortOrder: 7 });
  const [row] = await control.writer.query(`select to_jsonb(credentials) as row from credentials where id = $1`, [
    ownKey.id,
  ]);
  for (const text of [ownKey, rule, await credentialOf(ownKey.id), row])
    expect(JSON.stringify(text)).not.toMatch(/canary/);
});

it('changes what is said and keeps what is not, and null lets everybody in', async () => {
  const { id, label } = await keep({ name: 'A', allowedModels: ['lab/small'], isFallback: true });
  const { ownKey } = await change(id, { disabled: true });
  expect(ownKey).toMatchObject({ name: 'A', label, disabled: true, isFallback: true, allowedModels: ['lab/small'] });
  const { ownKey: open } = await change(id, { allowedModels: null, name: null, disabled: false });
  expect(open).not.toHaveProperty('allowedModels');
  expect(open).not.toHaveProperty('name');
  expect(await published('own-key', id)).not.toHaveProperty('allowedModels');
  expect(await opened(id)).toBe(SECRET);
});

it('takes another secret in its place, under the same id, at the next version', async () => {
  const { id } = await keep();
  const before = await credentialOf(id);
  const { ownKey } = await change(id, {}, { secret: 'sk-new-canary-9876543210' });
  expect(ownKey.label).toBe('sk-...3210');
  expect((await credentialOf(id)).version).toBeGreaterThan(before.version);
  expect(await opened(id)).toBe('sk-new-canary-9876543210');
});

it('is kept for the address that its provider has then, until another secret takes its place', async () => {
  const { id } = await keep({}, { provider: 'lab-two' });
  const move = (baseUrl: string): Promise<unknown> =>
    control.writer.query(
      `update catalog set body = jsonb_set(body, '{baseUrl}', to_jsonb($1::text)) where id = 'lab-two'`,
      [baseUrl],
    );
  await move('https://elsewhere.example:8443/v1');
  await change(id, { disabled: true });
  expect(await credentialOf(id)).toMatchObject({ origin: 'https://lab-two.example' });
  await change(id, {}, { secret: 'sk-new-canary-9876543210' });
  expect(await credentialOf(id)).toMatchObject({ origin: 'https://elsewhere.example:8443' });
  await move('https://lab-two.example/v1');
  await ownKeys.delete({ ...DEFAULT, id });
});

it('is gone with its sealed text when it is deleted', async () => {
  const { id } = await keep();
  expect(await ownKeys.delete({ ...DEFAULT, id })).toEqual({ deleted: true });
  expect(await published('credential', id)).toBeUndefined();
  expect(await published('own-key', id)).toBeUndefined();
  expect(await refusal(ownKeys.get({ ...DEFAULT, id }))).toMatchObject({ code: 'not_found' });
  expect(await refusal(ownKeys.delete({ ...DEFAULT, id }))).toMatchObject({ code: 'not_found' });
});

it('is tried behind those that were there before, each provider by itself', async () => {
  const two = { provider: 'lab-two' };
  const orders = [await keep({}, two), await keep({ sortOrder: 40 }, two), await keep({}, two)];
  expect(orders.map(({ sortOrder }) => sortOrder)).toEqual([0, 40, 41]);
  const { ownKeys: listed, total } = await ownKeys.list({ ...DEFAULT, provider: 'lab-two', offset: 1, limit: 1 });
  expect([listed.map(({ id }) => id), total]).toEqual([[orders[1]?.id], 3]);
});

it('does not exist for another workspace', async () => {
  const { id } = await keep();
  const { principal } = await control.newKey({ workspaceId: 'other' });
  for (const about of [OTHER, { ...OTHER, principal }, { ...DEFAULT, principal }]) {
    expect(await refusal(ownKeys.get({ ...about, id }))).toMatchObject({ code: 'not_found' });
    expect(await refusal(ownKeys.update({ ...about, id, settings: {} }))).toMatchObject({ code: 'not_found' });
    expect(await refusal(ownKeys.delete({ ...about, id }))).toMatchObject({ code: 'not_found' });
  }
  expect((await ownKeys.list({ ...OTHER, ...PAGE })).ownKeys).toEqual([]);
  expect(
    await control.reader.asWorkspace('other', (runner) => runner.query('select count(*)::int as seen from own_keys')),
  ).toEqual([{ seen: 0 }]);
  expect(await opened(id)).toBe(SECRET);
});

it('can name only api keys and members of its workspace', async () => {
  const { entry } = await control.newKey();
  const { entry: stranger } = await control.newKey({ workspaceId: 'other' });
  const members = new MembersHandler(control.changes, control.reader);
  const { member } = await members.create({ ...DEFAULT, email: 'anna@example.com', role: 'member' });
  expect(await keep({ allowedKeyHashes: [entry.hash], allowedMemberIds: [member.id] })).toMatchObject({
    allowedKeyHashes: [entry.hash],
    allowedMemberIds: [member.id],
  });
  const strangers: [string, OwnKeySettings][] = [
    ['allowed_api_key_hashes', { allowedKeyHashes: [entry.hash, stranger.hash] }],
    ['allowed_user_ids', { allowedMemberIds: ['nobody'] }],
  ];
  for (const [field, settings] of strangers)
    expect(await refusal(keep(settings))).toMatchObject({ code: 'invalid_request', details: { field } });
});

it.each<[string, string, object]>([
  ['a provider that is not offered', 'provider', { provider: 'nowhere' }],
  ['a secret that the provider does not take', 'key', { secret: '{"canary":1}' }],
  ['a fallback that is always used', 'always_use', { settings: { alwaysUse: true, isFallback: true } }],
])('%s is refused, and nothing is kept', async (_, field, more) => {
  const before = (await ownKeys.list({ ...DEFAULT, ...PAGE })).total;
  const error = await refusal(keep({}, more));
  expect(error).toMatchObject({ code: 'invalid_request', details: { field } });
  expect(String(error)).not.toContain('canary');
  expect((await ownKeys.list({ ...DEFAULT, ...PAGE })).total).toBe(before);
});

it('is changed by admins only, and no more are kept than can be tried', async () => {
  const members = new MembersHandler(control.changes, control.reader);
  const { member } = await members.create({ ...DEFAULT, email: 'ben@example.com', role: 'member' });
  const { principal } = await control.newKey({ memberId: member.id });
  expect(await refusal(keep({}, { principal }))).toMatchObject({ code: 'permission_denied' });
  for (let kept = 0; kept < 16; kept += 1) await keep({}, { ...OTHER });
  expect(await refusal(keep({}, { ...OTHER }))).toMatchObject({ code: 'unprocessable' });
  expect(await keep({}, { ...OTHER, provider: 'lab-two' })).toMatchObject({ workspaceId: 'other' });
});

it('is audited without its secret', async () => {
  const { id } = await keep();
  await change(id, { name: 'B' }, { secret: 'sk-new-canary-9876543210' });
  await ownKeys.delete({ ...DEFAULT, id });
  expect((await control.audited()).filter((told) => told.endsWith(id))).toEqual(
    ['created', 'updated', 'deleted'].map((what) => `own-key.${what} ${id}`),
  );
  const [all] = await control.writer.query<{ text: string }>(`select string_agg(detail::text, '') as text from audit`);
  expect(all?.text).toContain('"rotated": true');
  expect(all?.text).not.toContain('canary');
});
