// Puts the bus of a process together, and takes it apart again in order.
import { setTimeout as sleep } from 'node:timers/promises';
import { STREAMS, SUBJECTS, type BucketName, type MoneyLine, type TrailLine } from '@waystation/contracts';
import type {
  Bus,
  ConsumeHandler,
  ConsumeOptions,
  Consumer,
  KvBucket,
  RpcHandler,
  StreamHandler,
  Subscription,
} from './bus.js';
import type { CoreConnection } from './connection/core-connection.js';
import { connectNats } from './connection/nats-connection.js';
import { watchOutage } from './connection/outage.js';
import { createTurn, type Turn } from './connection/turn.js';
import { startConsumer } from './consume/consume.js';
import { createInbox, randomText } from './inbox/inbox.js';
import { createJetStreamApi } from './jetstream/jetstream-api.js';
import { createJournal, type OwnJournal } from './journal/journal.js';
import { openBucket } from './kv/kv-bucket.js';
import { createLiveness } from './liveness/liveness.js';
import { watchLoop } from './liveness/loop-watch.js';
import { BUS_BYTES, BUS_TIMES, type BusOptions, type BusTimes } from './options.js';
import { provisionPlan } from './provision/provision-streams.js';
import { bucketPlans, journalPlans, type ProvisionOptions } from './provision/stream-configs.js';
import { createRpcCaller } from './rpc/rpc-caller.js';
import { createRpcHost } from './rpc/rpc-host.js';
import { createSignals } from './signal/signals.js';
import type { StreamPort } from './stream/port.js';
import { createStreamCaller } from './stream/stream-caller.js';
import { createStreamHost } from './stream/stream-host.js';

/** Streams wait for the ack of their first fact: two batches on their way keep that wait short. Nobody waits for the trail. */
const FACT_BATCHES_ON_WAY_MAX = 2;
const TRAIL_BATCHES_ON_WAY_MAX = 1;
/** Short for money: what a dying process takes along is settled from what its other witness knows, or as an estimate. */
const FACT_LINGER_MS = 10;
const TRAIL_LINGER_MS = 50;

const INSTANCE_TEXT_LENGTH = 10;

/** What `provisionStreams` needs of a bus and its users do not see. */
const provisioners = new WeakMap<
  Bus,
  (options: ProvisionOptions, what: readonly ProvisionTarget[] | undefined) => Promise<void>
>();

export type ProvisionTarget = 'FACTS' | 'TRAIL' | 'buckets';

/** Who looks after what: the permissions of a service's NATS user allow it no more. */
const PROVISIONER: Readonly<Record<ProvisionTarget, string>> = {
  FACTS: 'billing',
  TRAIL: 'logging',
  buckets: 'control',
};
const ALL_TARGETS = Object.keys(PROVISIONER) as ProvisionTarget[];

type Log = NonNullable<BusOptions['log']>;

/** Everything between the connection and the app. Separate from `connectBus`, so that tests can put another network below it. */
export const createBus = (
  connection: CoreConnection,
  turn: Turn,
  options: BusOptions,
  times: BusTimes,
  log: Log,
): Bus => {
  const instance = `${options.service}-${randomText(INSTANCE_TEXT_LENGTH)}`;
  const warn = (message: string, fields: Record<string, unknown>): void => log('warn', message, fields);
  const outage = watchOutage(connection);
  const inbox = createInbox(connection, SUBJECTS.inbox(options.service, instance));
  const api = createJetStreamApi(connection, inbox, times.journalAckTimeoutMs);
  const liveness = createLiveness(
    connection,
    outage,
    times,
    { instance, services: options.services, release: options.release },
    warn,
  );
  const loop = watchLoop(times.acceptTimeoutMs / 2);
  const { onTaken = () => undefined } = options;
  const shared = { instance, connection, outage, inbox, liveness, loop, turn, times };
  const port: StreamPort = { ...shared, bounds: BUS_BYTES, onTaken, log };
  const rpcHost = createRpcHost(connection, onTaken, warn);
  const rpcCaller = createRpcCaller(connection, inbox, rpcHost, outage, times);
  const streamHost = createStreamHost(port);
  const streamCaller = createStreamCaller(port, streamHost);
  const signals = createSignals(connection, instance, warn);
  const serving = new Set<Subscription>();
  const consuming = new Set<Subscription>();
  let batches = 0;
  let facts: OwnJournal<MoneyLine> | undefined;
  let trail: OwnJournal<TrailLine> | undefined;
  let provisioned: ProvisionOptions = {};

  connection.onState((state) => log(state === 'connected' ? 'info' : 'warn', `the bus is ${state}`, { instance }));
  connection.onRefusal(({ operation, subject }) =>
    log('error', 'NATS refused a subject: check the permissions of the user', { operation, subject }),
  );

  const journalParts = {
    connection,
    outage,
    inbox,
    turn,
    api,
    times,
    instance,
    nextBatchId: () => `${instance}-${batches++}`,
  };
  const provision = async (told: ProvisionOptions, asked: readonly ProvisionTarget[] | undefined): Promise<void> => {
    const { streamReplicas } = options;
    const wanted = streamReplicas === undefined ? told : { replicas: streamReplicas, ...told };
    provisioned = wanted;
    const journals = journalPlans(wanted, times.ackWaitMs);
    const ours = ALL_TARGETS.filter((target) => options.services.includes(PROVISIONER[target]));
    const plans = (asked ?? (ours.length > 0 ? ours : ALL_TARGETS)).flatMap((target) =>
      target === 'buckets' ? bucketPlans(wanted) : [journals[target]],
    );
    for (const plan of plans) await provisionPlan(api, plan, log);
  };
  const keep = <Kept extends Subscription>(subscription: Kept, among: Set<Subscription>): Kept => {
    among.add(subscription);
    return { ...subscription, drain: () => subscription.drain().finally(() => among.delete(subscription)) };
  };

  const bus: Bus = {
    instance,
    get state() {
      return connection.state;
    },
    onState: (listener) => connection.onState(listener),
    async answersWithin(timeoutMs) {
      if (connection.state !== 'connected') return false;
      const answered = connection.flush().then(
        () => true,
        () => false,
      );
      return Promise.race([answered, sleep(timeoutMs, false, { ref: false })]);
    },
    request: (contract, request, requestOptions) => rpcCaller.request(contract, request, requestOptions),
    async handle(contract, handler: RpcHandler<never, never>) {
      const subscription = keep(rpcHost.handle(contract, handler as never), serving);
      await connection.flush();
      return subscription;
    },
    openStream: (contract, key, request, body, openOptions, reader) =>
      streamCaller.open(contract, key, request, body, openOptions, reader),
    async handleStream(contract, keys, handler: StreamHandler<never, never>) {
      const subscription = keep(streamHost.handle(contract, keys, handler as never), serving);
      await connection.flush();
      return subscription;
    },
    signal: (contract, to, message) => signals.signal(contract, to, message),
    async onSignal(contract, from, handler) {
      const subscription = signals.onSignal(contract, from, handler);
      await connection.flush();
      return subscription;
    },
    get facts() {
      facts ??= createJournal<MoneyLine>(
        journalParts,
        {
          stream: STREAMS.FACTS.name,
          durable: STREAMS.FACTS.durable,
          subject: SUBJECTS.moneyFact(instance),
          batchesOnWayMax: FACT_BATCHES_ON_WAY_MAX,
          lingerMs: FACT_LINGER_MS,
        },
        BUS_BYTES,
        log,
      );
      return facts;
    },
    get trail() {
      trail ??= createJournal<TrailLine>(
        journalParts,
        {
          stream: STREAMS.TRAIL.name,
          durable: STREAMS.TRAIL.durable,
          subject: SUBJECTS.trailFact(instance),
          batchesOnWayMax: TRAIL_BATCHES_ON_WAY_MAX,
          lingerMs: TRAIL_LINGER_MS,
        },
        BUS_BYTES,
        log,
      );
      return trail;
    },
    consume(stream: 'FACTS' | 'TRAIL', consumeOptions: ConsumeOptions, handler: ConsumeHandler): Promise<Consumer> {
      const ensure = (): Promise<void> => provision(provisioned, [stream]);
      return Promise.resolve(
        keep(
          startConsumer(
            { connection, outage, inbox, api, times, ensure, log },
            STREAMS[stream],
            consumeOptions,
            handler,
          ),
          consuming,
        ),
      );
    },
    kv: (bucket: BucketName): Promise<KvBucket> =>
      Promise.resolve(openBucket({ connection, outage, inbox, api, times, log }, bucket)),

    async close(timeoutMs) {
      const endsAt = performance.now() + timeoutMs;
      const leftMs = (): number => Math.max(0, endsAt - performance.now());
      const within = async (work: Promise<unknown>): Promise<void> => {
        let timer: NodeJS.Timeout | undefined;
        await Promise.race([
          work.catch((error: unknown) => warn('closing went wrong', { error })),
          new Promise((resolve) => (timer = setTimeout(resolve, leftMs()))),
        ]);
        clearTimeout(timer);
      };
      // First nothing new, then what runs, then what is owed.
      await within(Promise.all([...serving, ...consuming].map((subscription) => subscription.drain())));
      streamHost.close();
      streamCaller.close();
      for (const journal of [facts, trail])
        if (journal !== undefined && leftMs() > 0) await within(journal.flush(leftMs()));
      liveness.leave();
      await within(connection.close());
      rpcCaller.close();
      facts?.stop();
      trail?.stop();
      liveness.stop();
      loop.stop();
      outage.stop();
    },
  };
  provisioners.set(bus, provision);
  return bus;
};

const SILENT: Log = () => undefined;

/** Connects a process. @throws WaystationError `bus_unavailable` when NATS cannot be reached in time, refuses us, or is older than 2.10. */
export const connectBus = async (options: BusOptions): Promise<Bus> => {
  const log = options.log ?? SILENT;
  const times: BusTimes = { ...BUS_TIMES, ...options.times };
  const turn = createTurn((error) => log('error', 'sending failed', { error }));
  const connection = await connectNats(options, times, turn, (error, where) =>
    log('error', 'the bus connection met an error', { where, error }),
  );
  return createBus(connection, turn, options, times, log);
};

/**
 * Makes the journal's streams with their durables and the KV buckets, or changes them where they differ. Idempotent; before any publisher is ready.
 * `what` defaults to what the services of this process look after (billing: FACTS, logging: TRAIL, control: buckets), and to all where it is none of them.
 * @throws WaystationError naming what differs and cannot be changed.
 */
export const provisionStreams = async (
  bus: Bus,
  options: ProvisionOptions = {},
  what?: readonly ProvisionTarget[],
): Promise<void> => {
  const provision = provisioners.get(bus);
  if (provision === undefined) throw new Error('provisionStreams needs a bus made by connectBus.');
  await provision(options, what);
};
