// What a translation could not say, gathered while a request is built: bounded, each once.
import type { Warning } from '@waystation/generation';

const LOSSES_MAX = 16;

export class Losses {
  readonly #warnings = new Map<string, Warning>();

  get warnings(): readonly Warning[] {
    return [...this.#warnings.values()];
  }

  /** A parameter that the dialect has no word for. */
  leaveOut(field: string): void {
    this.#add({
      code: 'unsupported-parameter',
      message: `The endpoint that served this does not take \`${field}\`; it was left out.`,
      field,
    });
  }

  /** A number that the dialect knows a smaller range of. */
  clamp(field: string, to: number): void {
    this.#add({
      code: 'clamped',
      message: `The endpoint that served this takes \`${field}\` up to ${to}; it was lowered.`,
      field,
    });
  }

  /** Content or meaning that got lost on the way. */
  lose(field: string, message: string): void {
    this.#add({ code: 'translated-with-loss', message, field });
  }

  /** What goes back with a tool call, to another provider than its own. */
  loseCallSignature(): void {
    this.lose('reasoning', 'A tool call of an earlier turn carries a signature of another provider; it was left out.');
  }

  #add(warning: Warning): void {
    const key = `${warning.code} ${warning.field ?? ''} ${warning.message}`;
    if (this.#warnings.size < LOSSES_MAX) this.#warnings.set(key, warning);
  }
}
