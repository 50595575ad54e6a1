// What every client is told to ask, and what each kind of question must bring back, whichever SDK, route and upstream dialect it goes through.
// The sandbox makes the answers certain: echo repeats, a tool's arguments and a JSON answer are the smallest that fit their schema (see apps/sandbox/README.md).

export const TEXT = 'A way station is where a traveller changes horses and rides on.';
const TOKENS = Math.ceil(TEXT.length / 4);
const MESSAGE_TOKENS = 4;

/** Both what fits the schema and, as the text of the question, what echo would say. */
export const PLACE = { city: 'Vienna', days: 7 };
export const PLACE_SCHEMA = {
  type: 'object' as const,
  properties: { city: { type: 'string', enum: ['Vienna'] }, days: { type: 'number' } },
  required: ['city', 'days'],
  additionalProperties: false,
};
export const WEATHER = { name: 'weather', description: 'The weather of a city.' };
export const WEATHER_RESULT = '21 degrees';
export const EMBEDDED = ['a horse', 'a station'];
/** A plain WAV file of two seconds, as long to the sandbox as to everybody else. */
export const SOUND_SECONDS = 2;
export const sound = (): Buffer => {
  const head = Buffer.alloc(44);
  head.write('RIFF\0\0\0\0WAVEfmt ', 0, 'latin1');
  const [bytes, rate] = [SOUND_SECONDS * 8_000, 8_000];
  head.writeUInt32LE(36 + bytes, 4);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(bytes, 40);
  return Buffer.concat([head, Buffer.alloc(bytes, 128)]);
};
/** The sandbox's price of a second. */
const SECOND_USD = 0.0001;
export const RERANKED = { query: 'horse', documents: ['a station', 'a horse', 'a road'] };

/** What a client made of an answer, in words that all of them share. */
export interface Told {
  readonly text?: string;
  readonly finish?: string | null;
  readonly usage?: { readonly input: number | undefined; readonly output: number | undefined };
  readonly calls?: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly object?: unknown;
  readonly thinking?: string;
  /** The answer to a second turn, which gave back the first one as the SDK had read it. */
  readonly second?: string;
  /** Deltas or events of a stream. */
  readonly pieces?: number;
  readonly tokens?: number;
  /** Lengths of vectors. */
  readonly lengths?: readonly number[];
  /** Documents by relevance. */
  readonly order?: readonly number[];
  /** Of a sound, and what they cost in USD. */
  readonly seconds?: number | undefined;
  readonly cost?: number | undefined;
  /** What the SDK threw. */
  readonly refusal?: { readonly name: string; readonly status: number | undefined };
  readonly facts?: readonly unknown[];
}

export type Kind =
  | 'text'
  | 'said'
  | 'tools'
  | 'object'
  | 'thinking'
  | 'refusal'
  | 'count'
  | 'embeddings'
  | 'rerank'
  | 'transcript'
  | 'facts';

const words = (): unknown => expect.stringMatching(/\w/);

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value > 0;

/** Throws where the answer is not what the kind of question must bring. */
export const judge = (kind: Kind, told: Told, streamed: boolean): void => {
  if (streamed) expect(told.pieces).toBeGreaterThan(1);
  switch (kind) {
    case 'text':
      expect(told).toMatchObject({
        text: TEXT,
        finish: expect.stringMatching(/^(?:stop|end_turn|completed)$/),
        usage: { input: MESSAGE_TOKENS + TOKENS, output: TOKENS },
      });
      return;
    case 'said':
      expect(told).toMatchObject({ text: TEXT, finish: 'end_turn' });
      return;
    case 'tools':
      expect(told).toMatchObject({ calls: [{ name: WEATHER.name, arguments: PLACE }], second: words() });
      return;
    case 'object':
      expect(told.object).toEqual(PLACE);
      return;
    case 'thinking':
      expect(told).toMatchObject({ thinking: words(), text: words(), second: words() });
      return;
    case 'refusal':
      expect(told.refusal).toEqual({
        name: expect.stringMatching(/RateLimit|TooManyRequests|APICallError/),
        status: 429,
      });
      return;
    case 'count':
      expect(isWhole(told.tokens ?? 0)).toBe(true);
      return;
    case 'embeddings':
      expect(told.lengths).toHaveLength(EMBEDDED.length);
      expect(told.lengths?.every(isWhole)).toBe(true);
      expect(new Set(told.lengths).size).toBe(1);
      return;
    case 'rerank':
      expect([...(told.order ?? [])].sort()).toEqual(RERANKED.documents.map((_, index) => index));
      return;
    case 'transcript':
      expect(told).toMatchObject({ text: words(), seconds: SOUND_SECONDS, cost: SOUND_SECONDS * SECOND_USD });
      return;
    case 'facts':
      expect(told.facts?.length).toBeGreaterThan(0);
      for (const fact of told.facts ?? []) expect(fact ?? undefined).toBeDefined();
      return;
    default: {
      const unreachable: never = kind;
      return unreachable;
    }
  }
};
