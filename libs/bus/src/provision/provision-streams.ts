// Makes what is missing, reads everything back and compares: a process never runs on a stream that keeps less than it promises.
import { WaystationError } from '@waystation/contracts';
import { JETSTREAM_ERRORS, jetStreamErrorOf, type JetStreamApi } from '../jetstream/jetstream-api.js';
import type { ServerConfig, StreamPlan } from './stream-configs.js';

type Log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;

interface Difference {
  readonly field: string;
  readonly wanted: unknown;
  readonly found: unknown;
}

/** Absent fields are the server's zero values. */
const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === 0 || value === false || value === '';

export const differencesOf = (wanted: ServerConfig, found: ServerConfig): Difference[] =>
  Object.entries(wanted)
    .filter(
      ([field, value]) =>
        !(isEmpty(value) && isEmpty(found[field])) && JSON.stringify(value) !== JSON.stringify(found[field]),
    )
    .map(([field, value]) => ({ field, wanted: value, found: found[field] }));

const describe = (differences: readonly Difference[]): string =>
  differences
    .map(({ field, wanted, found }) => `${field} is ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`)
    .join(', ');

const configOf = (reply: Record<string, unknown>): ServerConfig => (reply['config'] ?? {}) as ServerConfig;

const readOr = async (api: JetStreamApi, subject: string, notFound: number): Promise<ServerConfig | undefined> => {
  try {
    return configOf(await api.request(subject, undefined));
  } catch (error) {
    if (jetStreamErrorOf(error) === notFound) return undefined;
    throw error;
  }
};

/** One thing of the server: how to read and change it. */
interface Kept {
  readonly what: string;
  readonly wanted: ServerConfig;
  read(): Promise<ServerConfig | undefined>;
  change(config: ServerConfig): Promise<unknown>;
}
interface Provisioned extends Kept {
  make(): Promise<unknown>;
}

const compare = async (thing: Kept, found: ServerConfig, log: Log): Promise<void> => {
  let differences = differencesOf(thing.wanted, found);
  if (differences.length === 0) return;
  log('warn', 'the server has another configuration; it is changed', {
    what: thing.what,
    differences: describe(differences),
  });
  try {
    await thing.change({ ...found, ...thing.wanted });
  } catch (cause) {
    throw new WaystationError(
      'internal',
      `${thing.what} has another configuration that cannot be changed while it exists: ${describe(differences)}. Move its messages away and delete it, or restore it.`,
      { cause },
    );
  }
  differences = differencesOf(thing.wanted, (await thing.read()) ?? {});
  if (differences.length > 0)
    throw new WaystationError('internal', `${thing.what} kept another configuration: ${describe(differences)}.`);
};

const provision = async (thing: Provisioned, log: Log): Promise<void> => {
  let found = await thing.read();
  if (found === undefined) {
    try {
      await thing.make();
      log('info', 'provisioned', { what: thing.what });
    } catch (error) {
      // Another process was faster; what it made is compared below.
      const code = jetStreamErrorOf(error);
      if (code !== JETSTREAM_ERRORS.streamNameInUse && code !== JETSTREAM_ERRORS.consumerExists) throw error;
    }
    found = await thing.read();
  }
  await compare(thing, found ?? {}, log);
};

/**
 * Idempotent, and safe when several processes do it at once. A stream takes its subjects only when its durable is there: with interest retention the server would
 * ack what comes before and drop it. @throws WaystationError `internal` naming what differs and cannot be changed.
 */
export const provisionPlan = async (api: JetStreamApi, plan: StreamPlan, log: Log): Promise<void> => {
  const { name, config, durable } = plan;
  const { subjects, ...others } = config;
  // Its own name: nothing that anybody publishes.
  const closed = [name];
  const stream = {
    what: `Stream ${name}`,
    read: () => readOr(api, `$JS.API.STREAM.INFO.${name}`, JETSTREAM_ERRORS.streamNotFound),
    change: (changed: ServerConfig) => api.request(`$JS.API.STREAM.UPDATE.${name}`, changed),
  };
  const make = (made: ServerConfig): Promise<unknown> => api.request(`$JS.API.STREAM.CREATE.${name}`, made);
  if (durable === undefined) {
    await provision({ ...stream, wanted: config, make: () => make(config) }, log);
    return;
  }
  await provision({ ...stream, wanted: others, make: () => make({ ...others, subjects: closed }) }, log);
  const create = (wanted: ServerConfig, action: 'create' | 'update'): Promise<unknown> =>
    api.request(`$JS.API.CONSUMER.CREATE.${name}.${durable.name}`, {
      stream_name: name,
      config: { name: durable.name, ...wanted },
      action,
    });
  await provision(
    {
      what: `Consumer ${durable.name} of ${name}`,
      wanted: durable.config,
      read: () => readOr(api, `$JS.API.CONSUMER.INFO.${name}.${durable.name}`, JETSTREAM_ERRORS.consumerNotFound),
      make: () => create(durable.config, 'create'),
      change: (changed) => create(changed, 'update'),
    },
    log,
  );
  const found = await stream.read();
  if (found === undefined) throw new WaystationError('internal', `${stream.what} vanished while it was made.`);
  if (differencesOf({ subjects: closed }, found).length === 0) {
    await stream.change({ ...found, subjects });
    log('info', 'the stream takes what is published', { what: stream.what, subjects });
  } else await compare({ ...stream, wanted: { subjects } }, found, log);
};
