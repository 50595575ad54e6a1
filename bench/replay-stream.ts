// One stream through the product's own code, without sockets: the worker's relay with the dialect's reader, the bus between two services of one process, and the ingress'
// counter and delivery. What the provider's socket would give goes in, a piece when the one before has gone out; what the client's socket would get is counted.
import { TranslatingReader, type ResponseReader, type ResponseTerms, type ByteSink } from '@waystation/providers';
import { createContentCounter, findPublicDialect, type ChatBill } from '@waystation/dialects';
import type * as Deliveries from '../apps/ingress/src/deliver/stream-delivery.js';
import type * as Relays from '../apps/worker/src/attempt/relay.js';
import type * as Turns from '../libs/bus/src/connection/turn.js';
import type * as Options from '../libs/bus/src/options.js';
import type { StreamPort } from '../libs/bus/src/stream/port.js';
import type * as LocalStreams from '../libs/bus/src/stream/local-stream.js';
import { dialectOf, nameOf, type Pair } from './dialect-pairs.ts';

const built = (file: string): Promise<unknown> => import(new URL(`../${file}`, import.meta.url).href);
const { createStreamDelivery } = (await built('apps/ingress/dist/deliver/stream-delivery.js')) as typeof Deliveries;
const { Relay } = (await built('apps/worker/dist/attempt/relay.js')) as typeof Relays;
const { createTurn } = (await built('libs/bus/dist/connection/turn.js')) as typeof Turns;
const { BUS_BYTES, BUS_TIMES } = (await built('libs/bus/dist/options.js')) as typeof Options;
const { LocalStream } = (await built('libs/bus/dist/stream/local-stream.js')) as typeof LocalStreams;

const turn = createTurn((error) => {
  throw error;
});
const PORT = { instance: 'bench', turn, times: BUS_TIMES, bounds: BUS_BYTES } as unknown as StreamPort;

const GENERATION_ID = 'gen-1700000000-abcdefghijABCDEFGHIJ';
const MODEL = 'bench/model';
const PROVIDER = 'Bench';
const TERMS: ResponseTerms = {
  stream: true,
  generationId: GENERATION_ID,
  model: MODEL,
  providerName: PROVIDER,
  choices: 1,
  inputTokensEstimate: () => 10,
  tokensMax: { input: 128_000, output: 128_000 },
  quirks: {},
};
const ANSWER = { generationId: GENERATION_ID, createdSeconds: 1_700_000_000, model: MODEL, providerName: PROVIDER };
const NO_COST = { cost: 0n, promptCost: 0n, completionCost: 0n, byok: false };
const HEAD = {
  status: 200,
  header: (name: string) => (name === 'content-type' ? 'text/event-stream' : undefined),
};
const NOT_CALLED = (): void => undefined;

export interface Replayed {
  /** Bytes that the client's socket would have got, and in how many writes. */
  readonly bytes: number;
  readonly writes: number;
  readonly outputTokens: number;
}

const readerOf = (pair: Pair): ((terms: ResponseTerms, sink: ByteSink) => ResponseReader) => {
  const { passthrough, translation } = dialectOf(pair);
  if (passthrough?.dialects.has(pair.client) === true) return passthrough.readResponse;
  const spoken = findPublicDialect(pair.client);
  if (translation === undefined || spoken === undefined) throw new Error(`${nameOf(pair)} is no translation`);
  return (terms, sink) => new TranslatingReader(translation, terms, spoken.writeAnswer(terms), sink);
};

/** Rejects where the stream does not end in order. */
export const replayStream = async (pair: Pair, pieces: readonly Buffer[]): Promise<Replayed> => {
  const dialect = findPublicDialect(pair.client);
  if (dialect === undefined) throw new Error(`no public dialect ${pair.client}`);
  let bytes = 0;
  let writes = 0;
  const count = (written: Buffer | string | undefined): void => {
    bytes += written?.length ?? 0;
    writes += 1;
  };
  const delivery = createStreamDelivery({
    client: {
      gone: false,
      begin: NOT_CALLED,
      write(written) {
        count(written);
        return true;
      },
      end: count,
      onDrain: NOT_CALLED,
      onGone: NOT_CALLED,
    },
    head: { generationId: GENERATION_ID, requestId: 'bench' },
    dialect,
    warmAfterMs: 60_000,
    frameGaps: { observe: NOT_CALLED },
  });
  const content = createContentCounter();
  const ended = Promise.withResolvers<{ readonly bill: ChatBill; readonly tail: string | undefined }>();
  const stream = new LocalStream(
    PORT,
    'bench',
    { deadlineAt: Date.now() + 60_000 },
    {
      accepted: NOT_CALLED,
      data(written) {
        delivery.data(written);
        content.count(written);
      },
      end: (end) => ended.resolve(end as never),
      fail: ended.reject,
    },
    NOT_CALLED,
  );
  delivery.restart((total) => stream.consumed(total));

  const relay = new Relay({ read: readerOf(pair), parseError: dialectOf(pair).parseError, terms: TERMS }, stream, {
    drain: undefined,
    journalMs: 60_000,
    onBytes: NOT_CALLED,
  });
  const call = { sent: true, pause: NOT_CALLED, resume: NOT_CALLED, abort: NOT_CALLED, release: NOT_CALLED };
  const client = { send: () => call };
  const result = relay.run(client as never, { target: {}, message: {} } as never, Promise.resolve());
  relay.head(HEAD);
  let next = 0;
  let over = false;
  const push = (): void => {
    const piece = pieces[next];
    next += 1;
    if (over) return;
    if (piece === undefined) return relay.end();
    // One turn for the bus, one for the delivery.
    setImmediate(() => setImmediate(push));
    relay.data(piece);
  };
  setImmediate(push);
  const { error, report, totalBytes } = await result;
  over = true;
  if (error !== undefined) throw error;
  const { usage, tail } = report;
  stream.end({ totalBytes, bill: { usage, ...NO_COST }, tail });
  const end = await ended.promise;
  delivery.end(ANSWER, end.bill, end.tail);
  return { bytes, writes, outputTokens: usage['output'] ?? 0 };
};
