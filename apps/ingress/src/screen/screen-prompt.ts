// Content filters on what goes in, before anything is planned, held or sent. Invariant: what is planned and sent is what the filters left.
import { WaystationError } from '@waystation/contracts';
import { PROMPT_ROOTS, replaceTexts, textsWithin } from '@waystation/dialects';
import type { ContentFilter } from '@waystation/screening';
import type { Generation } from '../generate/generation.js';
import { readAgain } from '../generate/read-again.js';
import { screenTexts } from './screen-texts.js';

const unreadable = (field: string, why: string): WaystationError =>
  new WaystationError('invalid_request', `${field}: ${why}`, { details: { field } });

const screen = async (generation: Generation, bytes: Buffer, filters: readonly ContentFilter[]): Promise<void> => {
  const found = textsWithin(bytes, PROMPT_ROOTS);
  if (found === undefined) throw unreadable('body', 'Content filters of a guardrail cannot read this as JSON');
  if (found.hasTokens)
    throw unreadable('input', 'Content filters of a guardrail cannot read tokens: send the text itself');
  const { texts } = found;
  const after = await screenTexts(filters, texts, 'input', generation.verdicts);
  if (after.size === 0) return;
  const changed = replaceTexts(
    bytes,
    texts.flatMap((each, index) => {
      const text = after.get(index);
      return text === undefined ? [] : [{ ...each, text }];
    }),
  );
  generation.request = readAgain(generation, changed);
  generation.body.bytes = changed;
};

/**
 * Undefined where no filter applies. May be called again when the prompt has become another.
 * @throws WaystationError `content_blocked`, `invalid_request`, `unprocessable`, `snapshot_stale`
 */
export const screenPrompt = (generation: Generation): Promise<void> | undefined => {
  const filters = generation.caller.contentFilters()?.input;
  if (filters === undefined || filters.length === 0) return undefined;
  generation.verdicts.forgetFlags('input');
  return screen(generation, generation.body.bytes ?? Buffer.alloc(0), filters);
};
