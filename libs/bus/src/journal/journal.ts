// Durable lines: all lines of one turn, or of the time that an ack takes, are one JetStream publish, acked, and pipelined while all goes well. Lines that nobody
// waits for go along with the next one, or after a moment. After a failure the oldest batch is tried alone, under its old message id, until it is acked; then the
// others follow in order. Nothing is dropped that was taken.
import { WaystationError, journalBatch } from '@waystation/contracts';
import type { Journal } from '../bus.js';
import type { CoreConnection, CoreHeaders, CoreMessage } from '../connection/core-connection.js';
import type { Outage } from '../connection/outage.js';
import type { Turn, TurnTask } from '../connection/turn.js';
import type { Inbox } from '../inbox/inbox.js';
import type { JetStreamApi } from '../jetstream/jetstream-api.js';
import { parseApiReply } from '../jetstream/jetstream-api.js';
import { activeTraceparent } from '../message/trace-context.js';
import type { BusTimes } from '../options.js';
import { watchDurable, type DurableCheck } from './durable-check.js';

export interface JournalTarget {
  readonly stream: string;
  readonly durable: string;
  readonly subject: string;
  /**
   * Batches on their way at once before lines are gathered instead of sent: while the bus is quick every turn is a message of its own, under load
   * messages grow with the time an ack takes.
   */
  readonly batchesOnWayMax: number;
  /** How long a line that nobody waits for may wait for others. What a process that dies takes along is as much. */
  readonly lingerMs: number;
}

export interface JournalBounds {
  readonly journalUnackedMax: number;
  readonly journalWaitingMax: number;
}

interface Batch {
  readonly payload: Buffer;
  readonly headers: CoreHeaders;
  readonly acked: () => void;
  sentAt: number;
  /** Sent, and neither acked nor given up. */
  onWay: boolean;
}

/** Lines of one turn that wait for its end. */
interface OpenBatch {
  readonly lines: string[];
  /** Trace contexts by the index of their line. */
  readonly traces: Record<string, string>;
  bytes: number;
  readonly promise: Promise<void>;
  readonly acked: () => void;
}

const LINES_PER_BATCH_MAX = 10_000;
/** Room in a message for the batch's own fields and headers. */
const BATCH_OVERHEAD = 512;
const BATCH_BYTES_MAX = 512 * 1024;
/** Of a line's trace context, with its index. */
const TRACE_BYTES = 70;
/** A journal that nobody hears from in time is looked at so often per ack timeout. */
const LOOKS_PER_TIMEOUT = 4;
const BACKOFF_FACTOR_MAX = 16;
/** Counted and not measured: a process that stood still itself has not listened for as long. */
const LOOKS_PER_SILENCE = 7;

export interface OwnJournal<Line> extends Journal<Line> {
  stop(): void;
}

export const createJournal = <Line>(
  parts: {
    connection: CoreConnection;
    outage: Outage;
    inbox: Inbox;
    turn: Turn;
    api: JetStreamApi;
    times: BusTimes;
    instance: string;
    nextBatchId: () => string;
  },
  target: JournalTarget,
  bounds: JournalBounds,
  log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void,
): OwnJournal<Line> => {
  const { connection, outage, inbox, turn, times, instance } = parts;
  /** In the order of their making, by the token that awaits the ack. */
  const unacked = new Map<string, Batch>();
  /** Tokens of batches not sent yet, oldest first. */
  let unsent: string[] = [];
  let onWayBytes = 0;
  let onWayCount = 0;
  const closed: OpenBatch[] = [];
  let open: OpenBatch | undefined;
  let unackedBytes = 0;
  /** Set after a failure: the token of the batch that is tried alone. */
  let trying: string | undefined;
  let failing = false;
  let backoff = 1;
  let retry: NodeJS.Timeout | undefined;
  let durable: DurableCheck | undefined;
  /** Looks since the last ack, while something is on its way. */
  let silentLooks = 0;
  const flushes: (() => void)[] = [];
  /** Runs while the open batch has only lines that can wait. */
  let linger: NodeJS.Timeout | undefined;

  const send = (token: string, batch: Batch): void => {
    batch.sentAt = performance.now();
    if (!batch.onWay) {
      onWayBytes += batch.payload.length;
      onWayCount += 1;
    }
    batch.onWay = true;
    connection.publish(target.subject, batch.payload, inbox.subjectOf(token), batch.headers);
  };

  const leftTheWay = (batch: Batch): void => {
    if (batch.onWay) {
      onWayBytes -= batch.payload.length;
      onWayCount -= 1;
    }
    batch.onWay = false;
  };

  /** Sends what waits, as far as the bytes on their way allow. */
  const sendMore = (): void => {
    while (!failing && durableCheck().there && onWayBytes < bounds.journalUnackedMax) {
      const token = unsent.shift();
      if (token === undefined) return;
      const batch = unacked.get(token);
      if (batch !== undefined && !batch.onWay) send(token, batch);
    }
  };

  const fail = (reason: unknown): void => {
    if (!failing) log('warn', 'a journal publish failed', { stream: target.stream, unackedBytes, error: reason });
    failing = true;
    if (open !== undefined) turn.add(task);
    if (retry !== undefined) return;
    const waitMs = times.reconnectWaitMs * backoff;
    backoff = Math.min(backoff * 2, BACKOFF_FACTOR_MAX);
    retry = setTimeout(() => {
      retry = undefined;
      // The durable first: a stream that was made anew acks and drops what nobody waits for.
      void durableCheck().check().then(tryOldest);
    }, waitMs);
    retry.unref();
  };

  const tryOldest = (): void => {
    if (retry !== undefined) return;
    const oldest = unacked.entries().next().value;
    if (oldest === undefined) {
      failing = false;
      trying = undefined;
      return;
    }
    if (!durableCheck().there) {
      fail(new WaystationError('journal_unavailable', `The durable consumer of ${target.stream} is missing.`));
      return;
    }
    trying = oldest[0];
    send(oldest[0], oldest[1]);
  };

  const recovered = (): void => {
    failing = false;
    trying = undefined;
    backoff = 1;
    if (retry !== undefined) clearTimeout(retry);
    retry = undefined;
    log('info', 'the journal publishes again', { stream: target.stream, batches: unacked.size });
    // What became of the others is unknown: all go again, in order, under their ids.
    for (const batch of unacked.values()) leftTheWay(batch);
    unsent = [...unacked.keys()];
    sendMore();
  };

  const onAck = (token: string, batch: Batch, message: CoreMessage): void => {
    if (message.status !== 0) {
      fail(
        new WaystationError(
          'journal_unavailable',
          `Nobody takes lines for ${target.stream}: status ${message.status} ${message.description}.`,
        ),
      );
      return;
    }
    try {
      parseApiReply(message.data, target.subject);
    } catch (error) {
      fail(error);
      return;
    }
    silentLooks = 0;
    if (!unacked.delete(token)) return;
    inbox.forget(token);
    leftTheWay(batch);
    unackedBytes -= batch.payload.length;
    batch.acked();
    if (trying === token || (failing && trying === undefined)) recovered();
    else sendMore();
    if (open !== undefined) turn.add(task);
    if (unacked.size === 0 && open === undefined) for (const flushed of flushes.splice(0)) flushed();
  };

  const publishBatch = (lines: OpenBatch): void => {
    const id = parts.nextBatchId();
    const [traceparent] = Object.values(lines.traces);
    const traces = traceparent === undefined ? '' : `,"traces":${JSON.stringify(lines.traces)}`;
    const payload = Buffer.from(
      `{"v":${journalBatch.shape.v.value},"batch":"${id}","instance":"${instance}","lines":[${lines.lines.join(',')}]${traces}}`,
    );
    const token = inbox.token('j');
    const headers: CoreHeaders =
      traceparent === undefined
        ? [['Nats-Msg-Id', id]]
        : [
            ['Nats-Msg-Id', id],
            ['traceparent', traceparent],
          ];
    const batch: Batch = { payload, headers, acked: lines.acked, sentAt: performance.now(), onWay: false };
    unackedBytes += payload.length - lines.bytes;
    unacked.set(token, batch);
    inbox.expect(token, (message) => onAck(token, batch, message));
    // After a failure order is kept by letting the oldest go first.
    unsent.push(token);
    sendMore();
  };

  const task: TurnTask = {
    waiting: false,
    atTurnEnd() {
      // Only an ack or a failure can end this wait, and one of them comes for every batch on its way.
      if (open !== undefined && linger === undefined && (failing || onWayCount < target.batchesOnWayMax)) {
        closed.push(open);
        open = undefined;
      }
      for (const batch of closed.splice(0)) publishBatch(batch);
    },
  };

  const openBatch = (): OpenBatch => {
    let acked = (): void => undefined;
    const promise = new Promise<void>((resolve) => (acked = resolve));
    return { lines: [], traces: {}, bytes: 0, promise, acked };
  };

  outage.onReconnect(() => {
    if (unacked.size > 0) {
      failing = true;
      backoff = 1;
      void durableCheck().check().then(tryOldest);
    }
  });
  const looking = setInterval(() => {
    const oldest = unacked.values().next().value;
    if (connection.state !== 'connected') failing ||= unacked.size > 0;
    else if (
      oldest?.onWay === true &&
      retry === undefined &&
      performance.now() - oldest.sentAt > times.journalAckTimeoutMs
    ) {
      fail(new WaystationError('journal_unavailable', `JetStream did not ack within ${times.journalAckTimeoutMs} ms.`));
    }
  }, times.journalAckTimeoutMs / LOOKS_PER_TIMEOUT);
  looking.unref();
  const listening = setInterval(() => {
    silentLooks = onWayCount > 0 ? silentLooks + 1 : 0;
  }, times.journalSilenceMs / LOOKS_PER_SILENCE);
  listening.unref();
  /** A process that neither writes nor asks never looks at the durable: it may not be allowed to. */
  const durableCheck = (): DurableCheck => (durable ??= watchDurable(parts, target, sendMore, log));

  /** The open batch goes at the end of this turn, and with it what waited in it. */
  const hurry = (): void => {
    clearTimeout(linger);
    linger = undefined;
    turn.add(task);
  };

  const take = (line: Line, canWait: boolean): Promise<void> => {
    durableCheck();
    const json = JSON.stringify(line);
    const traceparent = activeTraceparent();
    const bytes = Buffer.byteLength(json) + (traceparent === undefined ? 0 : TRACE_BYTES);
    const bytesMax = Math.min(BATCH_BYTES_MAX, connection.maxPayload - BATCH_OVERHEAD);
    if (bytes > bytesMax)
      return Promise.reject(
        new WaystationError('internal', `A journal line has ${bytes} bytes; at most ${bytesMax} are allowed.`),
      );
    if (unackedBytes + bytes > bounds.journalWaitingMax) {
      return Promise.reject(
        new WaystationError(
          'journal_unavailable',
          `More than ${bounds.journalWaitingMax} bytes of journal wait for the bus.`,
        ),
      );
    }
    if (open !== undefined && (open.bytes + bytes > bytesMax || open.lines.length >= LINES_PER_BATCH_MAX)) {
      closed.push(open);
      open = undefined;
      hurry();
    }
    const isFirst = open === undefined;
    open ??= openBatch();
    if (traceparent !== undefined) open.traces[open.lines.length] = traceparent;
    open.lines.push(json);
    open.bytes += bytes + 1;
    unackedBytes += bytes + 1;
    if (!canWait) hurry();
    else if (isFirst) linger ??= setTimeout(hurry, target.lingerMs);
    return open.promise;
  };

  return {
    append: (line) => take(line, false),
    appendSoon: (line) => take(line, true),
    get healthy() {
      return (
        durableCheck().there &&
        !failing &&
        silentLooks < LOOKS_PER_SILENCE &&
        connection.state === 'connected' &&
        unackedBytes <= bounds.journalUnackedMax
      );
    },
    get unackedBytes() {
      return unackedBytes;
    },
    async flush(timeoutMs) {
      if (unackedBytes === 0) return;
      hurry();
      const promise = new Promise<void>((resolve) => flushes.push(resolve));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(
          () =>
            reject(
              new WaystationError(
                'journal_unavailable',
                `${unackedBytes} bytes of ${target.stream} were not acked within ${timeoutMs} ms.`,
                { details: { stream: target.stream, unackedBytes } },
              ),
            ),
          timeoutMs,
        );
      });
      try {
        await Promise.race([promise, late]);
      } finally {
        clearTimeout(timer);
      }
    },
    stop() {
      clearInterval(looking);
      clearTimeout(linger);
      clearInterval(listening);
      durable?.stop();
      if (retry !== undefined) clearTimeout(retry);
    },
  };
};
