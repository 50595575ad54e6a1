// Names of models that are no models: they say how one is to be chosen. Pure.

/** What a name asks for. `refused`: the reference has it, and nothing here can answer it. */
export type RouterKind = 'auto' | 'free' | 'refused';

const ROUTERS: ReadonlyMap<string, RouterKind> = new Map<string, RouterKind>([
  ['waystation/auto', 'auto'],
  ['openrouter/auto', 'auto'],
  ['waystation/free', 'free'],
  ['openrouter/free', 'free'],
  ...['openrouter/auto-beta', 'openrouter/pareto-code', 'openrouter/fusion', 'openrouter/fusion-flash'].map(
    (name) => [name, 'refused'] as [string, RouterKind],
  ),
  ['openrouter/bodybuilder', 'refused'],
]);

/** Why, where it says more than that it is not there. */
export const REFUSED_BECAUSE: Readonly<Record<string, string>> = {
  'openrouter/pareto-code':
    'openrouter/pareto-code needs a figure of quality for each model, and this catalog has none; ask for waystation/auto, whose rules choose by task and price',
};

export const routerOf = (model: string): RouterKind | undefined => ROUTERS.get(model);
