// Merging of workspace, guardrail, key and request preferences; what they admit. Pure.
export {
  NO_RULES,
  PRICE_KINDS,
  mergeRules,
  narrow,
  rulesOfPolicy,
  rulesOfPreferences,
  type PolicyRules,
  type PriceCeiling,
  type PriceKind,
} from './policy.js';
export { mayKeepAnswers } from './may-keep-answers.js';
export { namesAny, priceAboveCeiling, refusedBy, zdrGroupOf, type PolicyCandidate } from './refuse.js';
