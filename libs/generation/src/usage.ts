// What a generation used, by class. The classes are disjoint: a token is counted in exactly one of them, so that
// usage × price is a plain sum. Absent is not zero: a class that the provider did not report has no entry.

/** Token classes that the catalog prices. Providers may report others; they are kept and priced only where the price vector names them. */
export const USAGE_CLASSES = [
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'output',
  'reasoning',
  'audioInput',
  'audioOutput',
  'imageInput',
  'imageOutput',
] as const;

export type UsageClass = (typeof USAGE_CLASSES)[number];

/**
 * Classes that count something else than tokens: images of the prompt, images made, search units of a reranker, characters to be spoken, seconds of audio. They are
 * no part of a prompt's or completion's tokens.
 */
export const PIECE_CLASSES = ['inputImages', 'outputImages', 'searchUnits', 'characters', 'seconds'] as const;

/** Counts by class: whole, non-negative numbers of tokens (or of units, for classes that are not tokens). An open map. */
export type Usage = Readonly<Record<string, number>>;

/** Where the counts came from. `estimated` and `clamped` are shown on the generation. */
export type UsageSource = 'provider' | 'estimated' | 'clamped';

const INPUT_CLASSES: readonly string[] = [
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'audioInput',
  'imageInput',
];
const OUTPUT_CLASSES: readonly string[] = ['output', 'reasoning', 'audioOutput', 'imageOutput'];

const sum = (usage: Usage, classes: readonly string[]): number =>
  classes.reduce((total, name) => total + (usage[name] ?? 0), 0);

/** All tokens of the prompt, cached or not. */
export const inputTokens = (usage: Usage): number => sum(usage, INPUT_CLASSES);

/** All tokens of the completion, reasoning included. */
export const outputTokens = (usage: Usage): number => sum(usage, OUTPUT_CLASSES);
