// Whether what a model answered may be kept for a while, because its caller asked for that.
import type { PolicyRules } from './policy.js';

/** Nothing is kept where a provider may keep nothing: zero retention, or no collection, holds for us as for those we call. */
/** Of zero retention for a group of models, too: which model answers is not known yet. */
export const mayKeepAnswers = ({ zdr, zdrGroups, denyDataCollection }: PolicyRules): boolean =>
  !zdr && zdrGroups.size === 0 && !denyDataCollection;
