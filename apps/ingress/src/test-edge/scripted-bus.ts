// The one fake of the ingress's tests: a bus that answers as its script says and remembers what it was asked. Everything behind it is the ingress itself.
import type { Bus, BusState, KvWatchHandler, OpenStreamOptions, StreamCall, StreamReader } from '@waystation/bus';
import {
  attemptRunRequest,
  moneyLine,
  trailLine,
  type DecisionRecorded,
  type TrailLine,
  WaystationError,
  type AttemptEnd,
  type AttemptRunRequest,
  type BucketName,
  type GenerationFinished,
  type GenerationRecorded,
  type RpcContract,
} from '@waystation/contracts';

export interface OpenedStream {
  readonly provider: string;
  readonly request: AttemptRunRequest;
  readonly body: string;
  readonly reader: StreamReader<AttemptEnd>;
  readonly options: OpenStreamOptions;
  consumedBytes: number;
  cancelled?: string;
}

/** Plays the worker for the n-th stream that is opened. */
export type StreamScript = (stream: OpenedStream, ordinal: number) => void;

export interface ScriptedBus extends Bus {
  state: BusState;
  /** Answers by contract name; what has no script has no responder. */
  readonly rpc: Map<string, (request: never) => unknown>;
  /** Every rpc in order. */
  readonly asked: { readonly name: string; readonly request: Record<string, unknown> }[];
  worker: StreamScript;
  readonly streams: OpenedStream[];
  readonly factLines: GenerationFinished[];
  readonly trailLines: GenerationRecorded[];
  readonly decisionLines: DecisionRecorded[];
  factsHealthy: boolean;
  /** How long ago the snapshots were last fed. */
  silentMs: number;
  put(bucket: BucketName, key: string, value: unknown): void;
  /** Whether the server itself answers. */
  natsAnswers: boolean;
  /** Whether buckets answer. */
  kvAnswers: boolean;
  sendSignal(name: string, message: unknown): void;
  /** Signals that the ingress sent. */
  readonly signalled: { readonly name: string; readonly instance: string; readonly message: unknown }[];
}

export const createScriptedBus = (): ScriptedBus => {
  const buckets = new Map<string, Map<string, unknown>>();
  const watchers = new Map<string, KvWatchHandler[]>();
  const listeners = new Map<string, ((message: never) => void)[]>();
  const entriesOf = (bucket: string): Map<string, unknown> => {
    const entries = buckets.get(bucket) ?? new Map<string, unknown>();
    buckets.set(bucket, entries);
    return entries;
  };
  const subscription = { drain: async () => undefined };
  const unsupported = (): never => {
    throw new Error('the ingress does not use this part of the bus');
  };

  const reachable = (): void => {
    if (!bus.kvAnswers) throw new WaystationError('bus_unavailable', 'JetStream did not answer.');
  };

  const trail = (line: TrailLine): void => {
    const read = trailLine.parse(line);
    if (read.kind === 'decision.recorded') bus.decisionLines.push(read);
    else bus.trailLines.push(read);
  };

  const bus: ScriptedBus = {
    instance: 'ingress-test0001',
    state: 'connected',
    rpc: new Map(),
    asked: [],
    worker: (stream) => stream.reader.fail(new WaystationError('no_worker', 'No worker is subscribed.')),
    streams: [],
    factLines: [],
    trailLines: [],
    decisionLines: [],
    factsHealthy: true,
    silentMs: 0,
    kvAnswers: true,
    onState: () => undefined,
    answersWithin: async () => bus.state === 'connected' && bus.natsAnswers,
    natsAnswers: true,

    async request<Request, Reply>(contract: RpcContract<Request, Reply>, request: Request): Promise<Reply> {
      const valid = contract.request.parse(request);
      bus.asked.push({ name: contract.name, request: valid as Record<string, unknown> });
      const answer = bus.rpc.get(contract.name);
      if (answer === undefined) throw new WaystationError('no_responder', `Nobody answers ${contract.name}.`);
      return contract.reply.parse(await answer(valid as never));
    },
    handle: unsupported,

    openStream(_contract, provider, request, body, options, reader): StreamCall {
      const stream: OpenedStream = {
        provider,
        request: attemptRunRequest.parse(request),
        body: Buffer.from(body).toString(),
        reader: reader as unknown as StreamReader<AttemptEnd>,
        options,
        consumedBytes: 0,
      };
      bus.streams.push(stream);
      const ordinal = bus.streams.length - 1;
      setImmediate(() => {
        if (stream.cancelled === undefined) bus.worker(stream, ordinal);
      });
      return {
        call: `call-${ordinal}`,
        consumed: (totalBytes) => void (stream.consumedBytes = totalBytes),
        cancel: (reason) => void (stream.cancelled ??= reason),
      };
    },
    handleStream: unsupported,

    signalled: [],
    signal: (contract, instance, message) =>
      void bus.signalled.push({ name: contract.name, instance, message: contract.message.parse(message) }),
    async onSignal(contract, _instance, handler) {
      listeners.set(contract.name, [...(listeners.get(contract.name) ?? []), handler as (message: never) => void]);
      return subscription;
    },

    facts: {
      append: async (line) => void bus.factLines.push(moneyLine.parse(line) as GenerationFinished),
      appendSoon: async (line) => void bus.factLines.push(moneyLine.parse(line) as GenerationFinished),
      get healthy() {
        return bus.factsHealthy;
      },
      unackedBytes: 0,
      flush: async () => undefined,
    },
    trail: {
      append: async (line) => trail(line),
      appendSoon: async (line) => trail(line),
      healthy: true,
      unackedBytes: 0,
      flush: async () => undefined,
    },
    consume: unsupported,

    async kv(bucket) {
      return {
        async get(key) {
          reachable();
          return entriesOf(bucket).get(key);
        },
        async create(key, value) {
          reachable();
          if (entriesOf(bucket).has(key)) return false;
          entriesOf(bucket).set(key, value);
          return true;
        },
        async put(key, value) {
          reachable();
          entriesOf(bucket).set(key, value);
        },
        async delete(key) {
          reachable();
          entriesOf(bucket).delete(key);
        },
        keys: async () => [...entriesOf(bucket).keys()],
        async watch(_filter, handler) {
          watchers.set(bucket, [...(watchers.get(bucket) ?? []), handler]);
          for (const [key, value] of entriesOf(bucket)) handler.entry(key, value);
          handler.synced();
          return { silentMs: () => bus.silentMs, stop: () => undefined };
        },
      };
    },

    put(bucket, key, value) {
      entriesOf(bucket).set(key, value);
      for (const handler of watchers.get(bucket) ?? []) handler.entry(key, value);
    },
    sendSignal(name, message) {
      for (const listener of listeners.get(name) ?? []) listener(message as never);
    },
    close: async () => undefined,
  };
  return bus;
};
