// A stream that was ended because no more could be held for it: its last chunk, and the warning that is kept with the generation.
import { WaystationError } from '@waystation/contracts';
import type { ChatAnswer } from '@waystation/dialects';
import { exhaustedError } from '../hold/refusal-error.js';
import type { PlanHold } from '../hold/take-hold.js';
import type { Generation } from './generation.js';

/** Where billing did not answer in time. */
const unanswered = (): WaystationError =>
  new WaystationError('no_responder', 'The output ends here: no more credit could be held for it in time.');

/** What to write before the end. */
export const cutShort = (generation: Generation, { growing }: PlanHold, answer: ChatAnswer): Buffer => {
  const reason = growing?.refusal === undefined ? unanswered() : exhaustedError(growing.refusal);
  generation.warnings.push({ code: 'clamped', message: reason.message, field: 'max_tokens' });
  const native = generation.end?.nativeFinishReason ?? 'length';
  const { dialect } = generation;
  // Only holds of streams grow.
  return Buffer.from('streamCut' in dialect ? dialect.streamCut(answer, native, reason) : '');
};
