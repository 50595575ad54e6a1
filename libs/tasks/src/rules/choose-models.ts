// From a rule to models: those that can serve the request, narrowed by the rule and by the client, in a band of price. Pure.
// Invariants: no model is chosen that its candidate list does not hold; the same candidates give the same models, in the same order.
import { COST_TIERS, type CostTier } from '@waystation/contracts';

export interface Candidate {
  readonly model: string;
  /** Picodollars of three prompt tokens and one completion token, at its cheapest endpoint. */
  readonly price: bigint;
}

export interface Wanted {
  /** Patterns in order. */
  readonly models?: readonly string[] | undefined;
  readonly tier?: CostTier | undefined;
  /** What the client takes, and what it does not; of both the second wins. */
  readonly allowed?: readonly string[] | undefined;
  readonly excluded?: readonly string[] | undefined;
}

/** One to be asked first, and what stands in for it. */
export const MODELS_CHOSEN_MAX = 3;

/** Whether a model is meant by a pattern, in which `*` is any text. Linear in both. */
export const isMeantBy = (model: string, pattern: string): boolean => {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return model === pattern;
  if (!model.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = model.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return model.length - last.length >= at && model.endsWith(last);
};

const byPrice = (one: Candidate, other: Candidate): number =>
  one.price < other.price ? -1 : one.price > other.price ? 1 : one.model < other.model ? -1 : 1;

/** Of candidates from the cheapest up: each tier is a fifth of them, and what is left over belongs to the dearer ones. */
const bandOf = (sorted: readonly Candidate[], tier: CostTier): readonly Candidate[] => {
  const place = COST_TIERS.indexOf(tier);
  const from = Math.floor((sorted.length * place) / COST_TIERS.length);
  const to = Math.floor((sorted.length * (place + 1)) / COST_TIERS.length);
  // With fewer candidates than tiers a band can be empty: then it is the nearest above it.
  return sorted.slice(Math.min(from, sorted.length - 1), Math.max(to, Math.min(from, sorted.length - 1) + 1));
};

/** The models to ask, best first; empty where none is left. Models that a rule names stand in its order; others from the cheapest of the band up. */
export const chooseModels = (
  candidates: readonly Candidate[],
  { models, tier, allowed, excluded }: Wanted,
): string[] => {
  const free = candidates.filter(
    ({ model }) =>
      (allowed === undefined || allowed.some((pattern) => isMeantBy(model, pattern))) &&
      !(excluded ?? []).some((pattern) => isMeantBy(model, pattern)),
  );
  const sorted = [...free].sort(byPrice);
  const named =
    models === undefined
      ? sorted
      : models.flatMap((pattern) => sorted.filter(({ model }) => isMeantBy(model, pattern)));
  const unique = [...new Set(named)];
  if (unique.length === 0) return [];
  const band = tier === undefined ? undefined : new Set(bandOf([...unique].sort(byPrice), tier));
  const chosen = band === undefined ? unique : unique.filter((candidate) => band.has(candidate));
  return chosen.slice(0, MODELS_CHOSEN_MAX).map(({ model }) => model);
};
