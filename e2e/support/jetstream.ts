// What lies in JetStream, for questions about what must not.
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { STREAMS } from '@waystation/contracts';
import type { RunningSystem } from '@waystation/testing';
import { until } from './wait.ts';

export const withNats = async <Result>(
  system: RunningSystem,
  work: (nats: NatsConnection) => Promise<Result>,
): Promise<Result> => {
  const { url, user, password } = system.nats;
  const nats = await connect({
    servers: url,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    inboxPrefix: '_INBOX.operator',
  });
  try {
    return await work(nats);
  } finally {
    await nats.close();
  }
};

/** Bytes of all streams, key-value buckets among them. */
export const atRestBytes = (system: RunningSystem): Promise<number> =>
  withNats(system, async (nats) => {
    const manager = await jetstreamManager(nats);
    let bytes = 0;
    for await (const stream of manager.streams.list()) bytes += stream.state.bytes;
    return bytes;
  });

/** Facts that are stored, and not settled by billing. */
export const factsPending = (system: RunningSystem): Promise<number> =>
  withNats(system, async (nats) => {
    const { name, durable } = STREAMS.FACTS;
    const { num_pending: waiting, num_ack_pending: handed } = await (
      await jetstreamManager(nats)
    ).consumers.info(name, durable);
    return waiting + handed;
  });

export const factsSettled = (system: RunningSystem, withinMs: number): Promise<true> =>
  until('all facts are settled', withinMs, async () => ((await factsPending(system)) === 0 ? true : undefined));
