// Whatever a provider sends, nothing throws, nothing hangs and nothing impossible comes out: fixtures and recordings spoilt in fixed numbers of runs with fixed seeds.
// Work is counted in searches, events and bytes, never in time.
import { jest } from '@jest/globals';
import { WaystationError } from '@waystation/contracts';
import { findPublicDialect } from '@waystation/dialects';
import { diceOf, randomBytes, spoilBytes, spoilJson, type Dice } from '@waystation/testing';
import type { GenerationEvent } from '@waystation/generation';
import { fixtures as messages } from './anthropic-messages/fixtures/fixtures.js';
import { eventStreamFraming } from './bedrock-converse/event-stream.js';
import { fixtures as converse } from './bedrock-converse/fixtures/fixtures.js';
import { eventFrame, frame } from './bedrock-converse/fixtures/frames.js';
import { fixtures as cohere } from './cohere/fixtures/fixtures.js';
import { collectEvents } from './conformance/collect-events.js';
import { CONFORMANCE_TERMS } from './conformance/conformance.js';
import type { Fixtures } from './conformance/fixture.js';
import { recordingsOf } from './conformance/recordings.js';
import type { MakeFraming } from './events/decoder.js';
import { sseFraming } from './events/sse-framing.js';
import { TranslatingReader } from './events/translate-response.js';
import { fixtures as gemini } from './gemini/fixtures/fixtures.js';
import { JobReader } from './jobs/job-reader.js';
import { fixtures as chat } from './openai-chat/fixtures/fixtures.js';
import { fixtures as responses } from './openai-responses/fixtures/fixtures.js';
import { PROVIDER_DIALECTS, findProviderDialect } from './registry.js';
import type { ProviderDialect, ResponseReader, ResponseTerms } from './spec.js';

const SEED = 20_261_126;
const RUNS = 150;
const FRAMING_RUNS = 1_500;
/** For machines that have other things to do: nothing here is judged by time. */
const TIMEOUT_MS = 120_000;
const TERMS: ResponseTerms = {
  ...CONFORMANCE_TERMS,
  limits: { eventBytesMax: 64 * 1024, bodyBytesMax: 1024 * 1024, heldBytesMax: 64 * 1024 },
};
jest.setTimeout(TIMEOUT_MS);

const PUBLIC = ['openai-chat', 'openai-completions', 'openai-responses', 'anthropic-messages'] as const;

interface Corpus {
  readonly dialect: string;
  /** The JSON texts of each stream's events. */
  readonly streams: readonly (readonly string[])[];
  readonly bodies: readonly string[];
  readonly errors: readonly string[];
  readonly frame: (lines: readonly string[]) => Buffer;
}

const linesOf = (framing: MakeFraming, bytes: string | Buffer): string[] => {
  const lines: string[] = [];
  const reader = framing((event, start, end) => lines.push(event.toString('utf8', start, end)), 1024 * 1024);
  reader.push(Buffer.from(bytes));
  reader.end();
  return lines;
};

const sse = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `data: ${line}\n\n`).join(''));

/** Right checksums around spoilt payloads: or nothing would be read of them. */
const frames = (lines: readonly string[]): Buffer =>
  Buffer.concat(
    lines.flatMap((line) => {
      try {
        const told: unknown = JSON.parse(line);
        if (typeof told !== 'object' || told === null || Object.keys(told).length === 0) throw new Error('no event');
        return Object.entries(told).map(([type, payload]) => eventFrame(type.slice(0, 200), payload as object));
      } catch {
        return [frame({ ':message-type': 'event', ':event-type': 'contentBlockDelta' }, line)];
      }
    }),
  );

const corpusOf = (dialect: string, { streams, bodies, errors }: Fixtures, names: readonly string[]): Corpus => {
  const binary = dialect === 'bedrock-converse';
  const recorded = recordingsOf(names) ?? [];
  return {
    dialect,
    streams: [
      ...streams.map(({ bytes }) => linesOf(binary ? eventStreamFraming : sseFraming, bytes)),
      // The beginning of a long one is as good as all of it.
      ...recorded.flatMap(({ events }) =>
        events === undefined ? [] : [[...events.slice(0, 20), ...events.slice(-3)]],
      ),
    ],
    bodies: [...bodies.map(({ bytes }) => bytes), ...recorded.flatMap(({ body }) => body?.toString() ?? [])],
    errors: errors.map(({ bytes }) => bytes),
    frame: binary ? frames : sse,
  };
};

const CORPORA: readonly Corpus[] = [
  corpusOf('openai-chat', chat, ['groq/groq-tool-call', 'mistral/mistral-tool-call', 'deepseek/deepseek-reasoning']),
  corpusOf('openai-responses', responses, ['openai/openai-reasoning-encrypted-content.1', 'azure/azure-text.1']),
  corpusOf('anthropic-messages', messages, ['anthropic/anthropic-json-other-tool.1', 'anthropic/anthropic-text']),
  corpusOf('gemini', gemini, ['google/google-reasoning', 'google/google-tool-call']),
  corpusOf('bedrock-converse', converse, ['amazon-bedrock/amazon-bedrock-reasoning']),
  corpusOf('cohere', cohere, ['cohere/cohere-tool-call', 'cohere/cohere-text']),
];

const pick = <T>(from: readonly T[], dice: Dice): T => from[dice(from.length)] as T; // never of an empty list

/** A stream of which some events are spoilt, gone, twice or elsewhere, and some bytes too. */
const spoiltStream = ({ streams, frame: framed }: Corpus, dice: Dice): Buffer => {
  const lines = [...pick(streams, dice)];
  for (let times = 1 + dice(3); times > 0 && lines.length > 0; times -= 1) {
    const [at, to] = [dice(lines.length), dice(lines.length)];
    const line = lines[at] ?? '';
    const kind = dice(8);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1) lines.splice(to, 0, line);
    else if (kind === 2) [lines[at], lines[to]] = [lines[to] ?? '', line];
    else lines[at] = spoilJson(line, dice);
  }
  let bytes = framed(lines);
  if (dice(3) === 0) for (let times = 1 + dice(3); times > 0; times -= 1) bytes = spoilBytes(bytes, dice);
  return bytes;
};

const spoiltText = (texts: readonly string[], dice: Dice): Buffer => {
  let text = pick(texts, dice);
  for (let times = 1 + dice(3); times > 0; times -= 1) text = spoilJson(text, dice);
  const bytes = Buffer.from(text);
  return dice(4) === 0 ? spoilBytes(bytes, dice) : bytes;
};

const feed = (reader: ResponseReader, bytes: Buffer, pieceBytes: number): void => {
  for (let at = 0; at < bytes.length && !reader.done && reader.failure === undefined; at += pieceBytes)
    reader.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  if (!reader.done && reader.failure === undefined) reader.end();
};

/** What holds for every reader, whatever it has read. */
const expectSane = (reader: ResponseReader): void => {
  if (reader.failure !== undefined && !(reader.failure instanceof WaystationError))
    throw new Error('a failure of no code');
  const { usage, warnings = [], upstreamId = '', nativeFinishReason = '' } = reader.report();
  for (const [name, count] of Object.entries(usage))
    if (!Number.isSafeInteger(count) || count < 0 || count > 10_000_000) throw new Error(`${name} is ${count}`);
  if (warnings.length > 32 || upstreamId.length > 256 || nativeFinishReason.length > 128) throw new Error('unbounded');
};

/** Bytes that a client's parser reads: events of one line of JSON each, or a body. */
const expectReadable = (bytes: Buffer, stream: boolean): void => {
  const text = bytes.toString();
  if (text === '') return;
  if (!stream) return void JSON.parse(text);
  for (const event of text.split('\n\n').slice(0, -1)) {
    const data = /^(?:event: [^\n]*\n)?data: ([^\r\n]*)$/.exec(event)?.[1];
    if (data === undefined) throw new Error(`no event: ${event.slice(0, 100)}`);
    JSON.parse(data);
  }
};

/** Tells which run failed, and what of. */
const trial = (runs: number, seed: number, run: (dice: Dice) => Buffer): void => {
  const dice = diceOf(seed);
  for (let index = 0; index < runs; index += 1) {
    let bytes: Buffer | undefined;
    const before = diceOf(seed + 1 + dice(2 ** 31));
    try {
      bytes = run(before);
    } catch (error) {
      throw new Error(`run ${index} of seed ${seed}: ${(error as Error).stack ?? String(error)}`, { cause: bytes });
    }
  }
};

afterAll(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

/** Counts how often it is searched: that is the work of the parser of server-sent events. */
const countingSearches = (bytes: Buffer, counted: { searches: number }): Buffer => {
  const copy = Buffer.from(bytes);
  const { indexOf } = copy;
  Object.defineProperty(copy, 'indexOf', {
    value: (...found: unknown[]): unknown => {
      counted.searches += 1;
      return Reflect.apply(indexOf, copy, found);
    },
  });
  return copy;
};

describe('server-sent events', () => {
  it('take any bytes, with no more searches than lines and pieces, and no more events than lines', () => {
    const texts = CORPORA.filter(({ dialect }) => dialect !== 'bedrock-converse').map((corpus) =>
      corpus.frame(pick(corpus.streams, diceOf(1))),
    );
    trial(FRAMING_RUNS, SEED, (dice) => {
      let bytes = dice(4) === 0 ? randomBytes(dice(400), dice) : pick(texts, dice).subarray(0, 2_000);
      for (let times = dice(6); times > 0; times -= 1) bytes = spoilBytes(bytes, dice);
      const counted = { searches: 0 };
      let events = 0;
      let [from, to] = [0, 0];
      const reader = sseFraming((buffer, start, end) => {
        events += 1;
        [from, to] = [start, end];
        if (from < 0 || to < from || to > buffer.length) throw new Error('an event outside of its buffer');
      }, 1_024);
      const pieceBytes = 1 + dice(64);
      let pieces = 0;
      for (let at = 0; at < bytes.length; at += pieceBytes, pieces += 1)
        reader.push(countingSearches(bytes.subarray(at, at + pieceBytes), counted));
      reader.end();
      const lineEnds = bytes.filter((byte) => byte === 0x0a || byte === 0x0d).length;
      if (counted.searches > 2 * (pieces + lineEnds)) throw new Error(`${counted.searches} searches`);
      if (events > lineEnds + 1) throw new Error(`${events} events`);
      return bytes;
    });
  });
});

describe('the event stream of AWS', () => {
  it('takes any bytes, with no more events than frames fit, and nothing behind bytes that are none', () => {
    const [corpus] = CORPORA.filter(({ dialect }) => dialect === 'bedrock-converse');
    const whole = (corpus?.streams ?? []).map((lines) => frames(lines));
    trial(FRAMING_RUNS, SEED + 1, (dice) => {
      let bytes = dice(4) === 0 ? randomBytes(dice(400), dice) : pick(whole, dice);
      for (let times = dice(4); times > 0; times -= 1) bytes = spoilBytes(bytes, dice);
      let events = 0;
      const reader = eventStreamFraming((buffer, start, end) => {
        events += 1;
        if (start < 0 || end < start || end > buffer.length) throw new Error('an event outside of its buffer');
        if (reader.broken === true || reader.tooLarge) throw new Error('an event behind the end');
      }, 64 * 1024);
      const pieceBytes = 1 + dice(200);
      for (let at = 0; at < bytes.length; at += pieceBytes)
        reader.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
      reader.end();
      if (events > bytes.length / 16) throw new Error(`${events} events`);
      return bytes;
    });
  });
});

describe.each(CORPORA.map((corpus) => [corpus.dialect, corpus] as const))('answers of %s', (name, corpus) => {
  const dialect: ProviderDialect | undefined = findProviderDialect(name);
  const { translation, passthrough, parseError } = dialect ?? {};
  if (translation === undefined || parseError === undefined) throw new Error(`there is no translation of ${name}`);

  it.each([true, false])(
    'come as events whose blocks are whole, to clients that can read them (stream: %s)',
    (stream) => {
      const terms = { ...TERMS, stream };
      trial(RUNS, SEED + 2, (dice) => {
        const bytes = stream ? spoiltStream(corpus, dice) : spoiltText(corpus.bodies, dice);
        const events: GenerationEvent[] = [];
        const reader = translation.readResponse(terms, (event) => events.push(event));
        feed(reader, bytes, 1 + dice(500));
        expectSane(reader);
        collectEvents(events);
        if (events.length > 4 * bytes.length + 16) throw new Error(`${events.length} events`);
        for (const spoken of PUBLIC) {
          const writes: Buffer[] = [];
          const writer = findPublicDialect(spoken)?.writeAnswer(terms);
          if (writer === undefined) throw new Error(`there is no ${spoken}`);
          const translating = new TranslatingReader(translation, terms, writer, (write) => writes.push(write));
          feed(translating, bytes, 4_096);
          const { tail } = translating.report();
          expectReadable(
            Buffer.concat([...writes, Buffer.from(translating.failure === undefined ? (tail ?? '') : '')]),
            stream,
          );
        }
        return bytes;
      });
    },
  );

  if (passthrough !== undefined)
    it.each([true, false])('pass as bytes that clients can read, cut anywhere alike (stream: %s)', (stream) => {
      const terms = { ...TERMS, stream };
      trial(RUNS, SEED + 3, (dice) => {
        const bytes = stream ? spoiltStream(corpus, dice) : spoiltText(corpus.bodies, dice);
        const outputs = [1 + dice(500), bytes.length + 1].map((pieceBytes) => {
          const writes: Buffer[] = [];
          const reader = passthrough.readResponse(terms, (write) => writes.push(Buffer.from(write)));
          feed(reader, bytes, pieceBytes);
          expectSane(reader);
          // Chunks of chat completions pass unread: of theirs the frame alone is ours.
          if (name !== 'openai-chat') expectReadable(Buffer.concat(writes), stream);
          return { output: Buffer.concat(writes), failure: reader.failure?.code };
        });
        if (outputs[0]?.failure !== outputs[1]?.failure)
          throw new Error(JSON.stringify(outputs.map((each) => each.failure)));
        return bytes;
      });
    });

  it('that are errors become ours, of whatever shape', () => {
    trial(RUNS, SEED + 4, (dice) => {
      const body = corpus.errors.length === 0 ? randomBytes(dice(200), dice) : spoiltText(corpus.errors, dice);
      const status = pick([400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529, 302, 999], dice);
      const header = (): string | undefined => pick([undefined, '', '1', '-1', '1e999', 'x', 'Thu, 01 Jan 1970'], dice);
      const error = parseError({ status, header, body, providerName: 'Lab', nowMs: 0, secret: 's3cret' });
      if (!(error instanceof WaystationError)) throw new Error('an error of no code');
      if (error.retryAfterMs !== undefined && !(error.retryAfterMs >= 0 && Number.isFinite(error.retryAfterMs)))
        throw new Error(`wait for ${error.retryAfterMs}`);
      JSON.stringify(error.details ?? {});
      return body;
    });
  });
});

const ASKED: Readonly<Record<string, object>> = {
  embeddings: { model: 'a/b', input: ['x', 'y'] },
  rerank: { model: 'a/b', query: 'q', documents: ['d', { text: 'e' }] },
  images: { model: 'a/b', prompt: 'x' },
  speech: { model: 'a/b', input: 'x', voice: 'y' },
};
const ANSWERS: readonly string[] = [
  '{"id":"up","object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1]}],"model":"m","usage":{"prompt_tokens":8,"total_tokens":8,"prompt_tokens_details":{"image_tokens":1}}}',
  '{"id":"up","embeddings":{"float":[[0.1]]},"meta":{"billed_units":{"input_tokens":2,"image_tokens":1}}}',
  '{"embeddings":[{"values":[0.1]},{"values":[0.2]}],"usageMetadata":{"promptTokenCount":4}}',
  '{"id":"up","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}],"meta":{"billed_units":{"search_units":1}},"usage":{"total_tokens":5}}',
  '{"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":1,"output_tokens":2,"input_tokens_details":{"text_tokens":1,"image_tokens":0}}}',
];

/** Bedrock embeds in each maker's own shape. */
const EMBEDS = 'cohere.embed-v4:0';

describe.each(
  PROVIDER_DIALECTS.flatMap((name) =>
    [...(findProviderDialect(name)?.jobs ?? [])].map(([kind, job]) => [name, kind, job] as const),
  ),
)('answers of %s to %s', (_, kind, job) => {
  it('are answers or failures, of whatever shape', () => {
    trial(RUNS, SEED + 5, (dice) => {
      const bytes = dice(6) === 0 ? randomBytes(dice(200), dice) : spoiltText(ANSWERS, dice);
      const body = Buffer.from(JSON.stringify(ASKED[kind] ?? {}));
      const reader = new JobReader(
        job({ body, upstreamModel: EMBEDS, quirks: {} }),
        { ...TERMS, stream: false },
        () => undefined,
      );
      feed(reader, bytes, 1 + dice(100));
      expectSane(reader);
      return bytes;
    });
  });
});
