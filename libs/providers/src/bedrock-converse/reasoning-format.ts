// Whose reasoning it is: signatures go back to the maker of the model alone.
import type { ReasoningPart } from '@waystation/generation';
import type { Quirks } from '../spec.js';

export const CLAUDE_FORMAT = 'anthropic-claude-v1';

/** Formats that say nothing: an answer of a family without a name of its own, as clients send it back. */
const UNNAMED: ReadonlySet<string | undefined> = new Set([undefined, 'unknown']);

/** Whether a model of this family may have thought it. */
export const isOwnReasoning = ({ format }: ReasoningPart, quirks: Quirks): boolean =>
  UNNAMED.has(format) || (quirks['family'] === 'claude' && format === CLAUDE_FORMAT);
