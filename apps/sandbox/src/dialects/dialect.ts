// What the sandbox needs of a wire shape. A further dialect is a folder beside openai-chat that exports one value of this type, and a line in
// `registry.ts`; scripts, pacing, faults and truth do not know which dialect they serve.
import type { SandboxCall } from '../reply/call.js';
import type { Reply } from '../reply/plan-reply.js';
import type { Script } from '../script/script.js';

/** What goes into every part of one answer. */
export interface AnswerHead {
  readonly id: string;
  readonly model: string;
  readonly createdS: number;
}

/** Writes the parts of one stream. Each result is complete events, ready for the wire. */
export interface StreamEncoder {
  start(): string;
  reasoning(text: string): string;
  text(text: string): string;
  toolCallStart(name: string, id: string): string;
  toolCallArguments(text: string): string;
  finish(reason: Reply['finish']): string;
  /** Empty where the call or the script asks for no usage. */
  usage(): string;
  end(): string;
  error(status: number): string;
}

export interface Dialect {
  readonly name: string;
  /** Path below the base URL, e.g. `/chat/completions`. */
  readonly path: string;
  /** Throws `BadCall` where the dialect's real providers would answer 400. */
  readCall(body: unknown): SandboxCall;
  completion(head: AnswerHead, reply: Reply, script: Script): string;
  stream(head: AnswerHead, call: SandboxCall, reply: Reply, script: Script): StreamEncoder;
  /** Body of an HTTP error. */
  error(status: number, message: string, code?: string): string;
}

/** A refusal with its HTTP status. */
export class BadCall extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}
