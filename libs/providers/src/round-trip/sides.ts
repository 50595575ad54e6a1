// The two sides of the matrix: clients that know one public dialect, and labs that know one provider dialect. Both are written from the dialects' documents, and nothing of
// the code under test is in them.
import type { PublicDialect } from '@waystation/dialects';
import type { ProviderDialect, Quirks } from '../spec.js';
import type { Reply, Step, ToolResult } from './script.js';

export type Json = Record<string, unknown>;

/** What of a conversation a client of a dialect can hold and say. */
export interface Traits {
  /** Arguments of tools stay the text that the model wrote; otherwise they are values. */
  readonly argumentText: boolean;
  /** A tool's result can be marked as failed. */
  readonly toolErrors: boolean;
  /** Instructions can be marked for the cache. */
  readonly cacheMarkers: boolean;
}

/** One conversation, kept as an unchanged client keeps it. */
export interface Client {
  system(text: string): void;
  user(text: string, image: string): void;
  /** In the order of the calls that were heard last. */
  results(results: readonly ToolResult[]): void;
  request(stream: boolean): Json;
  /** Takes an answer in and appends it. Returns the names of the tools that are called. */
  hear(wire: string, stream: boolean): readonly string[];
}

export interface ClientKind {
  readonly name: string;
  readonly dialect: PublicDialect;
  readonly traits: Traits;
  begin(): Client;
}

export interface Asked {
  readonly traits: Traits;
  /** The client's bytes pass: nothing is translated. */
  readonly passes: boolean;
}

export interface Lab {
  readonly name: string;
  readonly dialect: ProviderDialect;
  readonly quirks: Quirks;
  /** The conversation as it must arrive. */
  expected(steps: readonly Step[], asked: Asked): unknown;
  /** The conversation in a request. */
  messagesOf(request: Json): unknown;
  answer(reply: Reply, stream: boolean): Buffer;
}

/** Members that are set. */
export const pick = (from: Json, ...names: readonly string[]): Json =>
  Object.fromEntries(
    names.flatMap((name) => (from[name] === undefined || from[name] === null ? [] : [[name, from[name]]])),
  );

export const argumentsOf = (text: string, { argumentText }: Traits): string =>
  argumentText ? text : JSON.stringify(JSON.parse(text));

/** In two pieces, as a stream gives it. */
export const halves = (text: string): readonly [string, string] => {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
};

export const dataEvents = (events: readonly Json[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

export const namedEvents = (events: readonly Json[]): string =>
  events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('');

/** Data of each event of a stream. */
export const eventsOf = (wire: string): Json[] =>
  wire.split('\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6)) as Json] : []));
