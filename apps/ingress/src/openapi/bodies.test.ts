// The schemas of bodies that are read by hand say what the readers do: both take the same bodies, and both refuse the same.
import { readGuardrailChanges, readKeyHashes, readNewGuardrail } from '../management/read-guardrail.js';
import { readKeyChanges, readNewKey } from '../management/read-key-settings.js';
import { readBudget, readLimit } from '../management/read-limit.js';
import { readMemberChange, readMemberIds, readNewMember } from '../management/read-member.js';
import { readSurcharges } from '../management/read-surcharges.js';
import { z } from 'zod';
import { OPERATIONS } from './operations.js';

const HASH = 'a'.repeat(64);
const zdr = Object.fromEntries(
  ['', '_anthropic', '_openai', '_google', '_xai', '_other'].map((group) => [`enforce_zdr${group}`, true]),
);
const guardrail = {
  name: 'Team',
  description: 'Spends little',
  limit_usd: 5,
  reset_interval: 'daily',
  include_byok_in_budgets: true,
  allowed_models: ['lab/small'],
  ignored_models: null,
  allowed_providers: ['alpha'],
  ignored_providers: null,
  allowed_regions: ['eu'],
  content_filters: [{ pattern: 'a+', action: 'block', label: '[A]', applies_to: 'both' }],
  content_filter_builtins: [{ slug: 'email', action: 'redact', label: null, scan_scope: null, applies_to: 'output' }],
  ...zdr,
};

/** A body with every member that there is, and values of members that are refused. */
const CASES: readonly (readonly [
  operation: string,
  read: (body: Buffer) => unknown,
  whole: Readonly<Record<string, unknown>>,
  bad: readonly (readonly [member: string, value: unknown])[],
])[] = [
  [
    'POST /keys',
    readNewKey,
    {
      ...{ name: 'CI', limit: 5, limit_reset: 'monthly', include_byok_in_limit: true },
      ...{ expires_at: '2027-01-01T00:00:00Z', workspace_id: 'default', creator_user_id: 'jane' },
    },
    [
      ['name', ''],
      ['name', 'x'.repeat(257)],
      ['limit', -1],
      ['limit_reset', 'yearly'],
      ['include_byok_in_limit', 'yes'],
      ['expires_at', 'tomorrow'],
      ['disabled', true],
      ['kind', 'management'],
    ],
  ],
  [
    'PATCH /keys/:hash',
    readKeyChanges,
    { name: 'CI', disabled: true, limit: null, limit_reset: null, include_byok_in_limit: false },
    [
      ['disabled', null],
      ['expires_at', null],
      ['workspace_id', 'default'],
    ],
  ],
  [
    'POST /guardrails',
    readNewGuardrail,
    { ...guardrail, workspace_id: 'default' },
    [
      ['name', undefined],
      ['name', 'x'.repeat(201)],
      ['limit_usd', -1],
      ['reset_interval', 'minute'],
      ['allowed_models', []],
      ['allowed_models', ['x'.repeat(257)]],
      ['allowed_providers', ['x'.repeat(129)]],
      ['include_byok_in_budgets', null],
      ['content_filters', [{ pattern: '', action: 'block' }]],
      ['content_filters', [{ pattern: 'a', action: 'mask' }]],
      ['content_filter_builtins', [{ slug: 'person-name', action: 'block' }]],
      ['allowed_regions', []],
      ['colour', 'red'],
    ],
  ],
  ['PATCH /guardrails/:id', readGuardrailChanges, guardrail, [['workspace_id', 'default']]],
  [
    'POST /guardrails/:id/assignments/keys',
    readKeyHashes,
    { key_hashes: [HASH] },
    [
      ['key_hashes', []],
      ['key_hashes', ['short']],
      ['key_hashes', Array.from({ length: 101 }, () => HASH)],
    ],
  ],
  [
    'POST /guardrails/:id/assignments/members',
    (body) => readMemberIds(body, 'member_user_ids'),
    { member_user_ids: ['jane'] },
    [
      ['member_user_ids', []],
      ['user_ids', ['jane']],
    ],
  ],
  [
    'POST /workspaces/:id/members/remove',
    (body) => readMemberIds(body, 'user_ids'),
    { user_ids: ['jane'] },
    [['user_ids', ['x'.repeat(65)]]],
  ],
  [
    'POST /workspaces/:id/members',
    readNewMember,
    { email: 'jane@example.com', role: 'admin' },
    [
      ['email', undefined],
      ['email', 'x'.repeat(255)],
      ['role', 'owner'],
      ['name', 'Jane'],
    ],
  ],
  ['PATCH /workspaces/:id/members/:member', readMemberChange, { role: 'member' }, [['role', undefined]]],
  [
    'PUT /workspaces/:id/limits',
    readLimit,
    {
      ...{ scope: 'tag', scope_id: 'nightly', metric: 'usd', window: 'month' },
      ...{ free_only: false, limit: 50, include_byok: true },
    },
    [
      ['scope', 'team'],
      ['metric', 'eur'],
      ['window', 'year'],
      ['limit', -1],
      ['limit', undefined],
      ['free_only', 'no'],
      ['scope_id', 'x'.repeat(513)],
      ['colour', 'red'],
    ],
  ],
  [
    'PUT /workspaces/:id/budgets/:interval',
    readBudget,
    { limit_usd: 5, include_byok_in_budgets: false },
    [
      ['limit_usd', 0],
      ['limit_usd', undefined],
      ['limit', 5],
    ],
  ],
  [
    'PUT /workspaces/:id/surcharges',
    readSurcharges,
    { markup_percent: 2.5, byok_fee_percent: 0 },
    [
      ['markup_percent', -1],
      ['byok_fee_percent', undefined],
      ['discount_percent', 1],
    ],
  ],
];

const schemaOf = (operation: string): z.ZodObject => {
  const schema = OPERATIONS[operation]?.body;
  if (!(schema instanceof z.ZodObject)) throw new Error(`${operation} has no schema for its body`);
  return schema;
};
const bytes = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));

describe.each(CASES)('%s', (operation, read, whole, bad) => {
  it('takes a body with every member that its schema names', () => {
    expect(Object.keys(whole).sort()).toEqual(Object.keys(schemaOf(operation).shape).sort());
    expect(schemaOf(operation).safeParse(whole).error).toBeUndefined();
    expect(() => read(bytes(whole))).not.toThrow();
  });

  it.each(bad)('refuses %s: %j, as its schema does', (member, value) => {
    const body = { ...whole, [member]: value };
    expect(schemaOf(operation).safeParse(JSON.parse(JSON.stringify(body))).success).toBe(false);
    expect(() => read(bytes(body))).toThrow();
  });

  it('needs the members that its schema needs, and no others', () => {
    for (const [member, schema] of Object.entries(schemaOf(operation).shape)) {
      const rest = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== member));
      const taken = (() => {
        try {
          read(bytes(rest));
          return true;
        } catch {
          return false;
        }
      })();
      // POST /keys asks for a name after its body was read.
      if (operation === 'POST /keys' && member === 'name') continue;
      expect([member, taken]).toEqual([member, schema.safeParse(undefined).success]);
    }
  });
});
