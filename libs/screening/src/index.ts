// Content filters: what stands in a text that should not be there.
export { BUILTINS, type BuiltinSlug } from './builtins.js';
export { compilePattern, isPatternProblem, type PatternProblem } from './compile-pattern.js';
export { contentFiltersOf, type ContentFilter, type ContentFilters, type FilterAction } from './content-filters.js';
export type { Detector, Match, Range } from './match.js';
export { mergeRedactions, withoutRanges, type Redaction } from './redact.js';
export { scan, scanNow, type Scanned } from './scan.js';
