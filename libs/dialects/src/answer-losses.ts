// What of an answer a dialect has no place for: each kind once, told with the generation.
import type { Warning } from '@waystation/generation';

type Kind = 'images' | 'sound' | 'files' | 'tool calls' | 'signatures of reasoning' | 'citations';

export class AnswerLosses {
  readonly #warnings = new Map<Kind, Warning>();

  get warnings(): readonly Warning[] {
    return [...this.#warnings.values()];
  }

  lose(kind: Kind): void {
    this.#warnings.set(kind, {
      code: 'translated-with-loss',
      message: `The model answered with ${kind}, which answers of this API have no place for; they were left out.`,
    });
  }
}
