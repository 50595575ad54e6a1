// What the sandbox needs of a wire shape. A further dialect is a folder beside openai-chat that exports one value of this type, and a line in
// `registry.ts`; scripts, pacing, faults and truth do not know which dialect they serve.
import type { SandboxCall } from '../reply/call.js';
import type { Reply, ToolCall } from '../reply/plan-reply.js';
import type { Script } from '../script/script.js';

/** What goes into every part of one answer. */
export interface AnswerHead {
  readonly id: string;
  readonly model: string;
  readonly createdS: number;
}

/** Writes the parts of one stream, in order. Each result is complete events, ready for the wire; binary ones are one character a byte. */
export interface StreamEncoder {
  start(): string;
  reasoning(text: string): string;
  text(text: string): string;
  toolCallStart(toolCall: ToolCall): string;
  toolCallArguments(text: string): string;
  finish(reason: Reply['finish']): string;
  /** Empty where the call or the script asks for no usage. */
  usage(): string;
  end(): string;
  error(status: number): string;
}

/** What the path says of a call. */
export interface PathFacts {
  readonly model?: string;
  readonly stream?: boolean;
}

/** A request as it came. */
export interface Received extends PathFacts {
  readonly body: unknown;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
}

/** A call that was understood, and how its answer is written. */
export interface ReadCall {
  readonly call: SandboxCall;
  completion(head: AnswerHead, reply: Reply, script: Script): string;
  /** Asked only where the call streams. */
  stream(head: AnswerHead, reply: Reply, script: Script): StreamEncoder;
}

export interface Dialect {
  readonly name: string;
  /** Whole paths that are always the same. */
  readonly paths: readonly string[];
  /** Of paths that hold the model; undefined where it is none of this dialect's. */
  readPath?(path: string): PathFacts | undefined;
  /** Before the dash of the ids that it gives, e.g. `chatcmpl`. */
  readonly idPrefix: string;
  /** Of dialects whose requests are forms: the body as fields. Absent: bodies are JSON. */
  readForm?(body: Buffer, contentType: string): Promise<unknown>;
  /** Jobs that generate nothing: all that is billed is the prompt. */
  readonly generates: boolean;
  /** Throws `BadCall` where the dialect's real providers would refuse. */
  readCall(received: Received): ReadCall;
  /** Body of an HTTP error. `retryAfterS` for dialects that say it there. */
  error(status: number, message: string, code?: string, retryAfterS?: number): string;
  /** Content type of a stream whose events are bytes and no text; absent: server-sent events. */
  readonly binaryStreamType?: string;
  /** Name, value, …: headers of the dialect's own, of answers and of errors. */
  headers?(id: string, status: number): readonly string[];
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

/** For jobs that never stream. */
export const noStream = (): never => {
  throw new BadCall(400, 'This endpoint does not stream.');
};
