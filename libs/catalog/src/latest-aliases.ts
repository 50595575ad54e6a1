// `~author/family-latest`: the newest model of a family. A family is the id without what only says which version or day a model is of.
// Invariant: an alias names a model that is there, and the same one whatever order the models come in.

export interface DatedModel {
  readonly id: string;
  /** Unix seconds of publication; 0 where nobody knows. */
  readonly created: number;
}

/** `4.5`, `v3.1`, `4o`, `20250929`, `001`; not sizes (`70b`), and not names with a number in them (`o3`, `k2`). */
const VERSION = /^v?\d+(\.\d+)*o?$/;

const numbersOf = (slug: string): number[] => (slug.match(/\d+/g) ?? []).map(Number);

/** `anthropic/claude-opus-4.5:free` → `~anthropic/claude-opus-latest:free`; undefined where nothing but the version would be left. */
const aliasOf = (id: string): string | undefined => {
  const [, author, slug, variant = ''] = /^([^/~:]+)\/([^/:]+)(:.+)?$/.exec(id) ?? [];
  if (author === undefined || slug === undefined) return undefined;
  const family = slug.split('-').filter((word) => !VERSION.test(word) && word !== 'latest');
  return family.length === 0 ? undefined : `~${author}/${family.join('-')}-latest${variant}`;
};

/** Positive where the first is the newer: by its day, then by its version, then by its id. */
const compareAge = (one: DatedModel, other: DatedModel): number => {
  if (one.created !== other.created) return one.created - other.created;
  const [ones, others] = [numbersOf(one.id), numbersOf(other.id)];
  for (let place = 0; place < Math.max(ones.length, others.length); place += 1) {
    const difference = (ones[place] ?? 0) - (others[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.id < other.id ? -1 : 1;
};

/** Ids of models by alias. */
export const latestAliases = (models: Iterable<DatedModel>): ReadonlyMap<string, string> => {
  const newest = new Map<string, DatedModel>();
  for (const model of models) {
    const alias = aliasOf(model.id);
    if (alias === undefined) continue;
    const known = newest.get(alias);
    if (known === undefined || compareAge(model, known) > 0) newest.set(alias, model);
  }
  return new Map([...newest].map(([alias, { id }]) => [alias, id]));
};
