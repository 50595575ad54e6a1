// What has to be done so that a station is as a file says. Pure: the same file and the same station give the same plan, and a plan that was done leaves nothing to plan.
import { isDeepStrictEqual } from 'node:util';
import { GIVEN_ONCE, SECTIONS, type Desired, type FoundThing, type Json, type Section, type Thing } from './station.ts';

export interface Difference {
  readonly setting: string;
  readonly is: unknown;
  readonly becomes: unknown;
}

export type Action =
  | { readonly does: 'create'; readonly thing: Thing }
  | {
      readonly does: 'update';
      readonly thing: Thing;
      readonly found: FoundThing;
      readonly differences: readonly Difference[];
    }
  | { readonly does: 'delete'; readonly found: FoundThing };

export interface Plan {
  /** In the order in which they are to be done. */
  readonly actions: readonly Action[];
  /** There, in a section that the file has, and not of the file's making. Empty where they are to be deleted. */
  readonly strays: readonly FoundThing[];
  /** What cannot be done, and why. */
  readonly faults: readonly { readonly thing: Thing; readonly problem: string }[];
}

const keyOf = ({ section, name }: Thing): string => JSON.stringify([section, name]);

export const differencesOf = (is: Json, becomes: Json): Difference[] =>
  [...new Set([...Object.keys(is), ...Object.keys(becomes)])]
    .filter((setting) => !isDeepStrictEqual(is[setting], becomes[setting]))
    .map((setting) => ({ setting, is: is[setting], becomes: becomes[setting] }));

export const planChanges = (
  desired: Desired,
  found: readonly FoundThing[],
  { prune }: { readonly prune: boolean },
): Plan => {
  const there = Map.groupBy(
    found.filter(({ section }) => desired.sections.has(section)),
    keyOf,
  );
  const wanted = new Set(desired.things.map(keyOf));
  const changes: Action[] = [];
  const faults: Plan['faults'][number][] = [];
  const keyNames = [
    ...found.filter(({ section }) => section === 'keys'),
    ...desired.things.filter((thing) => thing.section === 'keys' && !there.has(keyOf(thing))),
  ].map(({ name }) => name);
  for (const thing of inOrder(desired.things)) {
    const unclear = guardedKeys(thing).find((name) => keyNames.filter((each) => each === name).length !== 1);
    if (unclear !== undefined) {
      const problem = keyNames.includes(unclear) ? 'there are several' : 'there is none, and the file makes none';
      faults.push({ thing, problem: `is for the key ${JSON.stringify(unclear)}: ${problem}` });
      continue;
    }
    const [known, second] = there.get(keyOf(thing)) ?? [];
    if (second !== undefined) {
      faults.push({
        thing,
        problem: `there are several of the name ${JSON.stringify(thing.name)}: give all but one another name`,
      });
    } else if (known === undefined) {
      changes.push({ does: 'create', thing });
    } else {
      const differences = differencesOf(known.settings, thing.settings);
      const fixed = differences.find(({ setting }) => GIVEN_ONCE[thing.section]?.includes(setting));
      if (fixed !== undefined)
        faults.push({
          thing,
          problem: `${fixed.setting} cannot be changed: delete it, or give the new one another name`,
        });
      else if (differences.length > 0) changes.push({ does: 'update', thing, found: known, differences });
    }
  }
  const others = inOrder(
    [...there.values()].flat().filter((thing) => !wanted.has(keyOf(thing)) && thing.kept !== true),
  );
  // What others may lean on goes last, as it comes first.
  const deletes = prune ? others.toReversed().map((stray): Action => ({ does: 'delete', found: stray })) : [];
  return { actions: [...changes, ...deletes], strays: prune ? [] : others, faults };
};

const guardedKeys = ({ section, settings }: Thing): string[] =>
  section === 'guardrails' && Array.isArray(settings['keys']) ? settings['keys'].map(String) : [];

/** Providers before what names them, keys before guardrails. */
const inOrder = <Each extends { readonly section: Section }>(things: readonly Each[]): Each[] =>
  SECTIONS.flatMap((section) => things.filter((thing) => thing.section === section));
