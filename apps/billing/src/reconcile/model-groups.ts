// Which models of ours and which names of a provider are one thing on its bill: everything that any pair connects. A group goes by the first of our models in it, so
// that it keeps its members when it grows.
export interface ModelPair {
  readonly upstreamModel: string;
  readonly model: string;
}

export interface ModelGroups {
  ofModel(model: string): string | undefined;
  /** By the very name, or by the longest name that has only a date behind it. */
  ofUpstream(name: string): string | undefined;
}

/** Dates that providers put behind a model's name. */
const DATED = /^-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest)$/;

export const groupModels = (pairs: readonly ModelPair[]): ModelGroups => {
  const parents = new Map<string, string>();
  const rootOf = (node: string): string => {
    const parent = parents.get(node);
    if (parent === undefined || parent === node) return node;
    const root = rootOf(parent);
    parents.set(node, root);
    return root;
  };
  for (const { upstreamModel, model } of pairs) {
    const [one, other] = [`m ${model}`, `u ${upstreamModel}`];
    for (const node of [one, other]) if (!parents.has(node)) parents.set(node, node);
    parents.set(rootOf(one), rootOf(other));
  }
  const names = new Map<string, string>();
  for (const model of [...new Set(pairs.map((pair) => pair.model))].sort().reverse())
    names.set(rootOf(`m ${model}`), model);
  const upstream = [...new Set(pairs.map(({ upstreamModel }) => upstreamModel))].sort((a, b) => b.length - a.length);
  const groupOf = (node: string): string | undefined => (parents.has(node) ? names.get(rootOf(node)) : undefined);
  return {
    ofModel: (model) => groupOf(`m ${model}`),
    ofUpstream: (name) => {
      const known = upstream.find(
        (each) => name === each || (name.startsWith(each) && DATED.test(name.slice(each.length))),
      );
      return known === undefined ? undefined : groupOf(`u ${known}`);
    },
  };
};
