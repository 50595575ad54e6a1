// Reads a journal stream through its durable consumer: pulls ahead a bounded number of messages, hands their lines over in order, one call at a time,
// and acks a message when all its lines were committed. A rejected call gives its messages back to the server, which redelivers them later.
import { journalBatch, type STREAMS } from '@waystation/contracts';
import type { ConsumedLine, ConsumeHandler, ConsumeOptions, Consumer } from '../bus.js';
import type { CoreConnection, CoreMessage } from '../connection/core-connection.js';
import type { Outage } from '../connection/outage.js';
import type { Inbox } from '../inbox/inbox.js';
import { NANOS_PER_MS, parseAckSubject, type JetStreamApi } from '../jetstream/jetstream-api.js';
import { encodeJson } from '../message/validate.js';
import type { BusTimes } from '../options.js';

export interface ConsumeParts {
  readonly connection: CoreConnection;
  readonly outage: Outage;
  readonly inbox: Inbox;
  readonly api: JetStreamApi;
  readonly times: BusTimes;
  /** Makes stream and durable again where they are missing. */
  ensure(): Promise<void>;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
}

/** A delivered message whose lines are not all handled yet. */
interface Delivery {
  readonly reply: string;
  readonly lines: readonly ConsumedLine[];
  readonly deliveries: number;
  readonly receivedAt: number;
  /** The next line to hand over. */
  next: number;
}

const ACK = Buffer.from('+ACK');
const WORKING = Buffer.from('+WPI');
const PULL_EXPIRES_MS = 20_000;
const REDELIVER_AFTER_MS_MIN = 250;
const REDELIVER_AFTER_MS_MAX = 15_000;
/** A pull without any sign from the server for so many heartbeats is made again; the server says nothing where a stream vanished. */
const HEARTBEATS_MISSED_MAX = 3;
/** While a delivery waits or is worked on the server is told so often per ack wait, so that it is not delivered a second time. */
const WORKING_PER_ACK_WAIT = 4;

const asNumber = (value: unknown): number => (typeof value === 'number' ? value : 0);

const linesOf = (message: CoreMessage, sequence: number, deliveries: number): ConsumedLine[] => {
  try {
    const batch = journalBatch.parse(
      JSON.parse(Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength).toString('utf8')),
    );
    const traceparent = message.header('traceparent');
    return batch.lines.map((line, index) => ({
      line,
      position: `${sequence}/${index}`,
      instance: batch.instance,
      deliveries,
      ...(traceparent === undefined ? {} : { traceparent }),
    }));
  } catch {
    const instance = message.subject.split('.').at(-1) ?? '';
    return [{ line: undefined, position: `${sequence}/0`, instance, deliveries }];
  }
};

export const startConsumer = (
  parts: ConsumeParts,
  stream: (typeof STREAMS)[keyof typeof STREAMS],
  options: ConsumeOptions,
  handler: ConsumeHandler,
): Consumer => {
  const { connection, outage, inbox, api, times } = parts;
  const nextSubject = `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${stream.durable}`;
  const heartbeatMs = Math.max(100, times.aliveEveryMs);
  const waiting: Delivery[] = [];
  let working: readonly Delivery[] = [];
  let requested = 0;
  let heardAt = performance.now();
  let stopped = false;
  let handling: Promise<void> | undefined;
  let linger: NodeJS.Timeout | undefined;
  let ensuring = false;
  let idle: (() => void) | undefined;

  // pulling

  const delivery = inbox.deliverTo((message) => onMessage(message));

  const pull = (): void => {
    if (stopped || connection.state !== 'connected') return;
    const room = options.maxInFlight - waiting.length - working.length - requested;
    // Pulls are made in halves, not one message at a time.
    if (room <= 0 || (requested > 0 && room < options.maxInFlight / 2)) return;
    requested += room;
    heardAt = performance.now();
    connection.publish(
      nextSubject,
      encodeJson({ batch: room, expires: PULL_EXPIRES_MS * NANOS_PER_MS, idle_heartbeat: heartbeatMs * NANOS_PER_MS }),
      delivery.subject,
    );
  };

  const pullAfresh = (): void => {
    requested = 0;
    pull();
  };

  const missing = (reason: string): void => {
    requested = 0;
    if (stopped || ensuring) return;
    ensuring = true;
    parts.log('warn', 'the durable consumer does not answer', { stream: stream.name, durable: stream.durable, reason });
    setTimeout(() => {
      parts
        .ensure()
        .catch((error: unknown) =>
          parts.log('warn', 'the durable consumer could not be made again', { stream: stream.name, error }),
        )
        .finally(() => {
          ensuring = false;
          pullAfresh();
        });
    }, times.reconnectWaitMs);
  };

  const onMessage = (message: CoreMessage): void => {
    heardAt = performance.now();
    if (message.status !== 0) {
      onStatus(message);
      return;
    }
    const info = parseAckSubject(message.reply);
    if (info === undefined) return;
    requested = Math.max(0, requested - 1);
    if (stopped) return;
    waiting.push({
      reply: message.reply,
      lines: linesOf(message, info.streamSequence, info.deliveries),
      deliveries: info.deliveries,
      receivedAt: performance.now(),
      next: 0,
    });
    pull();
    if (options.lingerMs !== undefined && options.lingerMs > 0 && lineCount() < options.batchLines) {
      linger ??= setTimeout(work, options.lingerMs);
    } else work();
  };

  const onStatus = (message: CoreMessage): void => {
    switch (message.status) {
      case 100: // idle heartbeat
        return;
      case 404: // no messages
      case 408: {
        // the pull expired; says how many messages it did not get
        const left = Number(message.header('Nats-Pending-Messages'));
        requested = Number.isFinite(left) ? Math.max(0, requested - left) : 0;
        pull();
        return;
      }
      case 409: // consumer deleted, leadership change, server shutdown, limits
        if (/deleted/i.test(message.description)) missing(message.description);
        else {
          requested = 0;
          setTimeout(pull, times.reconnectWaitMs).unref();
        }
        return;
      case 503:
        missing('nobody answers pulls');
        return;
      default:
        parts.log('warn', 'a pull was answered with an unknown status', {
          stream: stream.name,
          status: message.status,
          description: message.description,
        });
    }
  };

  // working

  const lineCount = (): number => waiting.reduce((count, delivery) => count + delivery.lines.length - delivery.next, 0);

  const gather = (): { lines: ConsumedLine[]; deliveries: Delivery[] } => {
    const lines: ConsumedLine[] = [];
    const deliveries: Delivery[] = [];
    for (const delivery of waiting) {
      const room = options.batchLines - lines.length;
      if (room <= 0) break;
      const taken = delivery.lines.slice(delivery.next, delivery.next + room);
      delivery.next += taken.length;
      for (const line of taken) lines.push(line);
      deliveries.push(delivery);
    }
    return { lines, deliveries };
  };

  const redeliver = (delivery: Delivery): void => {
    const delayMs = Math.min(
      REDELIVER_AFTER_MS_MIN * 2 ** Math.min(delivery.deliveries - 1, 10),
      REDELIVER_AFTER_MS_MAX,
    );
    connection.publish(delivery.reply, Buffer.from(`-NAK {"delay":${delayMs * NANOS_PER_MS}}`));
  };

  const handleOnce = async (): Promise<void> => {
    const { lines, deliveries } = gather();
    working = deliveries;
    let committed = true;
    try {
      await handler(lines);
    } catch (error) {
      committed = false;
      parts.log('warn', 'a batch was not committed; it will come again', {
        stream: stream.name,
        lines: lines.length,
        first: lines[0]?.position,
        error,
      });
    }
    for (const delivery of deliveries) {
      if (committed && delivery.next < delivery.lines.length) continue;
      const at = waiting.indexOf(delivery);
      // Gone where the connection was lost meanwhile: the server delivers it again.
      if (at !== -1) waiting.splice(at, 1);
      else continue;
      if (committed) connection.publish(delivery.reply, ACK);
      else redeliver(delivery);
    }
    working = [];
  };

  const workAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      await handleOnce();
      pull();
    }
  };

  const work = (): void => {
    clearTimeout(linger);
    linger = undefined;
    if (handling !== undefined) return;
    handling = workAll().finally(() => {
      handling = undefined;
      idle?.();
    });
  };

  // watching

  outage.onReconnect(() => {
    // What was delivered before stays ours for the durable's ack wait; its acks work on the new connection, too.
    pullAfresh();
  });
  const watching = setInterval(() => {
    if (
      connection.state === 'connected' &&
      !ensuring &&
      performance.now() - heardAt > heartbeatMs * HEARTBEATS_MISSED_MAX
    )
      missing('no heartbeat came');
  }, heartbeatMs);
  const workingEveryMs = times.ackWaitMs / WORKING_PER_ACK_WAIT;
  const keeping = setInterval(() => {
    for (const { reply, receivedAt } of waiting)
      if (performance.now() - receivedAt > workingEveryMs) connection.publish(reply, WORKING);
  }, workingEveryMs);
  watching.unref();
  keeping.unref();
  pull();

  const info = (): Promise<Record<string, unknown>> =>
    api.request(`$JS.API.CONSUMER.INFO.${stream.name}.${stream.durable}`, undefined);

  return {
    async pending() {
      const { num_pending: pending, num_ack_pending: unacked } = await info();
      return asNumber(pending) + asNumber(unacked);
    },
    async progress() {
      // The stream first: what the consumer then has nothing left of was acked up to there.
      const { state } = await api.request(`$JS.API.STREAM.INFO.${stream.name}`, undefined);
      const consumer = await info();
      const ackFloor = asNumber((consumer['ack_floor'] as { stream_seq?: unknown } | undefined)?.stream_seq);
      const lastSequence = asNumber((state as { last_seq?: unknown } | undefined)?.last_seq);
      const nothingLeft = asNumber(consumer['num_pending']) + asNumber(consumer['num_ack_pending']) === 0;
      return { ackFloor: nothingLeft ? lastSequence : ackFloor, lastSequence };
    },
    async drain() {
      if (stopped) return;
      stopped = true;
      clearInterval(watching);
      clearInterval(keeping);
      clearTimeout(linger);
      await delivery.subscription.drain();
      // What was not begun goes back at once.
      for (const delivery of waiting.filter((each) => each.next === 0 && !working.includes(each))) {
        waiting.splice(waiting.indexOf(delivery), 1);
        connection.publish(delivery.reply, Buffer.from('-NAK'));
      }
      if (handling !== undefined) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
};
