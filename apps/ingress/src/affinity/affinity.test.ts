// What a generation teaches about its conversation's home, one line a case; and that telling it is bounded and harms nobody.
import type { ErrorCode, RoutePlanReply } from '@waystation/contracts';
import { affinityKeyOf } from '@waystation/runtime';
import type { AttemptRecord, Generation } from '../generate/generation.js';
import { planned } from '../test-edge/fixtures.js';
import { createAffinity, TELLING_MAX, type AffinityWrite } from './affinity.js';
import { affinityChange, type AffinityChange } from './affinity-change.js';

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;
const home = planned('home').endpointId;
const other = planned('other').endpointId;
const model = 'lab/small';

const record = (provider: string, errorCode?: ErrorCode, dispatched = true): AttemptRecord => ({
  ...{ attemptId: `att-${provider}`, planned: planned(provider), startedMs: 0, dispatched, requests: 1 },
  ...{ outcome: errorCode === undefined ? 'completed' : 'failed-before-output', errorCode },
  ...{ usage: {}, usageSource: 'provider' },
});
const planOf = (override?: { endpointId: string; at: number }): RoutePlanReply => ({
  ...{ attempts: [], excluded: [], snapshotRevision: 1, strategy: 'conversation' },
  affinity: [{ model, home, ...(override === undefined ? {} : { override }) }],
});
const there = (ageMs = 0) => ({ endpointId: other, at: NOW - ageMs });
const moved: AffinityChange = { kind: 'put', model, endpointId: other };
const returned: AffinityChange = { kind: 'delete', model };
const broken = record('other', 'provider_stream_broken');

describe('affinityChange', () => {
  it.each<[string, RoutePlanReply | undefined, AttemptRecord[], AttemptRecord | undefined, AffinityChange | undefined]>(
    [
      ['served at home', planOf(), [record('home')], record('home'), undefined],
      ['served elsewhere', planOf(), [record('home', 'provider_unavailable')], record('other'), moved],
      ['served elsewhere without a failure at home', planOf(), [], record('other'), moved],
      ['served there again', planOf(there(MINUTE)), [], record('other'), undefined],
      ['served there again, late in its life', planOf(there(5 * MINUTE)), [], record('other'), moved],
      ['served at a third endpoint', planOf({ endpointId: 'x', at: NOW }), [], record('other'), moved],
      ['served at home again', planOf(there()), [], record('home'), returned],
      ['served by nobody, failed there', planOf(there()), [record('other', 'provider_timeout')], undefined, returned],
      ['broken there in the middle', planOf(there()), [broken], broken, returned],
      ['broken elsewhere in the middle', planOf(), [broken], broken, undefined],
      [
        'failed there without being asked',
        planOf(there()),
        [record('other', 'no_worker', false)],
        undefined,
        undefined,
      ],
      [
        'failed there by the fault of the client',
        planOf(there()),
        [record('other', 'invalid_request')],
        undefined,
        undefined,
      ],
      [
        'served by a model that has no home',
        planOf(),
        [],
        { ...record('x'), planned: planned('x', { model: 'm' }) },
        undefined,
      ],
      ['without a plan', undefined, [], record('other'), undefined],
    ],
  )('%s', (_name, plan, attempts, served, change) => {
    expect(affinityChange(plan, attempts, served, NOW)).toEqual(change);
  });
});

describe('telling it', () => {
  const generationOf = (
    served: AttemptRecord,
    plan: RoutePlanReply,
    conversation: string | undefined = 'c',
  ): Generation =>
    ({
      ...{ plan, attempts: [served], served, identity: { workspaceId: 'w', keyHash: '' } },
      request: { features: { conversation } },
    }) as unknown as Generation;
  const start = (work: () => Promise<void>) => {
    const written: [string, unknown][] = [];
    const writes: AffinityWrite[] = [];
    const faults: unknown[] = [];
    const affinity = createAffinity({
      bucket: {
        put: (key, value) => (written.push([key, value]), work()),
        delete: (key) => (written.push([key, undefined]), work()),
      },
      nowMs: () => NOW,
      onWrite: (write) => void writes.push(write),
      onFault: (error) => void faults.push(error),
    });
    return { affinity, written, writes, faults };
  };

  it('writes under a key that names neither workspace nor conversation', () => {
    const { affinity, written, writes } = start(async () => undefined);
    affinity.learn(generationOf(record('other'), planOf()));
    affinity.learn(generationOf(record('home'), planOf(there())));
    const key = affinityKeyOf('w', model, 'c');
    expect(key).toMatch(/^affinity\.[0-9a-z]+$/);
    expect(written).toEqual([
      [key, { v: 1, endpointId: other, at: NOW }],
      [key, undefined],
    ]);
    expect(writes).toEqual(['moved', 'returned']);
  });

  it.each<[[string, string, string], [string, string, string]]>([
    [
      ['a', 'b', 'c'],
      ['a', 'b', 'd'],
    ],
    [
      ['a', 'b', 'c'],
      ['a', 'x', 'c'],
    ],
    [
      ['a', 'b', 'c'],
      ['x', 'b', 'c'],
    ],
    [
      ['a', 'bc', 'd'],
      ['ab', 'c', 'd'],
    ],
  ])('%j and %j are two conversations', (one, another) => {
    expect(affinityKeyOf(...one)).not.toBe(affinityKeyOf(...another));
  });

  it('drops what would be more than so many at a time, and goes on afterwards', async () => {
    const waiting: (() => void)[] = [];
    const { affinity, writes } = start(() => new Promise((resolve) => waiting.push(resolve)));
    for (let told = 0; told < TELLING_MAX + 3; told += 1) affinity.learn(generationOf(record('other'), planOf()));
    expect(writes.filter((write) => write === 'dropped')).toHaveLength(3);
    for (const resolve of waiting) resolve();
    await new Promise(setImmediate);
    affinity.learn(generationOf(record('other'), planOf()));
    expect(writes.at(-1)).toBe('moved');
  });

  it('a bucket that is away harms nobody', async () => {
    const { affinity, faults } = start(() => Promise.reject(new Error('away')));
    affinity.learn(generationOf(record('other'), planOf()));
    await new Promise(setImmediate);
    expect(faults).toEqual([new Error('away')]);
  });
});
