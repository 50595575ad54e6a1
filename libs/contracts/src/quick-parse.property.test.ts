// The quick judgement against zod's own: lines as they are written, and lines with anything in them put out of shape.
import fc from 'fast-check';
import { z } from 'zod';
import { FINISH_REASONS, OUTCOMES } from '@waystation/generation';
import { generationRecorded, journalBatch, moneyLine } from './journal.js';
import { quickParse } from './quick-parse.js';

const RUNS = 500;
const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const text = (max: number) => fc.string({ minLength: 1, maxLength: max, unit: 'binary' });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
const picodollars = fc.stringMatching(/^[1-9][0-9]{0,37}$/);
const generationId = fc.stringMatching(/^gen-[0-9]{10}-[0-9A-Za-z]{20}$/);
const attemptId = fc.stringMatching(/^att-[0-9]{10}-[0-9A-Za-z]{20}-[0-9]{1,3}$/);
const instance = fc.stringMatching(/^[a-z0-9-]{3,64}$/);
const priceVersion = hex(32).map((digits) => `price-${digits}`);
const outcome = fc.constantFrom(...OUTCOMES);
const finishReason = fc.constantFrom(...FINISH_REASONS);
const usageSource = fc.constantFrom('provider', 'estimated', 'clamped');
const usage = fc.dictionary(fc.constantFrom('input', 'output', 'cacheRead', '5', '', '__proto__'), count);
const perUnit = fc.dictionary(fc.constantFrom('input', 'output', '7'), picodollars);
/** Objects with all of these members, but that some of the optional ones may be missing. */
const partly = (fields: Record<string, fc.Arbitrary<unknown>>, ...optional: string[]) =>
  fc
    .tuple(fc.record(fields), fc.subarray(optional))
    .map(([all, left]) => Object.fromEntries(Object.entries(all).filter(([name]) => !left.includes(name))));
const price = partly(
  {
    perUnit,
    perRequest: picodollars,
    tiers: fc.array(fc.record({ aboveInputTokens: count, perUnit }), { maxLength: 2 }),
  },
  ...['perRequest', 'tiers'],
);
const identity = partly(
  {
    workspaceId: text(64),
    keyHash: hex(64),
    memberId: text(64),
    endUserId: text(512),
    sessionId: text(256),
    app: partly({ referer: text(512), title: text(256) }, 'referer', 'title'),
  },
  ...['memberId', 'endUserId', 'sessionId', 'app'],
);
const backing = {
  leaseId: fc.stringMatching(/^lease-[0-9a-z-]{8,64}$/),
  holdPicodollars: picodollars,
  quotaSet: fc.array(text(128), { maxLength: 16 }),
  priceVersion,
  price,
  byok: fc.boolean(),
  deadlineAt: count,
};
const endpoint = { provider: text(128), endpointId: text(256), model: text(256) };
const report = { usage: fc.oneof(usage, fc.constant('pending')), usageSource };
const ending = { outcome, errorCode: text(64) };
const v = fc.constant(1);
const lineOf = (kind: string, fields: Record<string, fc.Arbitrary<unknown>>, ...optional: string[]) =>
  partly({ kind: fc.constant(kind), v, ...fields }, ...optional);
const attempt = { at: count, worker: instance, generationId, attemptId, identity, ...endpoint, ...backing };
const summary = { attemptId, ...endpoint, ...backing, dispatched: fc.boolean(), ...ending, ...report };
const moneyLines = fc.oneof(
  lineOf('attempt.started', attempt, 'leaseId'),
  lineOf('attempt.progressed', { at: count, generationId, attemptId, sequence: count, ...report }),
  lineOf(
    'attempt.finished',
    { ...attempt, ...ending, finishReason, upstreamId: text(256), ...report },
    ...['leaseId', 'finishReason', 'errorCode', 'upstreamId'],
  ),
  lineOf(
    'generation.finished',
    {
      ...{ at: count, ingress: instance, generationId, identity, outcome, finishReason, servedBy: attemptId },
      continuedFrom: attemptId,
      attempts: fc.array(partly(summary, 'leaseId', 'errorCode'), { maxLength: 3 }),
    },
    ...['finishReason', 'servedBy', 'continuedFrom'],
  ),
);
const recorded = {
  ...{
    generationId,
    identity,
    createdAt: count,
    api: text(32),
    requestedModels: fc.array(text(256), { maxLength: 3 }),
  },
  ...{ ...endpoint, providerName: text(128), upstreamId: text(256), stream: fc.boolean(), cancelled: fc.boolean() },
  ...{
    ...ending,
    finishReason,
    nativeFinishReason: text(128),
    errorMessage: text(1024),
    httpStatus: fc.integer(),
    usage,
    usageSource,
  },
  ...{ priceVersion, costPicodollars: picodollars, policyRow: text(64), byok: fc.boolean(), latencyMs: ms },
  ...{ generationTimeMs: ms, userAgent: text(256), requestId: text(64), responseCacheSourceId: generationId },
  warnings: fc.array(partly({ code: text(64), message: text(512), field: text(64) }, 'field'), { maxLength: 2 }),
  attempts: fc.array(
    partly(
      {
        ...{ attemptId, attempt: fc.record({ ...endpoint, providerName: text(128) }) },
        ...{
          worker: instance,
          outcome,
          errorCode: text(64),
          upstreamStatus: fc.integer(),
          latencyMs: ms,
          durationMs: ms,
        },
      },
      ...['worker', 'errorCode', 'upstreamStatus', 'latencyMs', 'durationMs'],
    ),
    { maxLength: 2 },
  ),
  decision: partly(
    {
      excluded: fc.array(partly({ model: text(256), rule: fc.constant('capacity'), detail: text(512) }, 'detail')),
      strategy: text(32),
      snapshotRevision: count,
    },
    ...['excluded', 'strategy', 'snapshotRevision'],
  ),
};
const trailLines = lineOf(
  'generation.recorded',
  recorded,
  ...[
    'model',
    'provider',
    'providerName',
    'endpointId',
    'upstreamId',
    'finishReason',
    'nativeFinishReason',
    'errorCode',
  ],
  ...[
    'errorMessage',
    'usage',
    'usageSource',
    'priceVersion',
    'latencyMs',
    'userAgent',
    'requestId',
    'warnings',
    'decision',
    'responseCacheSourceId',
  ],
);
const batches = partly({ v, batch: text(96), instance, lines: fc.array(fc.jsonValue(), { minLength: 1 }) });

/** What may stand where something else should. */
const wrong = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    -0,
    1.5,
    1e300,
    2 ** 53,
    '',
    '0',
    '00',
    '-1',
    'pending',
    '\0',
    '\ud800',
    [],
    {},
  ),
  fc.constantFrom<unknown>(
    'x'.repeat(64),
    'x'.repeat(65),
    'é'.repeat(512),
    '😀'.repeat(129),
    '1'.repeat(38),
    '1'.repeat(39),
  ),
  fc.jsonValue(),
);

/** Every place in a JSON value, by its parent and key. */
const placesOf = (value: unknown): [Record<string, unknown>, string][] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, member]) => [
        [value as Record<string, unknown>, key] as [Record<string, unknown>, string],
        ...placesOf(member),
      ]);

/** As it comes off the wire: own members only, `__proto__` among them. */
const offTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe.each([
  ['money lines', moneyLine as z.ZodType<unknown>, moneyLines],
  ['generations of the trail', generationRecorded as z.ZodType<unknown>, fc.oneof(trailLines)],
  ['batches', journalBatch as z.ZodType<unknown>, fc.oneof(batches)],
])('%s', (_name, schema, lines) => {
  const quick = quickParse(schema);
  const expectSame = (value: unknown): void => {
    const slow = schema.safeParse(value);
    const fast = quick(value);
    expect(fast.success).toBe(slow.success);
    if (slow.success) expect(fast.data).toStrictEqual(slow.data);
    else expect(fast.error?.issues).toEqual(slow.error.issues);
  };

  test('as they are written are taken as they stand', () => {
    fc.assert(
      fc.property(lines, (line) => {
        const value = offTheWire(line);
        expectSame(value);
        const hasProto = placesOf(value).some(([, key]) => key === '__proto__');
        const { success, data } = quick(value);
        expect(success).toBe(true);
        if (!hasProto) expect(data).toBe(value);
      }),
      { numRuns: 100 },
    );
  });

  test('that are put out of shape are judged as zod judges them', () => {
    fc.assert(
      fc.property(
        lines,
        fc.nat(),
        fc.constantFrom('replace', 'remove', 'add', 'double'),
        wrong,
        (line, at, how, other) => {
          const value = offTheWire(line);
          const places = placesOf(value);
          const place = places[at % Math.max(1, places.length)];
          if (place !== undefined) {
            const [parent, key] = place;
            if (how === 'replace') parent[key] = other;
            else if (how === 'remove') Reflect.deleteProperty(parent, key);
            else if (how === 'add') parent[Array.isArray(parent) ? '0' : 'unheardOf'] = other;
            else parent[key] = `${String(parent[key])}${String(parent[key])}`;
          }
          expectSame(offTheWire(value));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test.each([[null], [undefined], ['text'], [7], [[]], [{}]])('%p is refused as zod refuses it', (value) => {
    expectSame(value);
    expect(quick(value).success).toBe(false);
  });
});

test('a schema of a kind that is not known is refused when it is made, not when it is used', () => {
  expect(() => quickParse(z.object({ at: z.date() }))).toThrow('kind date');
  expect(() => quickParse(z.string().transform((text) => text))).toThrow('kind pipe');
  expect(() => quickParse(z.string().refine(() => false))).toThrow('check custom');
  expect(() => quickParse(z.object({}).refine(() => false))).toThrow('checks on kind object');
  expect(() => quickParse(z.string().trim())).toThrow('check overwrite');
  expect(() => quickParse(z.email())).toThrow('check string_format');
  expect(() => quickParse(z.string().regex(/a/g))).toThrow('check string_format');
  expect(() => quickParse(z.record(z.enum(['a']), z.number()))).toThrow('record of named keys');
  expect(() => quickParse(z.union([z.object({}), z.object({ a: z.string() })]))).toThrow('union of shapes');
});
