// Cheapest above a quality: models by the operator's figure and by what this request is likely to cost there. https://openrouter.ai/docs/guides/routing/routers/pareto-code-router. Pure.
// Invariants: no model is chosen without a figure, none below the figure that is asked for; the cheaper stands first; the order in which candidates come does not matter.
import { MODELS_CHOSEN_MAX, type Candidate } from '../rules/choose-models.js';

/** `price` is what the request is likely to cost. */
export interface RatedCandidate extends Candidate {
  /** The operator's figure, from 0 to 1; undefined where there is none. */
  readonly quality: number | undefined;
}

interface Rated extends RatedCandidate {
  readonly quality: number;
}

/** Asked for where the client says nothing: the reference's `high`. */
export const QUALITY_DEFAULT = 0.66;

const isRated = (candidate: RatedCandidate): candidate is Rated => candidate.quality !== undefined;

const byPrice = (one: Rated, other: Rated): number => {
  if (one.price !== other.price) return one.price < other.price ? -1 : 1;
  return other.quality - one.quality || (one.model < other.model ? -1 : 1);
};
const byQuality = (one: Rated, other: Rated): number => other.quality - one.quality || byPrice(one, other);

/** The cheapest whose figure is at least this, cheapest first. */
export const chooseAbove = (candidates: readonly RatedCandidate[], atLeast: number): string[] =>
  candidates
    .filter(isRated)
    .filter(({ quality }) => quality >= atLeast)
    .sort(byPrice)
    .slice(0, MODELS_CHOSEN_MAX)
    .map(({ model }) => model);

/** Nobody else is as good and costs no more. */
const isOnFrontier = (one: Rated, rated: readonly Rated[]): boolean =>
  !rated.some(
    (other) =>
      other.price <= one.price &&
      other.quality >= one.quality &&
      (other.price < one.price || other.quality > one.quality),
  );

/** The best of what a cap on the price has left: the frontier from the best down, then the rest of them. */
export const chooseBest = (candidates: readonly RatedCandidate[]): string[] => {
  const rated = candidates.filter(isRated);
  const frontier = rated.filter((each) => isOnFrontier(each, rated)).sort(byQuality);
  const others = rated.filter((each) => !frontier.includes(each)).sort(byQuality);
  return [...frontier, ...others].slice(0, MODELS_CHOSEN_MAX).map(({ model }) => model);
};
