// A file of a station's settings → what is wanted, every fault with its line. Secrets stand in it only as names of environment variables. What a value may be is said by
// the very readers of the station's API (`read`), so that a file is refused in the words in which a request would be.
import { LineCounter, parseDocument } from 'yaml';
import { memberOf, nameOf } from '../../apps/control/src/config-file/name-problems.ts';
import { placeNodes, type Path } from '../../apps/control/src/config-file/place-nodes.ts';
import {
  SECTIONS,
  isSingle,
  nameOfThing,
  wholeSettings,
  type Desired,
  type Json,
  type Section,
  type Thing,
} from './station.ts';

export interface Refusal {
  /** Below the thing; empty for the whole of it. */
  readonly at: Path;
  readonly problem: string;
}
/** What the station's own reader says of a thing; nothing where it takes it. */
export type ReadThing = (section: Section, said: Json) => readonly Refusal[];

export interface StationFile {
  readonly workspace: string | undefined;
  readonly desired: Desired;
  /** As it was said, with secrets in the clear: only for requests. */
  readonly saidOf: ReadonlyMap<Thing, Json>;
  placeOf(thing: Thing, field?: Path): string;
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const ONE_VARIABLE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;
/** They are control's own: the file only names them, and so does what is shown. */
const OF_CONTROL = /^WAYSTATION_PROVIDER_\w+_KEY$/;
const SECRETS = new Set(['apiKey', 'accessKeyId', 'secretAccessKey', 'sessionToken']);
/** A secret that the station has and does not tell. */
export const SEALED = '(sealed)';
const MEMBERS: readonly string[] = ['workspace', ...SECTIONS];

type Environment = Readonly<Record<string, string | undefined>>;

const itself = (name: string): string => `\${${name}}`;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const secretsIn = (value: unknown, at: Path): { readonly at: Path; readonly text: unknown }[] => {
  if (Array.isArray(value)) return value.flatMap((item, index) => secretsIn(item, [...at, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    SECRETS.has(name) ? [{ at: [...at, name], text: member }] : secretsIn(member, [...at, name]),
  );
};

/** What a provider's secret is, seen from outside: that it is there, or which variable of control it is. */
const seenSecret = (said: Json): unknown => {
  const { apiKey, auth } = said;
  if (isObject(auth) && auth['kind'] === 'aws') return SEALED;
  if (typeof apiKey !== 'string') return null;
  return OF_CONTROL.test(ONE_VARIABLE.exec(apiKey)?.[1] ?? '') ? apiKey : SEALED;
};

/** A provider as the station tells of it. */
const shownProvider = (said: Json): Json => {
  const { auth } = said;
  const shown = isObject(auth) && auth['kind'] === 'aws' ? { auth: { kind: 'aws', region: auth['region'] } } : {};
  return { ...said, ...shown, apiKey: seenSecret(said) };
};

export const readStationFile = (
  path: string,
  text: string,
  environment: Environment,
  read: ReadThing,
): StationFile | { readonly faults: readonly string[] } => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0)
    return {
      faults: document.errors.map(({ pos, message }) => {
        const { line, col } = lines.linePos(pos[0]);
        return `${path}:${line}:${col}: ${message}`;
      }),
    };
  const names = [...text.matchAll(VARIABLE)].map(([, name = '']) => name);
  const named = placeNodes(document, lines, Object.fromEntries(names.map((name) => [name, itself(name)])));
  const controls = Object.fromEntries(
    names.filter((name) => OF_CONTROL.test(name)).map((name) => [name, itself(name)]),
  );
  const placed = placeNodes(document, lines, { ...environment, ...controls });
  const faults: string[] = [];
  const fault = (at: Path, problem: string, key?: string): void =>
    void faults.push(`${path}:${placed.placeOf(at, key)}: ${nameOf(at, key)}${problem}`);

  for (const each of placed.faults) fault(each.path, each.problem);
  for (const { at, text: secret } of secretsIn(named.value, []))
    if (typeof secret !== 'string' || !ONE_VARIABLE.test(secret))
      fault(at, 'must be the name of an environment variable, as ${NAME}: a file that is kept holds no secrets');
  const root = placed.value ?? {};
  if (!isObject(root)) {
    fault([], 'must be a map of sections');
    return { faults };
  }
  for (const name of Object.keys(root))
    if (!MEMBERS.includes(name)) fault([], `is not known here; known are ${MEMBERS.join(', ')}`, name);
  const workspace = root['workspace'];
  if (workspace !== undefined && typeof workspace !== 'string') fault(['workspace'], 'must be the id of a workspace');

  const things = new Map<Thing, { readonly at: Path; readonly said: Json }>();
  const seen = new Map<string, Path>();
  const sections = new Set(SECTIONS.filter((section) => Object.hasOwn(root, section)));
  for (const section of sections) {
    for (const { at, said } of entriesOf(section, memberOf(root, section), fault)) {
      const name = nameOfThing(section, said);
      if (name === undefined) {
        fault(at, `has no ${section === 'presets' || section === 'private_providers' ? 'slug' : 'name'}`);
        continue;
      }
      const refusals = read(section, said);
      for (const refusal of refusals) fault([...at, ...refusal.at], refusal.problem);
      const before = seen.get(JSON.stringify([section, name]));
      if (before !== undefined) fault(at, `${JSON.stringify(name)} is there twice, first at ${placed.placeOf(before)}`);
      seen.set(JSON.stringify([section, name]), at);
      if (refusals.length === 0)
        things.set(
          {
            section,
            name,
            settings: wholeSettings(section, section === 'private_providers' ? shownProvider(said) : said),
          },
          { at, said },
        );
    }
  }
  if (faults.length > 0) return { faults };
  return {
    workspace: typeof workspace === 'string' ? workspace : undefined,
    desired: { sections, things: [...things.keys()] },
    saidOf: new Map([...things].map(([thing, { said }]) => [thing, said])),
    placeOf: (thing, field = []) => `${path}:${placed.placeOf([...(things.get(thing)?.at ?? []), ...field])}`,
  };
};

const entriesOf = (
  section: Section,
  value: unknown,
  fault: (at: Path, problem: string) => void,
): { readonly at: Path; readonly said: Json }[] => {
  if (section === 'task_rules') return value === undefined ? [] : [{ at: [section], said: { rules: value } }];
  if (isSingle(section)) {
    if (isObject(value)) return [{ at: [section], said: value }];
    fault([section], 'must be a map');
    return [];
  }
  if (value !== undefined && !Array.isArray(value)) fault([section], 'must be a list');
  return (Array.isArray(value) ? value : []).flatMap((said: unknown, index) => {
    if (isObject(said)) return [{ at: [section, index], said }];
    fault([section, index], 'must be a map');
    return [];
  });
};
