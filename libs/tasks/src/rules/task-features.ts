// What task rules may speak of, with the types that their conditions are checked against.

export interface TaskFeatures {
  /** By the header `X-Waystation-Task`, or as the classifier takes it. */
  readonly task: string;
  readonly difficulty: string;
  /** ISO 639-1, or `other`. */
  readonly language: string;
  /** Text of the last question looks like personal data or a secret. */
  readonly sensitive: boolean;
  /** Estimate, of the prompt. */
  readonly tokens: number;
  /** Output tokens asked for; 0 where the request does not say. */
  readonly max_output: number;
  readonly messages: number;
  /** How many the request offers. */
  readonly tools: number;
  readonly images: boolean;
  readonly files: boolean;
  readonly audio: boolean;
  /** The answer shall be JSON. */
  readonly json: boolean;
  readonly stream: boolean;
  readonly api: string;
  /** UTC; Monday is 1. */
  readonly hour: number;
  readonly weekday: number;
  /** Of the tightest budget in money that holds for the key, from 0 to 1; 1 where there is none. */
  readonly budget_left: number;
}

export const FEATURE_TYPES = {
  task: 'string',
  difficulty: 'string',
  language: 'string',
  sensitive: 'bool',
  tokens: 'int',
  max_output: 'int',
  messages: 'int',
  tools: 'int',
  images: 'bool',
  files: 'bool',
  audio: 'bool',
  json: 'bool',
  stream: 'bool',
  api: 'string',
  hour: 'int',
  weekday: 'int',
  budget_left: 'double',
} as const satisfies Record<keyof TaskFeatures, 'string' | 'bool' | 'int' | 'double'>;

export type FeatureName = keyof TaskFeatures;
export const FEATURE_NAMES = Object.keys(FEATURE_TYPES) as FeatureName[];

/** Worked out of the prompt's text. */
export const TEXT_FEATURES: ReadonlySet<FeatureName> = new Set<FeatureName>([
  'task',
  'difficulty',
  'language',
  'sensitive',
]);
