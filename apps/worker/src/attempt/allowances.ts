// The allowances of the attempts that run here, and their questions and answers over the bus.
import type { Bus, Subscription } from '@waystation/bus';
import { AttemptHeld, AttemptNeed, type AttemptRunRequest } from '@waystation/contracts';
import { Allowance, type AllowanceTimes } from './allowance.js';

export class Allowances {
  readonly #bus: Bus;
  readonly #times: AllowanceTimes;
  readonly #running = new Map<string, { readonly allowance: Allowance; readonly byok: boolean }>();
  readonly #answers: Promise<Subscription>;

  constructor(bus: Bus, times: AllowanceTimes) {
    this.#bus = bus;
    this.#times = times;
    this.#answers = bus.onSignal(AttemptHeld, bus.instance, ({ attemptId, byokPicodollars = '0', ...held }) => {
      const running = this.#running.get(attemptId);
      const { holdPicodollars } = held;
      running?.allowance.heard({ ...held, holdPicodollars: running.byok ? byokPicodollars : holdPicodollars });
    });
  }

  /** Undefined where the hold covers all that the attempt can make. */
  open(request: AttemptRunRequest, ingress: string): Allowance | undefined {
    if (request.heldOutputTokens === undefined) return undefined;
    const { generationId, attemptId } = request;
    const worker = this.#bus.instance;
    const allowance = new Allowance(request, this.#times, (heldOutputTokens) =>
      this.#bus.signal(AttemptNeed, ingress, { v: 1, generationId, attemptId, worker, heldOutputTokens }),
    );
    this.#running.set(attemptId, { allowance, byok: request.attempt.byok });
    return allowance;
  }

  close(attemptId: string, allowance: Allowance): void {
    allowance.end();
    this.#running.delete(attemptId);
  }

  async drain(): Promise<void> {
    await (await this.#answers).drain();
  }
}
