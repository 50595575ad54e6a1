// A bucket of JetStream's key-value layout (stream KV_<bucket>, subject $KV.<bucket>.<key>): what the bucket holds is JSON, one value per key.
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-8.md
import { WaystationError } from '@waystation/contracts';
import type { KvBucket } from '../bus.js';
import type { CoreHeaders, CoreMessage } from '../connection/core-connection.js';
import {
  JETSTREAM_ERRORS,
  NANOS_PER_MS,
  jetStreamErrorOf,
  parseAckSubject,
  parseApiReply,
} from '../jetstream/jetstream-api.js';
import { encodeJson, parseJson } from '../message/validate.js';
import { randomText } from '../inbox/inbox.js';
import { startWatch, type KvParts } from './kv-watch.js';

const KEY = /^[-/_=.a-zA-Z0-9]+$/;
const STATUS_NOT_FOUND = 404;
const EMPTY = Buffer.alloc(0);
const CREATE_TRIES_MAX = 3;

export const streamOfBucket = (bucket: string): string => `KV_${bucket}`;
export const subjectOfKey = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;

const assertKey = (key: string): void => {
  if (!KEY.test(key) || key.startsWith('.') || key.endsWith('.') || key.includes('..')) {
    throw new WaystationError('bad_message', 'A key may hold letters, digits and -/_=. only; encode everything else.');
  }
};

/** A deletion is a message, too: it has an operation and no value. */
const isDeleted = (message: CoreMessage): boolean => {
  const operation = message.header('KV-Operation');
  return operation === 'DEL' || operation === 'PURGE';
};

export const openBucket = (parts: KvParts, bucket: string): KvBucket => {
  const { api } = parts;
  const stream = streamOfBucket(bucket);

  const read = async (key: string): Promise<CoreMessage | undefined> => {
    assertKey(key);
    const message = await api.exchange(`$JS.API.DIRECT.GET.${stream}.${subjectOfKey(bucket, key)}`, EMPTY);
    if (message.status === STATUS_NOT_FOUND) return undefined;
    if (message.status !== 0)
      throw new WaystationError(
        'internal',
        `Reading from bucket ${bucket} failed: ${message.status} ${message.description}.`,
      );
    return message;
  };

  const write = async (key: string, payload: Uint8Array, headers?: CoreHeaders): Promise<void> => {
    assertKey(key);
    const subject = subjectOfKey(bucket, key);
    const ack = await api.exchange(subject, payload, headers);
    parseApiReply(ack.data, subject);
  };

  return {
    async get(key) {
      const message = await read(key);
      return message === undefined || isDeleted(message)
        ? undefined
        : parseJson(message.data, `The value of a key in ${bucket}`);
    },

    async create(key, value) {
      let expected = '0';
      for (let attempt = 0; attempt < CREATE_TRIES_MAX; attempt += 1) {
        try {
          await write(key, encodeJson(value), [['Nats-Expected-Last-Subject-Sequence', expected]]);
          return true;
        } catch (error) {
          if (jetStreamErrorOf(error) !== JETSTREAM_ERRORS.wrongLastSequence) throw error;
          // Something is there: a value means no, a deletion may be replaced.
          const message = await read(key);
          if (message !== undefined && !isDeleted(message)) return false;
          expected = message?.header('Nats-Sequence') ?? '0';
        }
      }
      return false;
    },

    put: (key, value) => write(key, encodeJson(value)),
    delete: (key) => write(key, EMPTY, [['KV-Operation', 'DEL']]),

    keys: () =>
      new Promise<string[]>((resolve, reject) => {
        const found: string[] = [];
        const settle = (): void => {
          clearTimeout(timer);
          void subscription.drain();
        };
        const done = (): void => {
          settle();
          resolve(found);
        };
        const timer = setTimeout(() => {
          settle();
          reject(new WaystationError('bus_unavailable', `The keys of bucket ${bucket} did not come in time.`));
        }, parts.times.rpcTimeoutMs);
        const { subject, subscription } = parts.inbox.deliverTo((message) => {
          const info = parseAckSubject(message.reply);
          if (message.status !== 0 || info === undefined) return;
          if (!isDeleted(message)) found.push(message.subject.slice(subjectOfKey(bucket, '').length));
          if (info.pending === 0) done();
        });
        const name = `keys-${randomText(12)}`;
        api
          .request(`$JS.API.CONSUMER.CREATE.${stream}.${name}.${subjectOfKey(bucket, '>')}`, {
            stream_name: stream,
            config: {
              name,
              deliver_policy: 'last_per_subject',
              ack_policy: 'none',
              filter_subject: subjectOfKey(bucket, '>'),
              deliver_subject: subject,
              headers_only: true,
              mem_storage: true,
              num_replicas: 1,
              inactive_threshold: parts.times.rpcTimeoutMs * NANOS_PER_MS,
            },
          })
          .then(
            (reply) => {
              if (reply['num_pending'] === 0) done();
            },
            (error: unknown) => {
              settle();
              reject(error as Error);
            },
          );
      }),

    watch: (filter, handler) => Promise.resolve(startWatch(parts, bucket, filter, handler)),
  };
};
