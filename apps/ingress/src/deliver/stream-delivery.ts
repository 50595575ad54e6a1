// An answer as server-sent events: the worker's bytes pass through, one socket write per event-loop turn. While nothing comes, comments keep the connection
// warm; the first of them takes the status line along, and from then on errors are told in-band.
// Invariant: bytes count as consumed when the socket took them, so that a slow reader stops the worker, and memory per stream stays within its window.
import type { PublicDialect } from '@waystation/dialects';
import type { HistogramCell } from '@waystation/runtime';
import type { Client } from './client.js';
import type { AnswerHead, Delivery } from './delivery.js';
import { errorHead, streamHead } from './response-head.js';
import { withMetadataInError } from './with-metadata.js';

export interface StreamDeliveryOptions {
  readonly client: Client;
  readonly head: AnswerHead;
  readonly dialect: PublicDialect;
  /** Time without output after which the status line goes out, and between comments. */
  readonly warmAfterMs: number;
  /** Told of the time between two frames of output. */
  readonly frameGaps: Pick<HistogramCell, 'observe'>;
}

const NEWLINE = 0x0a;
const NOT_CONSUMED = (): void => undefined;

export const createStreamDelivery = ({
  client,
  head,
  dialect,
  warmAfterMs,
  frameGaps,
}: StreamDeliveryOptions): Delivery => {
  let status = 0;
  let delivered = false;
  /** Output came since the last look. */
  let spoke = false;
  let betweenEvents = true;
  let framedAtMs = 0;
  let queue: Buffer[] = [];
  let scheduled = false;
  let attemptBytes = 0;
  let writtenBytes = 0;
  /** The socket is full: its reader is slower than the model. */
  let draining = false;
  let consumed: (totalBytes: number) => void = NOT_CONSUMED;

  const begin = (): void => {
    if (status !== 0) return;
    status = 200;
    client.begin(200, streamHead(head));
  };

  // A comment may only stand between two events.
  const warm = setInterval(() => {
    if (client.gone) return clearInterval(warm);
    const isSilent = !spoke;
    spoke = false;
    if (!isSilent || draining || !betweenEvents) return;
    begin();
    client.write(dialect.keepAlive);
  }, warmAfterMs);
  client.onGone(() => clearInterval(warm));

  const takeQueue = (): Buffer => {
    const [first] = queue;
    const bytes = queue.length === 1 && first !== undefined ? first : Buffer.concat(queue);
    queue = [];
    return bytes;
  };

  const flush = (): void => {
    scheduled = false;
    if (client.gone || queue.length === 0) return;
    begin();
    writtenBytes = attemptBytes;
    const bytes = takeQueue();
    betweenEvents = bytes.at(-1) === NEWLINE && bytes.at(-2) === NEWLINE;
    if (client.write(bytes) && !draining) return consumed(writtenBytes);
    if (draining) return;
    draining = true;
    client.onDrain(() => {
      draining = false;
      consumed(writtenBytes);
    });
  };

  return {
    get delivered() {
      return delivered;
    },
    get status() {
      return status === 0 && client.gone ? 499 : status;
    },
    restart(next) {
      consumed = next;
      attemptBytes = 0;
      writtenBytes = 0;
    },
    data(bytes) {
      const nowMs = performance.now();
      if (delivered) frameGaps.observe((nowMs - framedAtMs) / 1000);
      framedAtMs = nowMs;
      delivered = true;
      spoke = true;
      attemptBytes += bytes.length;
      queue.push(Buffer.from(bytes));
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
    end(answer, bill, tail) {
      clearInterval(warm);
      if (client.gone) return;
      begin();
      queue.push(Buffer.from(dialect.streamEnd(answer, bill, tail)));
      client.end(takeQueue());
    },
    fail(error, answer) {
      clearInterval(warm);
      if (client.gone) return;
      if (status === 0 && !delivered) {
        const converted = withMetadataInError(dialect.toError(error, answer), answer);
        // What the dialect tells as an answer is one in a stream too.
        if (converted.status !== 200) {
          status = converted.status;
          client.begin(status, errorHead(converted, head));
          return client.end(converted.body);
        }
      }
      begin();
      queue.push(Buffer.from(dialect.streamError(answer, error)));
      client.end(takeQueue());
    },
  };
};
