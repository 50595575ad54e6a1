// Guardrails over real HTTP: shapes of the reference, money exact, bad input told before control is asked, and what a call under one is held against.
import {
  SNAPSHOT_KEYS,
  WaystationError,
  type GuardrailAssignment,
  type GuardrailEntry,
  type LeaseGrantRequest,
  type PolicyEntry,
} from '@waystation/contracts';
import {
  hashOf,
  inferenceKey,
  keyEntryOf,
  managementKey,
  serving,
  completion,
  workspace,
} from '../test-edge/fixtures.js';
import { expectDescribed } from '../test-edge/expect-described.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

type Answer = Readonly<Record<string, unknown>>;
const ID = '550e8400-e29b-41d4-a716-446655440000';
const guardrail: GuardrailEntry = {
  ...{
    id: ID,
    workspaceId: 'default',
    isDefault: false,
    name: 'Careful',
    limit: '50000000000001',
    limitReset: 'monthly',
  },
  ...{ includeByok: false, allowedProviders: ['alpha'], zdr: true, createdAt: 1_700_000_000_000 },
};
const SHOWN = {
  ...{ id: ID, workspace_id: 'default', name: 'Careful', description: null, reset_interval: 'monthly' },
  ...{ include_byok_in_budgets: false, allowed_models: null, ignored_models: null, ignored_providers: null },
  ...{ allowed_providers: ['alpha'], enforce_zdr: true, enforce_zdr_openai: true, content_filters: null },
  ...{ created_at: '2023-11-14T22:13:20.000Z', updated_at: null },
};
const policy = (id: string, more: Partial<PolicyEntry> = {}): PolicyEntry => ({ v: 1, version: 2, id, ...more });
const budget = (limit: string): Partial<PolicyEntry> => ({ budget: { limit, window: 'lifetime', includeByok: false } });

const groups = (enforced: boolean): object =>
  Object.fromEntries(['anthropic', 'openai', 'google', 'xai', 'other'].map((group) => [group, enforced]));

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
  const { rpc } = ingress.bus;
  rpc.set('control.guardrail.list', () => ({ guardrails: [guardrail], total: 7 }));
  for (const verb of ['create', 'get', 'update'] as const) rpc.set(`control.guardrail.${verb}`, () => ({ guardrail }));
  rpc.set('control.guardrail.delete', () => ({ deleted: true }));
  rpc.set('control.guardrail.assign', ({ subjectIds }: { subjectIds: string[] }) => ({ changed: subjectIds.length }));
  rpc.set('billing.quota.use', ({ quotas }: { quotas: { id: string }[] }) => ({
    quotas: quotas.map(({ id }) => ({ id, used: '1', held: '2' })),
  }));
});
afterEach(() => ingress.close());

const call = async (
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly key?: string } = {},
): Promise<{ status: number; text: string; json: Answer; message: string | undefined }> => {
  const { body, key = managementKey } = options;
  const response = await fetch(`${ingress.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = JSON.parse(text) as Answer;
  expectDescribed(method, response, json);
  return { status: response.status, text, json, message: (json['error'] as { message: string } | undefined)?.message };
};
/** What was asked over the bus, but for who asked. */
const asked = (): { readonly name: string; readonly request: Answer }[] =>
  ingress.bus.asked.map(({ name, request }) => ({
    name,
    request: Object.fromEntries(Object.entries(request).filter(([field]) => field !== 'principal' && field !== 'v')),
  }));
const HASH = 'c'.repeat(64);

describe('/guardrails', () => {
  it('lists them as the reference has them, amounts exact', async () => {
    const { status, text, json } = await call('GET', '/guardrails?offset=5&limit=2&workspace_id=default');
    expect([status, json]).toMatchObject([200, { data: [SHOWN], total_count: 7 }]);
    expect(text).toContain('"limit_usd":50.000000000001,');
    expect(asked()).toEqual([
      { name: 'control.guardrail.list', request: { workspaceId: 'default', offset: 5, limit: 2 } },
    ]);
  });

  it('makes one of all that can be said', async () => {
    const body = {
      ...{ name: 'Careful', description: 'x', limit_usd: 0.000000000001, reset_interval: 'weekly' },
      ...{ include_byok_in_budgets: true, allowed_models: ['lab/small', 'lab/small'], ignored_models: ['lab/large'] },
      ...{ allowed_providers: ['alpha'], ignored_providers: ['beta'], enforce_zdr: true, workspace_id: 'default' },
      ...{ allowed_regions: ['eu'], content_filter_builtins: null, enable_paid_model_training: null },
      content_filters: [{ pattern: 'a+', action: 'block', label: '[A]', applies_to: 'both' }],
    };
    expect(await call('POST', '/guardrails', { body })).toMatchObject({ status: 201, json: { data: SHOWN } });
    expect(asked()[0]?.request).toEqual({
      ...{ workspaceId: 'default', name: 'Careful', description: 'x', limit: '1', limitReset: 'weekly' },
      ...{ includeByok: true, allowedModels: ['lab/small'], ignoredModels: ['lab/large'] },
      ...{ allowedProviders: ['alpha'], ignoredProviders: ['beta'], zdr: groups(true) },
      ...{ regions: ['eu'], contentFilterBuiltins: null },
      contentFilters: [{ pattern: 'a+', action: 'block', label: '[A]', appliesTo: 'both' }],
    });
  });

  it.each<[object, object]>([
    [{}, {}],
    [
      { limit_usd: null, reset_interval: null, description: null },
      { limit: null, limitReset: null, description: null },
    ],
    [{ limit_usd: 0 }, { limit: '0' }],
    [
      { allowed_models: null, ignored_providers: null },
      { allowedModels: null, ignoredProviders: null },
    ],
    [{ enforce_zdr: null }, { zdr: groups(false) }],
    [{ enforce_zdr_openai: true }, { zdr: { openai: true } }],
    [{ enforce_zdr: true, enforce_zdr_xai: false }, { zdr: { ...groups(true), xai: false } }],
    [
      {
        content_filters: [{ pattern: 'x', action: 'flag', label: null }],
        content_filter_builtins: [
          { slug: 'email', action: 'redact', label: 'ignored' },
          { slug: 'regex-prompt-injection', action: 'block', scan_scope: 'user_only' },
        ],
      },
      {
        contentFilters: [{ pattern: 'x', action: 'flag' }],
        contentFilterBuiltins: [
          { slug: 'email', action: 'redact' },
          { slug: 'regex-prompt-injection', action: 'block', scanScope: 'user_only' },
        ],
      },
    ],
    [
      Object.fromEntries(
        ['anthropic', 'openai', 'google', 'xai', 'other'].map((group) => [`enforce_zdr_${group}`, true]),
      ),
      { zdr: groups(true) },
    ],
    [{ enforce_zdr: true, enforce_zdr_other: true }, { zdr: groups(true) }],
  ])('%j is understood as a change', async (body, changes) => {
    expect((await call('PATCH', `/guardrails/${ID}`, { body })).status).toBe(200);
    expect(asked()).toEqual([
      { name: 'control.guardrail.update', request: { workspaceId: 'default', guardrailId: ID, changes } },
    ]);
  });

  it('reads and deletes one, that of the whole workspace by the name default', async () => {
    expect((await call('GET', '/guardrails/default')).json['data']).toMatchObject(SHOWN);
    expect((await call('DELETE', `/guardrails/${ID}`)).json).toEqual({ deleted: true });
    expect(asked().map(({ request }) => request['guardrailId'])).toEqual(['default', ID]);
  });

  it('gives it to keys and members, and takes it back', async () => {
    const at = `/guardrails/${ID}/assignments`;
    const keys = { key_hashes: [HASH, HASH] };
    const members = { member_user_ids: ['jane', 'joe'] };
    expect((await call('POST', `${at}/keys`, { body: keys })).json).toEqual({ assigned_count: 1 });
    expect((await call('POST', `${at}/keys/remove`, { body: keys })).json).toEqual({ unassigned_count: 1 });
    expect((await call('POST', `${at}/members`, { body: members })).json).toEqual({ assigned_count: 2 });
    expect((await call('POST', `${at}/members/remove`, { body: members })).json).toEqual({ unassigned_count: 2 });
    const about = { workspaceId: 'default', guardrailId: ID };
    expect(asked().map(({ request }) => request)).toEqual([
      { ...about, to: 'key', subjectIds: [HASH], assigned: true },
      { ...about, to: 'key', subjectIds: [HASH], assigned: false },
      { ...about, to: 'member', subjectIds: ['jane', 'joe'], assigned: true },
      { ...about, to: 'member', subjectIds: ['jane', 'joe'], assigned: false },
    ]);
  });

  it('lists who has one, with what each has left of its own budget', async () => {
    publish([policy(ID, budget('5'))]);
    const assignedAt = 1_700_000_000_000;
    const assignments: GuardrailAssignment[] = [
      { guardrailId: ID, to: 'key', subjectId: HASH, name: 'Team', label: 'sk-way', assignedBy: 'jane', assignedAt },
      { guardrailId: 'another', to: 'key', subjectId: hashOf(inferenceKey), assignedAt },
    ];
    ingress.bus.rpc.set('control.guardrail.assignments', () => ({ assignments, total: 9 }));
    const { json } = await call('GET', `/guardrails/${ID}/assignments/keys`);
    expect(json).toEqual({
      data: [
        {
          ...{ id: expect.stringMatching(/^[0-9a-f-]{36}$/), guardrail_id: ID, key_hash: HASH, key_name: 'Team' },
          ...{ key_label: 'sk-way', assigned_by: 'jane', created_at: '2023-11-14T22:13:20.000Z' },
          budget: expect.objectContaining({ limit: 5e-12, used: 1e-12, in_flight: 2e-12, remaining: 4e-12 }),
        },
        expect.objectContaining({ guardrail_id: 'another', assigned_by: null, budget: null }),
      ],
      total_count: 9,
    });
    const member: GuardrailAssignment = { guardrailId: ID, to: 'member', subjectId: 'jane', assignedAt };
    ingress.bus.rpc.set('control.guardrail.assignments', () => ({ assignments: [member], total: 1 }));
    expect((await call('GET', '/guardrails/assignments/members')).json['data']).toEqual([
      expect.objectContaining({ user_id: 'jane', organization_id: 'default' }),
    ]);
    expect(asked().filter(({ name }) => name === 'control.guardrail.assignments')).toMatchObject([
      { request: { to: 'key', guardrailId: ID } },
      { request: { to: 'member' } },
    ]);
  });

  const over = (more: object): object => ({ name: 'x', ...more });
  const filter = (one: object): object => over({ content_filters: [one] });
  const builtin = (slug: string, more: object = {}): object =>
    over({ content_filter_builtins: [{ slug, action: 'block', ...more }] });
  it.each<[string, unknown, string]>([
    ['no name', {}, 'name: Required'],
    ['an empty name', { name: '' }, 'name: Expected string of 1 to 200 characters, received string'],
    ['a long description', over({ description: 'x'.repeat(1001) }), 'description: Expected string of 1 to 1000'],
    ['a negative budget', over({ limit_usd: -1 }), 'limit_usd: Expected a non-negative number of USD, received number'],
    ['a budget as text', over({ limit_usd: '5' }), 'limit_usd: Expected a non-negative number of USD, received string'],
    ['a budget too fine', over({ limit_usd: 1e-13 }), 'limit_usd: Expected a number of USD with at most 12 decimals'],
    ['an absurd budget', over({ limit_usd: 1e30 }), 'limit_usd: Expected a number of USD below'],
    ['an unknown interval', over({ reset_interval: 'yearly' }), "reset_interval: Expected 'daily' | 'weekly'"],
    ['a flag that is text', over({ include_byok_in_budgets: 'yes' }), 'include_byok_in_budgets: Expected boolean'],
    ['a flag that is null', over({ include_byok_in_budgets: null }), 'include_byok_in_budgets: Expected boolean'],
    [
      'an empty allow-list',
      over({ allowed_models: [] }),
      'allowed_models: Expected 1 to 1000 entries or null, received 0',
    ],
    [
      'a list that is text',
      over({ ignored_providers: 'beta' }),
      'ignored_providers: Expected array or null, received string',
    ],
    ['an entry that is a number', over({ allowed_providers: [5] }), 'allowed_providers: Expected string of 1 to 128'],
    ['a long list', over({ ignored_models: Array(1001).fill('a') }), 'ignored_models: Expected 1 to 1000 entries'],
    ['a content filter without an action', filter({ pattern: 'x' }), "content_filters.0.action: Expected 'redact' |"],
    ['one without a pattern', filter({ action: 'block' }), 'content_filters.0.pattern: Expected a regular expression'],
    [
      'a pattern that does not compile',
      filter({ pattern: 'ab(?=c)', action: 'block' }),
      'content_filters.0.pattern: The pattern does not compile at character 2: invalid or unsupported Perl syntax',
    ],
    ['a pattern that is too large', filter({ pattern: '(?:a{0,100}){0,9}b', action: 'block' }), 'is too large'],
    ['an unknown member of one', filter({ pattern: 'x', action: 'block', mode: 1 }), 'content_filters.0.mode: Unknown'],
    ['filters that are no list', over({ content_filters: {} }), 'content_filters: Expected array or null'],
    ['a filter that takes a language model', builtin('person-name'), "'person-name' is not served here"],
    ['an unknown one', builtin('shoes'), "content_filter_builtins.0.slug: Expected 'email' | 'phone'"],
    ['a scope that none has', builtin('email', { scan_scope: 'user_only' }), 'Only regex-prompt-injection has a scope'],
    ['a training switch', over({ enable_paid_model_training: false }), 'enable_paid_model_training: This cannot be'],
    ['an id of its own choosing', over({ id: ID }), "Unrecognized key(s) in object: 'id'"],
    ['an unknown field', over({ limit: 5 }), "Unrecognized key(s) in object: 'limit'"],
    ['a prototype', '{"name":"x","__proto__":{}}', "Unrecognized key(s) in object: '__proto__'"],
    ['a list for a body', [], 'body: Expected object, received array'],
    ['no JSON', '{', 'The request body is not valid JSON.'],
  ])('refuses %s with 400 and asks nobody', async (_name, body, message) => {
    const answer = await call('POST', '/guardrails', { body });
    expect(answer.status).toBe(400);
    expect(answer.message).toContain(message);
    expect(asked()).toEqual([]);
  });

  it('refuses another workspace on a change, and bad lists of who gets it', async () => {
    const at = `/guardrails/${ID}`;
    const refused: readonly [string, string, unknown, string][] = [
      ['PATCH', at, { workspace_id: 'other' }, "Unrecognized key(s) in object: 'workspace_id'"],
      ['POST', `${at}/assignments/keys`, {}, 'key_hashes: Expected 1 to 100 ids, received nothing'],
      [
        'POST',
        `${at}/assignments/keys`,
        { key_hashes: ['abc'] },
        'key_hashes: Expected hashes of keys, received "abc"',
      ],
      ['POST', `${at}/assignments/keys/remove`, { key_hashes: [] }, 'key_hashes: Expected 1 to 100 ids, received 0'],
      ['POST', `${at}/assignments/members`, { member_user_ids: [{}] }, 'member_user_ids: Expected ids of members'],
      ['POST', `${at}/assignments/members`, { user_ids: ['a'] }, "Unrecognized key(s) in object: 'user_ids'"],
      ['GET', '/guardrails?limit=1000', undefined, 'limit: Expected a whole number from 1 to 100'],
    ];
    for (const [method, path, body, message] of refused) {
      const answer = await call(method, path, { body });
      expect([answer.status, answer.message]).toEqual([400, expect.stringContaining(message)]);
    }
    expect(asked()).toEqual([]);
  });

  it('knows no other workspace, no id that is none, and no inference key', async () => {
    expect((await call('GET', '/guardrails?workspace_id=other')).status).toBe(404);
    expect((await call('POST', '/guardrails', { body: over({ workspace_id: 'other' }) })).status).toBe(404);
    for (const id of ['nobody', 'DEFAULT', `${ID}0`, '%00', '..%2fkeys'])
      for (const [method, path, body] of [
        ['GET', '', undefined],
        ['PATCH', '', {}],
        ['DELETE', '', undefined],
        ['GET', '/assignments/keys', undefined],
        ['POST', '/assignments/members', { member_user_ids: ['a'] }],
      ] as const)
        expect((await call(method, `/guardrails/${id}${path}`, { body })).status).toBe(404);
    expect((await call('GET', '/guardrails', { key: inferenceKey })).status).toBe(403);
    expect(asked()).toEqual([]);
  });
});

/** As control publishes: guardrails, then who is under them. */
const publish = (
  policies: readonly PolicyEntry[],
  under: { workspace?: string; member?: string; key?: string } = {},
): void => {
  const { bus } = ingress;
  for (const each of policies) bus.put('policies', SNAPSHOT_KEYS.policy(each.id), each);
  const version = Math.max(2, ...policies.map((each) => each.version));
  bus.put('policies', SNAPSHOT_KEYS.head, { v: 1, version, entities: policies.length, at: 1_700_000_000_000 });
  if (under.workspace !== undefined)
    bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: 2, policyId: under.workspace });
  const key = keyEntryOf(inferenceKey, {
    ...{ version: 2, memberId: 'jane' },
    ...(under.member === undefined ? {} : { memberPolicyId: under.member }),
    ...(under.key === undefined ? {} : { policyId: under.key }),
  });
  bus.put('keys', SNAPSHOT_KEYS.key(key.hash), key);
};

describe('a call under guardrails', () => {
  const ask = () =>
    call('POST', '/chat/completions', {
      key: inferenceKey,
      body: { model: 'lab/small', messages: [{ role: 'user', content: 'hello' }], max_tokens: 5 },
    });
  const granted = (): LeaseGrantRequest[] =>
    ingress.bus.asked.flatMap(({ name, request }) =>
      name === 'lease.grant' ? [request as unknown as LeaseGrantRequest] : [],
    );
  beforeEach(() => {
    ingress.bus.worker = serving([completion('hi')]);
  });

  it('is planned under all of them, from the widest in, and held against the budget of each', async () => {
    publish([policy('all', budget('7')), policy('hers', budget('8')), policy('its', budget('9')), policy('other')], {
      ...{ workspace: 'all', member: 'hers', key: 'its' },
    });
    expect((await ask()).status).toBe(200);
    expect(asked().find(({ name }) => name === 'route.plan')?.request['policyIds']).toEqual(['all', 'hers', 'its']);
    const quotas = granted()[0]?.quotas.filter(({ scope }) => scope === 'guardrail') ?? [];
    const told = quotas.map(({ scopeId, limit, subject }) => [scopeId, limit, subject?.scope]);
    expect(told.sort()).toEqual([
      ['all', '7', 'member'],
      ['hers', '8', 'member'],
      ['its', '9', 'key'],
    ]);
    expect(granted()[0]?.quotas.map(({ id }) => id)).toEqual(
      granted()[0]
        ?.quotas.map(({ id }) => id)
        .sort(),
    );
  });

  it('meets a budget as it is changed, and none that was taken away', async () => {
    const daily = { budget: { limit: '9', window: 'day', includeByok: false } } as const;
    for (const [version, more] of [budget('9'), daily, {}].entries()) {
      publish([{ ...policy('its', more), version: version + 2 }], { key: 'its' });
      expect((await ask()).status).toBe(200);
    }
    const windows = granted().map(({ quotas }) => quotas.find(({ scope }) => scope === 'guardrail')?.window);
    expect(windows).toEqual(['lifetime', 'day', undefined]);
  });

  it('is refused for now, and not let through, while one of them is not known', async () => {
    publish([], { key: 'unheard-of' });
    expect(await ask()).toMatchObject({ status: 503, message: expect.stringContaining('Guardrail unheard-of') });
    expect(granted()).toEqual([]);
    expect(ingress.bus.streams).toEqual([]);
    publish([policy('unheard-of')], { key: 'unheard-of' });
    expect((await ask()).status).toBe(200);
  });

  it('that does not fit is told which guardrail refused, what is left and when it begins anew', async () => {
    publish([policy(ID, budget('9'))], { key: ID });
    ingress.bus.rpc.set('lease.grant', ({ quotas, need }: LeaseGrantRequest) => {
      const quota = quotas.find(({ scope }) => scope === 'guardrail');
      if (quota === undefined) throw new WaystationError('internal', 'no quota of a guardrail');
      const { id: quotaId, scope, metric, scopeId: guardrailId, limit = '0' } = quota;
      return {
        refused: {
          ...{ code: 'limit_exceeded', quotaId, scope, guardrailId, metric, window: 'month', asked: need.usd },
          ...{ left: '3', limit, resetsAt: 1_800_000_000_000 },
        },
      };
    });
    const { status, json, message } = await ask();
    expect([status, message]).toEqual([
      402,
      expect.stringContaining(`the month budget of guardrail ${ID}; $0.000000000003 is left of $0.000000000009`),
    ]);
    expect(json['error']).toMatchObject({
      metadata: {
        limit_source: 'waystation_guardrail_limit',
        quota: {
          ...{ scope: 'guardrail', guardrail_id: ID, metric: 'usd', window: 'month', left: '0.000000000003' },
          ...{ limit: '0.000000000009', resets_at: '2027-01-15T08:00:00.000Z' },
        },
      },
    });
  });

  it('can see the budgets it meets in GET /key', async () => {
    const sums = { total: '0', daily: '0', weekly: '0', monthly: '0' };
    ingress.bus.rpc.set('billing.key.usage', ({ hashes }: { hashes: string[] }) => ({
      keys: hashes.map((hash) => ({ hash, usage: sums, byokUsage: sums })),
    }));
    publish([policy('all'), policy('its', budget('9'))], { workspace: 'all', key: 'its' });
    const { json } = await call('GET', '/key', { key: inferenceKey });
    expect((json['data'] as Answer)['limits']).toEqual([
      expect.objectContaining({
        scope: 'guardrail',
        scope_id: 'its',
        window: 'lifetime',
        used: 1e-12,
        remaining: 8e-12,
      }),
    ]);
  });
});

it('nobody is admitted whose guardrails may be out of date', async () => {
  ingress.bus.silentMs = 10_000;
  expect((await call('GET', '/guardrails')).status).toBe(503);
});
