// What a public dialect has to know. The ingress reads requests with it and writes what needs the bill or the socket; the worker reads the canonical call in a body and
// writes answers out of canonical events, where the endpoint speaks another dialect than the client. Pure.
import type { WaystationError } from '@waystation/contracts';
import type { GenerationCall, GenerationEvent, Warning } from '@waystation/generation';
import type { StreamJoint } from './continuation/stream-joint.js';
import type { ChatRequest, ReadChatOptions } from './openai-chat/chat-request.js';
import type { ChatAnswer, ChatBill } from './openai-chat/write-chat-response.js';
import type { FileShapes } from './plugins/prompt-files.js';
import type { Excess } from './plugins/middle-out.js';
import type { AnswerText } from './plugins/answer-texts.js';
import type { DialectError, DialectName } from './to-dialect-error.js';

/** What an answer says of itself. */
export interface AnswerTerms {
  readonly generationId: string;
  /** Our id of the model that serves. */
  readonly model: string;
  /** Display name. */
  readonly providerName: string;
  readonly stream: boolean;
  /** Of the reading of its request. */
  readonly echo?: string | undefined;
  /** Unix ms, for answers that say when they were whole; absent: they do not. */
  readonly nowMs?: () => number;
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
  /** What of the answer the dialect had no place for. */
  readonly warnings: readonly Warning[];
}

export interface CallReading {
  readonly call: GenerationCall;
  /** What the call could not hold. */
  readonly warnings: readonly Warning[];
  /** What the dialect's answer says again of the request; nobody else reads it. */
  readonly echo?: string;
}

/** The worker's part. */
export interface CallDialect {
  /** The body was checked by the dialect's request reader at the edge. @throws WaystationError `invalid_request` for what cannot be translated */
  readCall(body: Buffer): CallReading;
  writeAnswer(terms: AnswerTerms): EventWriter;
}

/** The ingress's part of every dialect: requests, answers of one body, errors. */
export interface BodyDialect {
  /** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
  readRequest(body: Buffer, options: ReadChatOptions): ChatRequest;
  /** A whole answer with the bill in it; as it is while the bill is not known. Undefined where the bytes are no answer. */
  withBill(body: Buffer, bill: ChatBill | undefined): Buffer | undefined;
  /** @param answer of the generation that failed, where there is one; a dialect may tell some errors as an answer, with status 200 */
  toError(error: WaystationError, answer?: ChatAnswer): DialectError;
}

/** The ingress's part of dialects whose answers may be streams. */
export interface StreamDialect {
  /** A comment line: keeps a connection warm, and every SSE parser skips it. */
  readonly keepAlive: string;
  /** The end of a good stream, with the bill where it is known. `tail`: what the worker left to be finished. */
  streamEnd(answer: ChatAnswer, bill: ChatBill | undefined, tail: string | undefined): string;
  /** What stands before the end of a stream that we end ourselves, because no more could be held for it. */
  streamCut(answer: ChatAnswer, nativeReason: string, error: WaystationError): string;
  /** The last of a stream that broke after the status line. */
  streamError(answer: ChatAnswer, error: WaystationError): string;
}

/** A conversation: any endpoint that can hold one may serve it, whatever dialect that speaks. */
export interface PublicDialect extends CallDialect, BodyDialect, StreamDialect {
  readonly name: DialectName;
  /** How its requests hold files; null where they have none. */
  readonly files: FileShapes | null;
  /** A whole answer with what the station says of files that it read. */
  withNotes(body: Buffer, answer: ChatAnswer): Buffer;
  /** The body with a conversation that is shorter out of its middle; undefined where none would do. */
  shorten(body: Buffer, excess: Excess): Buffer | undefined;
  /** What a whole answer says in words, where it stands in its bytes. */
  textsOf(body: Buffer): AnswerText[];
  /** For a stream that another attempt may go on with where it breaks off. Absent: none may. */
  joint?(): StreamJoint;
}

/**
 * A job of one request and one body. Nothing of it is canonical: provider dialects offer jobs by these names, bytes in and bytes out. Its requests are never
 * streams, and its errors are those of chat completions.
 */
export interface JobDialect extends BodyDialect {
  readonly name: JobName;
}
export type JobName = 'embeddings' | 'rerank' | 'images' | 'speech' | 'transcriptions';
