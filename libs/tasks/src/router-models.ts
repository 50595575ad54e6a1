// Names of models that are no models: they say how one is to be chosen. Pure.
import type { QualityMeasure } from '@waystation/contracts';

/** What a name asks for. `refused`: the reference has it, and nothing here can answer it. */
export type RouterKind = 'auto' | 'free' | 'pareto' | 'refused';

const ROUTERS: ReadonlyMap<string, RouterKind> = new Map<string, RouterKind>([
  ['waystation/auto', 'auto'],
  ['openrouter/auto', 'auto'],
  ['waystation/free', 'free'],
  ['openrouter/free', 'free'],
  ['openrouter/pareto-code', 'pareto'],
  ['waystation/pareto-code', 'pareto'],
  ['waystation/pareto', 'pareto'],
  ['openrouter/auto-beta', 'refused'],
  ['openrouter/fusion', 'refused'],
  ['openrouter/fusion-flash', 'refused'],
  ['openrouter/bodybuilder', 'refused'],
]);

export const routerOf = (model: string): RouterKind | undefined => ROUTERS.get(model);

/** The figure that a choice by quality goes by. */
export const measureOf = (router: string): QualityMeasure => (router === 'waystation/pareto' ? 'general' : 'coding');
