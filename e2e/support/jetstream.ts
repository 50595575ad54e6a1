// What lies in JetStream, for questions about what must not.
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { RunningSystem } from '@waystation/testing';

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
