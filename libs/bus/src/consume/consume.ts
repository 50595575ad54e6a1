// Reads a journal stream through its durable consumer: takes all that is stored in one pull, hands the lines over in order, one call at a time, and acks a
// message when all its lines were committed. A rejected call gives its messages back to the server, which redelivers them later.
// A pull waits for the first message and ends with what is there. What comes within the linger waits on the server, where it costs nothing, and arrives with the
// next pull in one write: delivered one by one, each message would cost a write there and a read here.
import { journalBatch, quickParse, type STREAMS } from '@waystation/contracts';
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
const NOT_NOW = Buffer.from('-NAK');
const HEARTBEAT = 100;
const PULL_EXPIRES_MS = 20_000;
const REDELIVER_AFTER_MS_MIN = 250;
const REDELIVER_AFTER_MS_MAX = 15_000;
/** A pull without any sign from the server for so many heartbeats is made again; the server says nothing where a stream vanished. */
const HEARTBEATS_MISSED_MAX = 3;
/** While a delivery waits or is worked on the server is told so often per ack wait, so that it is not delivered a second time. */
const WORKING_PER_ACK_WAIT = 4;

const asNumber = (value: unknown): number => (typeof value === 'number' ? value : 0);

const parseBatch = quickParse(journalBatch);

/** A message that is no batch of lines is one bad line. */
const unreadable = (message: CoreMessage, sequence: number, deliveries: number): ConsumedLine => ({
  line: undefined,
  position: `${sequence}/0`,
  instance: message.subject.split('.').at(-1) ?? '',
  deliveries,
});

const linesOf = (message: CoreMessage, sequence: number, deliveries: number): ConsumedLine[] => {
  try {
    const { data: batch } = parseBatch(
      JSON.parse(Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength).toString('utf8')),
    );
    if (batch === undefined) return [unreadable(message, sequence, deliveries)];
    const { instance, traces } = batch;
    return batch.lines.map((line, index) => {
      const traceparent = traces?.[index];
      const position = `${sequence}/${index}`;
      return { line, position, instance, deliveries, ...(traceparent === undefined ? {} : { traceparent }) };
    });
  } catch {
    return [unreadable(message, sequence, deliveries)];
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
  const lingerMs = options.lingerMs ?? 0;
  const { batchLines } = options;
  const batchLinesNow = typeof batchLines === 'number' ? (): number => batchLines : batchLines;
  /** In the order of their delivery, those being handled among them. */
  const waiting = new Set<Delivery>();
  /** Lines of these that were not handed over yet. */
  let waitingLines = 0;
  let working: ReadonlySet<Delivery> = new Set();
  /** The pull that the server answers at the moment: messages it may still send, and whether any came. */
  let pulling: { readonly subject: string; left: number; answered: boolean } | undefined;
  let heardAt = performance.now();
  let stopped = false;
  let handling: Promise<void> | undefined;
  let linger: NodeJS.Timeout | undefined;
  let ensuring = false;
  let idle: (() => void) | undefined;

  // pulling

  const delivery = inbox.deliverToMany((message) => onMessage(message));

  const pull = (): void => {
    if (stopped || pulling !== undefined || linger !== undefined || connection.state !== 'connected') return;
    const room = options.maxInFlight - waiting.size;
    if (room <= 0) return;
    pulling = { subject: delivery.nextSubject(), left: room, answered: false };
    heardAt = performance.now();
    connection.publish(
      nextSubject,
      // With an expiry, `no_wait` means: wait for a message, and then not for another.
      encodeJson({
        batch: room,
        no_wait: true,
        expires: PULL_EXPIRES_MS * NANOS_PER_MS,
        idle_heartbeat: heartbeatMs * NANOS_PER_MS,
      }),
      pulling.subject,
    );
  };

  const pullAfresh = (): void => {
    pulling = undefined;
    pull();
    work();
  };

  /** The server has sent what it had: the next pull may wait until more has come together. */
  const endPull = (): void => {
    const lingers = pulling?.answered === true && lingerMs > 0 && !stopped;
    pulling = undefined;
    if (lingers)
      linger = setTimeout(() => {
        linger = undefined;
        pull();
      }, lingerMs);
    else pull();
    work();
  };

  const missing = (reason: string): void => {
    pulling = undefined;
    work();
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
    if (stopped) {
      connection.publish(message.reply, NOT_NOW);
      return;
    }
    const lines = linesOf(message, info.streamSequence, info.deliveries);
    waiting.add({ reply: message.reply, lines, deliveries: info.deliveries, receivedAt: performance.now(), next: 0 });
    waitingLines += lines.length;
    if (pulling !== undefined) {
      pulling.answered = true;
      pulling.left -= 1;
      // It got all it asked for: there may be more, and nothing says when.
      if (pulling.left === 0) pullAfresh();
    }
    if (waitingLines >= batchLinesNow()) work();
  };

  const onStatus = (message: CoreMessage): void => {
    if (message.subject !== pulling?.subject) {
      // The end of a pull that was given up: what it still brought is there, and the pull that took its place waits.
      if (pulling !== undefined && message.status !== HEARTBEAT) pulling.answered = false;
      work();
      return;
    }
    switch (message.status) {
      case HEARTBEAT:
        return;
      case 404: // no messages
      case 408: // nothing more is there, or the pull expired
        endPull();
        return;
      case 409: // consumer deleted, leadership change, server shutdown, limits
        if (/deleted/i.test(message.description)) missing(message.description);
        else setTimeout(pullAfresh, times.reconnectWaitMs).unref();
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

  const gather = (): { lines: ConsumedLine[]; deliveries: Set<Delivery> } => {
    const lines: ConsumedLine[] = [];
    const deliveries = new Set<Delivery>();
    const most = batchLinesNow();
    for (const delivery of waiting) {
      const room = most - lines.length;
      if (room <= 0) break;
      const taken = delivery.lines.slice(delivery.next, delivery.next + room);
      delivery.next += taken.length;
      for (const line of taken) lines.push(line);
      deliveries.add(delivery);
    }
    waitingLines -= lines.length;
    return { lines, deliveries };
  };

  const forget = (delivery: Delivery): void => {
    waiting.delete(delivery);
    waitingLines -= delivery.lines.length - delivery.next;
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
      forget(delivery);
      if (committed) connection.publish(delivery.reply, ACK);
      else redeliver(delivery);
    }
    working = new Set();
  };

  /** A full batch, or all there is: never the first part of what a pull is bringing. */
  const isReady = (): boolean => waitingLines >= batchLinesNow() || (waitingLines > 0 && pulling?.answered !== true);

  const workAll = async (): Promise<void> => {
    while (isReady()) {
      await handleOnce();
      pull();
    }
  };

  const work = (): void => {
    if (handling !== undefined || !isReady()) return;
    handling = workAll().finally(() => {
      handling = undefined;
      work();
      if (handling === undefined) idle?.();
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
      pulling !== undefined &&
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
      pulling = undefined;
      // What was not begun goes back at once, as does what still comes.
      for (const delivery of waiting) {
        if (delivery.next > 0 || working.has(delivery)) continue;
        forget(delivery);
        connection.publish(delivery.reply, NOT_NOW);
      }
      if (handling !== undefined) await new Promise<void>((resolve) => (idle = resolve));
    },
  };
};
