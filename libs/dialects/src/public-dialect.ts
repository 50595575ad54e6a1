// What a public dialect has to know beside reading requests: the canonical call in a body, and an answer out of canonical events. Pure; the worker uses both where
// the endpoint speaks another dialect than the client.
import type { GenerationCall, GenerationEvent, Warning } from '@waystation/generation';

/** What an answer says of itself. */
export interface AnswerTerms {
  readonly generationId: string;
  /** Our id of the model that serves. */
  readonly model: string;
  /** Display name. */
  readonly providerName: string;
  readonly stream: boolean;
}

/** Writes one answer. Bytes are gathered until they are taken. */
export interface EventWriter {
  event(event: GenerationEvent): void;
  /** What was written since it was last asked. */
  take(): Buffer;
  /** The answer is whole. What must wait for the bill is returned instead of written. */
  end(): string | undefined;
  /** The answer ends here, because no more could be held for it: closes what is open, as if the model had reached its output limit. */
  cut(): string | undefined;
}

export interface CallReading {
  readonly call: GenerationCall;
  /** What the call could not hold. */
  readonly warnings: readonly Warning[];
}

export interface CallDialect {
  readonly name: string;
  /** The body was checked by the dialect's request reader at the edge. @throws WaystationError `invalid_request` for what cannot be translated */
  readCall(body: Buffer): CallReading;
  writeAnswer(terms: AnswerTerms): EventWriter;
}
