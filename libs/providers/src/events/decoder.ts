// What a dialect does with the events of a response: the provider's JSON in, canonical events out. Everything else (framing, bounds, what is held back, when a
// response is a failure, what is estimated) is the same for all dialects and stands in `events-reader.ts`.
import type { WaystationError } from '@waystation/contracts';
import type { GenerationEvent } from '@waystation/generation';
import type { JsonObject } from '../json-shape.js';

/** Takes what one event of the provider comes to. A dialect that learns of usage in parts tells the sum so far each time. */
export type Emit = (event: GenerationEvent) => void;

export interface StreamDecoder {
  /** One event of the stream. An error that the provider tells in-band is returned, and final. */
  event(value: JsonObject, emit: Emit): WaystationError | undefined;
  /** The stream ended: closes what is open. Called once, unless the response failed before. */
  end?(emit: Emit): void;
  /** The provider said that nothing more comes. Without it a stream is over when its connection ends. */
  readonly done: boolean;
}

/** The whole body of a response that is no stream. */
export type BodyDecoder = (value: JsonObject, emit: Emit) => WaystationError | undefined;

/** Cuts the bytes of a response into events. */
export interface Framing {
  push(chunk: Buffer): void;
  /** The response ended: what is left may be a last event. */
  end(): void;
  /** An event was larger than allowed: nothing more comes out. */
  readonly tooLarge: boolean;
  /** The bytes are no frames: nothing more comes out. Absent where any bytes are. */
  readonly broken?: boolean;
}

/** Hands over an event's JSON text, only valid during the call. `name`: where the frame says it; the event is then `{[name]: JSON}`. */
export type OnEvent = (bytes: Buffer, start: number, end: number, name?: string) => void;

export type MakeFraming = (onEvent: OnEvent, eventBytesMax: number) => Framing;

/** How a dialect's responses are read. Each call makes a new decoder: it has state. */
export interface Decoding {
  readonly framing: MakeFraming;
  /** Data that stands for "over" and is no JSON, such as `[DONE]`. */
  readonly endMarker?: string;
  /** Where one event may be larger than those of other dialects, because it repeats the request or the answer. */
  readonly eventBytesMax?: number;
  /** Members that hold arguments of tools as values, whose numbers keep all their digits. Absent where arguments are text. */
  readonly argumentMembers?: ReadonlySet<string>;
  stream(terms: DecodeTerms): StreamDecoder;
  body(terms: DecodeTerms): BodyDecoder;
}

/** What a decoder may need to know of the attempt. */
export interface DecodeTerms {
  /** For names that a provider does not give. */
  readonly generationId: string;
  readonly providerName: string;
  readonly secret?: string;
  readonly quirks: Readonly<Record<string, string | number | boolean>>;
}
