// A YAML document as plain values, with the place of each in the text, `${VAR}` filled in from the environment, and prices as the text that was written:
// a number that had been parsed would not be exact any more.
import { isAlias, isMap, isScalar, isSeq, type Alias, type Document, type LineCounter, type Node } from 'yaml';

export type Path = readonly (string | number)[];

export interface PlacedDocument {
  readonly value: unknown;
  /** `12:9` of the value at this path, of its key if `ofKey`, or of the nearest parent that is there. */
  placeOf(path: Path, ofKey?: string): string;
  readonly faults: readonly { readonly path: Path; readonly problem: string }[];
}

/** Anchors can make a small file mean a lot. */
const NODES_MAX = 100_000;
const DEPTH_MAX = 32;

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

const idOf = (path: Path): string => JSON.stringify(path);

/** Values below a member of this name are amounts of money. */
const PRICE = 'price';

export const placeNodes = (
  document: Document,
  lines: LineCounter,
  environment: Readonly<Record<string, string | undefined>>,
): PlacedDocument => {
  const places = new Map<string, number>();
  const keyPlaces = new Map<string, number>();
  const faults: { path: Path; problem: string }[] = [];
  let nodes = 0;

  const fill = (text: string, path: Path): string =>
    text.replace(VARIABLE, (whole, name: string) => {
      const value = environment[name];
      if (value !== undefined && value !== '') return value;
      faults.push({ path, problem: `the environment variable ${name} is not set` });
      return whole;
    });

  /** Resolving walks the whole document; an alias below an alias is met many times. */
  const resolved = new Map<Alias, unknown>();
  const resolve = (alias: Alias): unknown => {
    if (!resolved.has(alias)) resolved.set(alias, alias.resolve(document));
    return resolved.get(alias);
  };

  const valueOf = (node: unknown, path: Path): unknown => {
    nodes += 1;
    if (nodes > NODES_MAX || path.length > DEPTH_MAX) {
      if (!faults.some(({ problem }) => problem.startsWith('is too large')))
        faults.push({ path, problem: `is too large: more than ${NODES_MAX} values or ${DEPTH_MAX} levels` });
      return undefined;
    }
    if (isAlias(node)) return valueOf(resolve(node), path);
    const range = (node as Node | null)?.range;
    if (range && !places.has(idOf(path))) places.set(idOf(path), range[0]);
    if (isMap(node)) {
      const members: [string, unknown][] = [];
      for (const pair of node.items) {
        const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
        const keyRange = (pair.key as Node | null)?.range;
        if (keyRange) keyPlaces.set(idOf([...path, name]), keyRange[0]);
        members.push([name, valueOf(pair.value, [...path, name])]);
      }
      // Defined one by one: a member called __proto__ is a member.
      const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      for (const [name, member] of members) value[name] = member;
      return { ...value };
    }
    if (isSeq(node)) return node.items.map((item, index) => valueOf(item, [...path, index]));
    if (!isScalar(node)) return undefined;
    if (typeof node.value === 'string') return fill(node.value, path);
    if (typeof node.value === 'number' && path.includes(PRICE)) return node.source ?? String(node.value);
    return node.value === null ? undefined : node.value;
  };

  const value = valueOf(document.contents, []);
  return {
    value,
    faults,
    placeOf(path, ofKey) {
      const key = ofKey === undefined ? undefined : keyPlaces.get(idOf([...path, ofKey]));
      let offset = key;
      for (let depth = path.length; offset === undefined && depth >= 0; depth -= 1)
        offset = places.get(idOf(path.slice(0, depth)));
      const { line, col } = lines.linePos(offset ?? 0);
      return `${line}:${col}`;
    },
  };
};
