// How much a model is to think: by a budget of tokens (Gemini 2.5) or by a level (Gemini 3). https://ai.google.dev/gemini-api/docs/thinking
import type { GenerationCall, ReasoningEffort } from '@waystation/generation';
import { reasoningEffort, reasoningTokens } from '../fit-call.js';
import type { Losses } from '../losses.js';
import type { Quirks } from '../spec.js';

type Json = Record<string, unknown>;

/** Output tokens that a share of is meant where neither client nor catalog set a limit. */
const OUTPUT_TOKENS_ASSUMED = 65_536;
/** What every model of the 2.5 series takes; a quirk tells where one differs. */
const BUDGET = { min: 0, max: 24_576 } as const;
/** The model chooses. */
const BUDGET_DYNAMIC = -1;

const LEVELS = ['minimal', 'low', 'medium', 'high'] as const;
type Level = (typeof LEVELS)[number];

const LEVEL_OF: Readonly<Record<ReasoningEffort, Level>> = {
  none: 'minimal',
  minimal: 'minimal',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
};

const numberQuirk = (quirks: Quirks, name: string, usual: number): number =>
  typeof quirks[name] === 'number' ? quirks[name] : usual;

/** The nearest level that the model knows, the higher one where there is none below. */
const levelFor = (wanted: Level, quirks: Quirks): Level => {
  const known = typeof quirks['thinkingLevels'] === 'string' ? quirks['thinkingLevels'].split(',') : LEVELS;
  const at = LEVELS.indexOf(wanted);
  return (
    LEVELS.slice(at).find((level) => known.includes(level)) ??
    LEVELS.findLast((level) => known.includes(level)) ??
    wanted
  );
};

const byLevel = (call: GenerationCall, outputTokens: number, quirks: Quirks, losses: Losses): Json => {
  const { reasoning } = call;
  if (reasoning?.enabled === true && reasoning.effort === undefined && reasoning.maxTokens === undefined) return {};
  const effort = reasoningEffort(reasoning, outputTokens);
  if (effort === undefined) return {};
  if (effort === 'none')
    losses.lose('reasoning', 'The model always thinks; it was asked to think as little as it can.');
  return { thinkingLevel: levelFor(LEVEL_OF[effort], quirks) };
};

const byBudget = (call: GenerationCall, outputTokens: number, quirks: Quirks, losses: Losses): Json => {
  const { reasoning } = call;
  if (reasoning?.enabled === true && reasoning.effort === undefined && reasoning.maxTokens === undefined)
    return { thinkingBudget: BUDGET_DYNAMIC };
  const asked = reasoningTokens(reasoning, outputTokens);
  if (asked === undefined) return {};
  const min = numberQuirk(quirks, 'thinkingBudgetMin', BUDGET.min);
  const max = numberQuirk(quirks, 'thinkingBudgetMax', BUDGET.max);
  if (asked === 0 && min > 0 && quirks['thinkingOff'] !== true)
    losses.lose('reasoning', 'The model always thinks; it was asked to think as little as it can.');
  if (asked === 0 && (min === 0 || quirks['thinkingOff'] === true)) return { thinkingBudget: 0 };
  // Effort is a share: only what the client gave as a number is told to be another.
  if (reasoning?.maxTokens !== undefined && asked > max) losses.clamp('reasoning.max_tokens', max);
  return { thinkingBudget: Math.min(Math.max(asked, min), max) };
};

export const thinkingOf = (
  call: GenerationCall,
  outputTokensMax: number | undefined,
  quirks: Quirks,
  losses: Losses,
): Json => {
  const { reasoning } = call;
  if (reasoning === undefined) return {};
  const isForbidden = reasoning.enabled === false || reasoning.effort === 'none';
  if (quirks['thinking'] === 'none') {
    if (!isForbidden) losses.leaveOut('reasoning');
    return {};
  }
  if (reasoning.summary !== undefined) losses.leaveOut('reasoning.summary');
  const outputTokens = call.maxOutputTokens ?? outputTokensMax ?? OUTPUT_TOKENS_ASSUMED;
  const amount =
    quirks['thinking'] === 'level'
      ? byLevel(call, outputTokens, quirks, losses)
      : byBudget(call, outputTokens, quirks, losses);
  const shows = !isForbidden && reasoning.exclude !== true;
  const config = { ...amount, ...(shows ? { includeThoughts: true } : {}) };
  return Object.keys(config).length === 0 ? {} : { thinkingConfig: config };
};
