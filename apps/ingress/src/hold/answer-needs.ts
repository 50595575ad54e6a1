// Workers ask for more of a hold that grows; this ingress holds it and answers. Only generations that run here are known; what is over gets no answer.
import type { Bus, Subscription } from '@waystation/bus';
import { AttemptHeld, AttemptNeed } from '@waystation/contracts';
import type { GrowingHold } from './growing-hold.js';

export interface Needs {
  /** Answers for this generation until the returned function is called. */
  answerFor(generationId: string, growing: GrowingHold): () => void;
  drain(): Promise<void>;
}

export const answerNeeds = async (bus: Bus): Promise<Needs> => {
  const running = new Map<string, GrowingHold>();
  const tell = (growing: GrowingHold, attemptId: string, worker: string): void => {
    const { heldOutputTokens, hold } = growing;
    const { usd, byok, tokens } = hold.amounts;
    bus.signal(AttemptHeld, worker, {
      v: 1,
      attemptId,
      holdPicodollars: usd.toString(),
      ...(byok === 0n ? {} : { byokPicodollars: byok.toString() }),
      ...(tokens === 0 ? {} : { holdTokens: tokens }),
      ...(heldOutputTokens === undefined ? {} : { heldOutputTokens }),
      refused: growing.isRefused,
    });
  };
  const needs: Subscription = await bus.onSignal(AttemptNeed, bus.instance, (need) => {
    const { generationId, attemptId, worker, heldOutputTokens } = need;
    const growing = running.get(generationId);
    if (growing === undefined) return;
    void growing.extend(heldOutputTokens).then((answered) => {
      if (answered && running.has(generationId)) tell(growing, attemptId, worker);
    });
  });
  return {
    answerFor(generationId, growing) {
      running.set(generationId, growing);
      return () => void running.delete(generationId);
    },
    drain: () => needs.drain(),
  };
};
