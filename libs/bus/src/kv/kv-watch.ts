// Watches keys through an ordered push consumer. Any doubt (a gap in its sequence, missed heartbeats, a reconnect) starts it afresh from the last
// value of every key, so that a watcher never misses a change for longer than a few heartbeats.
import type { KvWatch, KvWatchHandler } from '../bus.js';
import type { CoreConnection, CoreMessage, CoreSubscription } from '../connection/core-connection.js';
import type { Outage } from '../connection/outage.js';
import { randomText, type Inbox } from '../inbox/inbox.js';
import { NANOS_PER_MS, parseAckSubject, type JetStreamApi } from '../jetstream/jetstream-api.js';
import { parseJson } from '../message/validate.js';
import type { BusTimes } from '../options.js';
import { streamOfBucket, subjectOfKey } from './kv-bucket.js';

export interface KvParts {
  readonly connection: CoreConnection;
  readonly outage: Outage;
  readonly inbox: Inbox;
  readonly api: JetStreamApi;
  readonly times: BusTimes;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
}

const HEARTBEATS_MISSED_MAX = 3;
/** The server's own minimum for idle heartbeats. */
const HEARTBEAT_MS_MIN = 100;
const RETRY_MS_MAX = 2_000;
const EMPTY = Buffer.alloc(0);

export const startWatch = (parts: KvParts, bucket: string, filter: string, handler: KvWatchHandler): KvWatch => {
  const { connection, outage, inbox, api, times } = parts;
  const stream = streamOfBucket(bucket);
  const heartbeatMs = Math.max(HEARTBEAT_MS_MIN, times.aliveEveryMs);
  let current: CoreSubscription | undefined;
  let consumerSequence = 0;
  let synced = false;
  let heardAt = -Infinity;
  let startedAt = -Infinity;
  let retryMs = times.reconnectWaitMs;
  let retry: NodeJS.Timeout | undefined;
  let stopped = false;

  const markSynced = (): void => {
    if (synced) return;
    synced = true;
    handler.synced();
  };

  const abandon = (): void => {
    void current?.drain();
    current = undefined;
  };

  const startAgain = (reason: string, error?: unknown): void => {
    abandon();
    if (stopped || retry !== undefined || connection.state !== 'connected') return;
    parts.log('warn', 'a watch starts again', { bucket, reason, ...(error === undefined ? {} : { error }) });
    retry = setTimeout(() => {
      retry = undefined;
      void start();
    }, retryMs);
    retry.unref();
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  };

  const onEntry = (message: CoreMessage): void => {
    const info = parseAckSubject(message.reply);
    if (info === undefined) return;
    if (info.consumerSequence !== consumerSequence + 1) {
      startAgain(`message ${info.consumerSequence} came after ${consumerSequence}`);
      return;
    }
    consumerSequence = info.consumerSequence;
    const key = message.subject.slice(subjectOfKey(bucket, '').length);
    const operation = message.header('KV-Operation');
    // The server marks what it removed by age.
    const removed = operation === 'DEL' || operation === 'PURGE' || message.header('Nats-Marker-Reason') !== undefined;
    let value: unknown;
    try {
      value = removed ? undefined : parseJson(message.data, `The value of a key in ${bucket}`);
    } catch (error) {
      parts.log('error', 'a stored value is not JSON', { bucket, key, error });
      if (info.pending === 0) markSynced();
      return;
    }
    handler.entry(key, value);
    if (info.pending === 0) markSynced();
  };

  const onStatus = (message: CoreMessage): void => {
    if (message.status !== 100) {
      startAgain(`status ${message.status} ${message.description}`);
      return;
    }
    // Flow control is answered; a heartbeat of a consumer that waits for such an answer names the subject in a header.
    const answerTo = message.reply !== '' ? message.reply : message.header('Nats-Consumer-Stalled');
    if (answerTo !== undefined && answerTo !== '') connection.publish(answerTo, EMPTY);
    const last = Number(message.header('Nats-Last-Consumer'));
    if (message.header('Nats-Last-Consumer') !== undefined && last !== consumerSequence)
      startAgain(`the server sent ${last} messages, ${consumerSequence} came`);
  };

  const start = async (): Promise<void> => {
    if (stopped || connection.state !== 'connected') return;
    abandon();
    consumerSequence = 0;
    synced = false;
    startedAt = performance.now();
    let told = false;
    const tell = (): void => {
      if (told) return;
      told = true;
      handler.resync?.();
    };
    const { subject, subscription } = inbox.deliverTo((message) => {
      if (current !== subscription) return;
      heardAt = performance.now();
      if (message.status !== 0) onStatus(message);
      else {
        tell();
        onEntry(message);
      }
    });
    current = subscription;
    const name = `watch-${randomText(12)}`;
    try {
      const reply = await api.request(`$JS.API.CONSUMER.CREATE.${stream}.${name}.${subjectOfKey(bucket, filter)}`, {
        stream_name: stream,
        config: {
          name,
          deliver_policy: 'last_per_subject',
          ack_policy: 'none',
          max_deliver: 1,
          filter_subject: subjectOfKey(bucket, filter),
          deliver_subject: subject,
          idle_heartbeat: heartbeatMs * NANOS_PER_MS,
          flow_control: true,
          mem_storage: true,
          num_replicas: 1,
          inactive_threshold: heartbeatMs * HEARTBEATS_MISSED_MAX * NANOS_PER_MS,
        },
      });
      if (current !== subscription) return;
      heardAt = performance.now();
      retryMs = times.reconnectWaitMs;
      tell();
      // Nothing stored: there will be no message to say that it was the last one.
      if (reply['num_pending'] === 0 && consumerSequence === 0) markSynced();
    } catch (error) {
      if (current === subscription) startAgain('the consumer could not be made', error);
    }
  };

  const watching = setInterval(() => {
    const quietMs = performance.now() - Math.max(heardAt, startedAt);
    if (
      connection.state === 'connected' &&
      retry === undefined &&
      quietMs > Math.max(heartbeatMs * HEARTBEATS_MISSED_MAX, times.journalAckTimeoutMs)
    )
      startAgain('no heartbeat came');
  }, heartbeatMs);
  watching.unref();
  const offReconnect = outage.onReconnect(() => {
    if (retry !== undefined) clearTimeout(retry);
    retry = undefined;
    void start();
  });
  void start();

  return {
    silentMs: () => performance.now() - heardAt,
    stop() {
      stopped = true;
      offReconnect();
      abandon();
      clearInterval(watching);
      if (retry !== undefined) clearTimeout(retry);
    },
  };
};
