// What a file does to a station, a line a case; and what holds of every file and every station.
import fc from 'fast-check';
import { planChanges, type Plan } from './plan.ts';
import { readStationFile } from './read-station-file.ts';
import { renderStation } from './render-station.ts';
import {
  SECTIONS,
  nameOfThing,
  wholeSettings,
  type Desired,
  type FoundThing,
  type Json,
  type Section,
  type Thing,
} from './station.ts';

const thing = (section: Section, said: Json): Thing => ({
  section,
  name: nameOfThing(section, said) ?? '',
  settings: wholeSettings(section, said),
});
let ids = 0;
const there = (section: Section, said: Json, more: Partial<FoundThing> = {}): FoundThing => ({
  ...thing(section, said),
  id: `id-${(ids += 1)}`,
  ...more,
});
const wants = (...things: readonly Thing[]): Desired => ({
  sections: new Set(things.map(({ section }) => section)),
  things,
});
const told = ({ actions, strays, faults }: Plan): string[] => [
  ...actions.map((action) =>
    action.does === 'delete'
      ? `- ${action.found.name}`
      : action.does === 'create'
        ? `+ ${action.thing.name}`
        : `~ ${action.thing.name} ${action.differences.map(({ setting }) => setting).join()}`,
  ),
  ...strays.map(({ name }) => `? ${name}`),
  ...faults.map(({ thing: { name }, problem }) => `! ${name} ${problem}`),
];

const nightly = { name: 'nightly', limit: 5 };
const monthly = { scope: 'workspace', metric: 'usd', window: 'month', limit: 100 };

describe('a plan', () => {
  test.each<[string, Desired, FoundThing[], boolean, string[]]>([
    ['makes what is not there', wants(thing('keys', nightly)), [], false, ['+ nightly']],
    ['does nothing to what is as it should be', wants(thing('keys', nightly)), [there('keys', nightly)], false, []],
    [
      'sets what is otherwise',
      wants(thing('keys', nightly)),
      [there('keys', { ...nightly, limit: 6, disabled: true })],
      false,
      ['~ nightly limit,disabled'],
    ],
    [
      'takes back what the file does not say any more',
      wants(thing('keys', { name: 'nightly' })),
      [there('keys', nightly)],
      false,
      ['~ nightly limit'],
    ],
    [
      'names what the file does not',
      wants(thing('keys', nightly)),
      [there('keys', nightly), there('keys', { name: 'old' })],
      false,
      ['? old'],
    ],
    [
      'deletes that only where it is asked to',
      wants(thing('keys', nightly)),
      [there('keys', nightly), there('keys', { name: 'old' })],
      true,
      ['- old'],
    ],
    [
      'leaves sections alone that the file does not have',
      wants(thing('keys', nightly)),
      [there('keys', nightly), there('presets', { slug: 'p' })],
      true,
      [],
    ],
    [
      'empties a section that is there and empty',
      { sections: new Set(['keys']), things: [] },
      [there('keys', nightly)],
      true,
      ['- nightly'],
    ],
    [
      'never deletes what is not the file’s to delete',
      { sections: new Set(['surcharges']), things: [] },
      [there('surcharges', {}, { kept: true })],
      true,
      [],
    ],
    [
      'knows a limit by what it limits',
      wants(thing('limits', { ...monthly, limit: 200 }), thing('limits', { ...monthly, window: 'day' })),
      [there('limits', monthly)],
      false,
      ['~ workspace usd month limit', '+ workspace usd day'],
    ],
    [
      'does not choose between two of one name',
      wants(thing('keys', nightly)),
      [there('keys', nightly), there('keys', nightly)],
      true,
      ['! nightly there are several of the name "nightly": give all but one another name'],
    ],
    [
      'does not try to change what is given once',
      wants(thing('keys', { ...nightly, expires_at: '2030-01-01T00:00:00Z' })),
      [there('keys', nightly)],
      false,
      ['! nightly expires_at cannot be changed: delete it, or give the new one another name'],
    ],
    [
      'makes keys before guardrails that are for them, and deletes in the other order',
      wants(thing('guardrails', { name: 'g', keys: ['nightly'] }), thing('keys', nightly)),
      [there('keys', { name: 'old' }), there('guardrails', { name: 'h', keys: ['old'] })],
      true,
      ['+ nightly', '+ g', '- h', '- old'],
    ],
    [
      'has no guardrail for a key that is not there',
      wants(thing('guardrails', { name: 'g', keys: ['nigthly'] })),
      [],
      false,
      ['! g is for the key "nigthly": there is none, and the file makes none'],
    ],
    [
      'reads enforce_zdr as all of its groups',
      wants(thing('guardrails', { name: 'g', enforce_zdr: true })),
      [
        there('guardrails', {
          name: 'g',
          ...Object.fromEntries(
            ['anthropic', 'openai', 'google', 'xai', 'other'].map((group) => [`enforce_zdr_${group}`, true]),
          ),
        }),
      ],
      false,
      [],
    ],
    [
      'reads a time as what it means',
      wants(thing('keys', { ...nightly, expires_at: '2030-01-01T01:00:00+01:00' })),
      [there('keys', { ...nightly, expires_at: '2030-01-01T00:00:00.000Z' })],
      false,
      [],
    ],
    [
      'takes members in any order',
      wants(thing('guardrails', { name: 'g', members: ['b', 'a'] })),
      [there('guardrails', { name: 'g', members: ['a', 'b'] })],
      false,
      [],
    ],
  ])('%s', (_what, desired, found, prune, expected) => {
    expect(told(planChanges(desired, found, { prune }))).toEqual(expected);
  });
});

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const amount = fc.integer({ min: 0, max: 9 });
const SAID: Readonly<Record<Section, fc.Arbitrary<Json>>> = {
  surcharges: fc.record({ markup_percent: amount }, { requiredKeys: [] }),
  private_providers: fc.record(
    {
      slug: word,
      dialect: word,
      baseUrl: word,
      apiKey: fc.constantFrom('(sealed)', '${WAYSTATION_PROVIDER_LAB_KEY}'),
      endpoints: fc.array(fc.record({ model: word })),
    },
    { requiredKeys: ['slug', 'dialect'] },
  ),
  keys: fc.record(
    { name: word, limit: amount, limit_reset: fc.constantFrom('daily', 'monthly'), disabled: fc.boolean() },
    { requiredKeys: ['name'] },
  ),
  limits: fc.record({
    scope: fc.constantFrom('tag', 'workspace'),
    scope_id: word,
    metric: fc.constant('usd'),
    window: fc.constantFrom('day', 'month'),
    limit: amount,
  }),
  guardrails: fc.record(
    {
      name: word,
      limit_usd: amount,
      allowed_models: fc.array(word),
      enforce_zdr_openai: fc.boolean(),
      members: fc.array(word),
      content_filters: fc.array(fc.record({ pattern: word, action: fc.constant('block') })),
    },
    { requiredKeys: ['name'] },
  ),
  presets: fc.record(
    {
      slug: word,
      name: word,
      system: word,
      settings: fc.record({ temperature: amount, model: word }, { requiredKeys: [] }),
    },
    { requiredKeys: ['slug'] },
  ),
  task_rules: fc.record({ rules: fc.array(fc.record({ name: word, when: word }), { minLength: 1 }) }),
};
/** As JSON is read: records of fast-check have no prototype. */
const plain = (said: Json): Json => Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(said)) as object));
const thingsOf = (section: Section): fc.Arbitrary<Thing[]> =>
  fc.uniqueArray(
    SAID[section].map((said) => thing(section, plain(said))),
    { selector: ({ name }) => name, maxLength: 4 },
  );
const stationOf = fc.tuple(...SECTIONS.map(thingsOf)).map((lists) => lists.flat());
const foundOf = stationOf.map((things) => things.map((each, index): FoundThing => ({ ...each, id: `f-${index}` })));
const desiredOf = fc
  .record({ sections: fc.subarray([...SECTIONS]).map((list) => new Set<Section>(list)), things: stationOf })
  .map(({ sections, things }): Desired => ({
    sections,
    things: things.filter(({ section }) => sections.has(section)),
  }));

/** A station to which a plan was done. */
const after = (found: readonly FoundThing[], { actions }: Plan): FoundThing[] => {
  const gone = new Set(actions.flatMap((action) => (action.does === 'create' ? [] : [action.found.id])));
  const put = actions.flatMap((action, index) =>
    action.does === 'delete'
      ? []
      : [{ ...action.thing, id: action.does === 'update' ? action.found.id : `new-${index}` }],
  );
  return [...found.filter(({ id }) => !gone.has(id)), ...put];
};
const seen = (things: readonly Thing[]): string[] =>
  things
    .map(({ section, name, settings }) =>
      JSON.stringify([section, name, Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1))]),
    )
    .sort();

describe('of every file and station', () => {
  test('what a plan did leaves nothing to plan', () => {
    fc.assert(
      fc.property(desiredOf, foundOf, fc.boolean(), (desired, found, prune) => {
        const plan = planChanges(desired, found, { prune });
        fc.pre(plan.faults.length === 0);
        const again = planChanges(desired, after(found, plan), { prune });
        expect(again.actions).toEqual([]);
        expect(again.strays).toEqual(plan.strays);
      }),
    );
  });

  test('with --prune the sections of the file are what it says and nothing else, and others are as they were', () => {
    fc.assert(
      fc.property(desiredOf, foundOf, (desired, found) => {
        const plan = planChanges(desired, found, { prune: true });
        const then = after(found, plan);
        expect(seen(then.filter(({ section }) => desired.sections.has(section)))).toEqual(seen(desired.things));
        expect(seen(then.filter(({ section }) => !desired.sections.has(section)))).toEqual(
          seen(found.filter(({ section }) => !desired.sections.has(section))),
        );
      }),
    );
  });

  test('without it nothing is ever deleted', () => {
    fc.assert(
      fc.property(desiredOf, foundOf, (desired, found) => {
        expect(planChanges(desired, found, { prune: false }).actions.filter(({ does }) => does === 'delete')).toEqual(
          [],
        );
      }),
    );
  });

  test('what is exported plans to nothing', () => {
    fc.assert(
      fc.property(foundOf, (found) => {
        const text = renderStation('default', found, SECTIONS);
        const environment = Object.fromEntries(
          [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => [name, 'secret']),
        );
        const file = readStationFile('station.yaml', text, environment, () => []);
        if ('faults' in file) throw new Error(file.faults.join('\n'));
        expect(text).not.toContain('secret');
        expect(told(planChanges(file.desired, found, { prune: true }))).toEqual([]);
      }),
    );
  });
});
