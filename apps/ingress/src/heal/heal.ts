// Healing as a part of a generation: between its last attempt and its end. It never fails one, since the answer is paid for.
import type { GenerateDeps } from '../generate/generate.js';
import type { Generation } from '../generate/generation.js';
import { healAnswer } from './heal-answer.js';

export const heal = async ({ aside, log }: GenerateDeps, generation: Generation): Promise<void> => {
  const { dialect, delivery, generationId } = generation;
  if (!('textsOf' in dialect)) return;
  try {
    await delivery.revise?.(async (whole) => {
      const { body, stage, warning } = await healAnswer(dialect, whole, aside);
      if (stage !== undefined) generation.pipeline.push(stage);
      if (warning !== undefined) generation.warnings.push(warning);
      return body;
    });
  } catch (error) {
    // Its message may quote the answer.
    const reason = error instanceof Error ? error.name : typeof error;
    log.error({ reason, generationId }, 'an answer could not be looked at for healing');
  }
};
