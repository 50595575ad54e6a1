// The load generator, a process of its own: HTTP/1.1 keep-alive on raw sockets, bounded in time and connections, loopback only.
// It reads one job from its parent, runs it, and answers with counts and latencies.
import { connect, type Socket } from 'node:net';

export interface LoadJob {
  readonly kind: 'closed' | 'paced' | 'streams' | 'times';
  readonly port: number;
  readonly request: string;
  readonly connections: number;
  readonly durationMs: number;
  /** Requests per second over all connections, for `paced`. */
  readonly rate?: number;
  /** Token chunks each stream must carry, for `streams`. */
  readonly tokens?: number;
  /** How many streams in all, for `times`: each connection asks for its next one when it has the last. `durationMs` is the most that they may take. */
  readonly times?: number;
  /** What each stream ends with, for `times`. */
  readonly lastWords?: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** For `streams`: share of chunks that arrived, time to first token p50, delay between leaving the provider and arriving here p99. */
  readonly carried?: number;
  readonly firstTokenP50Ms?: number;
  readonly chunkDelayP50Ms?: number;
  readonly chunkDelayP99Ms?: number;
  readonly firstError?: string;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
/** Each token says when it left the provider, in microseconds of the machine's monotonic clock. */
const STAMP = / @(\d+)"/g;
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Where a complete response ends in `data`, or -1. Understands content-length and chunked bodies. */
function responseEnd(data: Buffer): number {
  const headEnd = data.indexOf('\r\n\r\n');
  if (headEnd < 0) return -1;
  const head = data.toString('latin1', 0, headEnd).toLowerCase();
  const length = /content-length: *(\d+)/.exec(head)?.[1];
  if (length !== undefined) return data.length >= headEnd + 4 + Number(length) ? headEnd + 4 + Number(length) : -1;
  let at = headEnd + 4;
  for (;;) {
    const lineEnd = data.indexOf('\r\n', at);
    if (lineEnd < 0) return -1;
    const size = Number.parseInt(data.toString('latin1', at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (size === 0) return data.length >= at ? at : -1;
    if (at > data.length) return -1;
  }
}

async function run(job: LoadJob): Promise<LoadResult> {
  const request = Buffer.from(job.request);
  const latencies: number[] = [];
  let requests = 0;
  let errors = 0;
  let firstError: string | undefined;
  const started = nowMs();
  const until = started + job.durationMs;
  const fail = (text: string): void => {
    errors += 1;
    firstError ??= text.slice(0, 600);
  };

  if (job.kind === 'streams') return runStreams(job, request);
  if (job.kind === 'times') return runTimes(job, request);

  const perConnectionMs = job.kind === 'paced' ? (job.connections / (job.rate ?? 1)) * 1000 : 0;
  await Promise.all(
    Array.from(
      { length: job.connections },
      (_, index) =>
        new Promise<void>((resolve) => {
          const socket: Socket = connect(job.port, '127.0.0.1');
          socket.setNoDelay(true);
          let pending: Buffer = Buffer.alloc(0);
          let sentAt = 0;
          let due = started + (perConnectionMs * index) / job.connections;
          let ended = false;
          const finish = (): void => {
            if (ended) return;
            ended = true;
            socket.destroy();
            resolve();
          };
          const send = (): void => {
            if (nowMs() >= until) return finish();
            sentAt = nowMs();
            socket.write(request);
          };
          const next = (): void => {
            if (job.kind === 'closed') return send();
            due += perConnectionMs;
            setTimeout(send, Math.max(0, due - nowMs()));
          };
          socket.on('connect', () => (job.kind === 'closed' ? send() : setTimeout(send, Math.max(0, due - nowMs()))));
          socket.on('data', (data) => {
            pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
            const end = responseEnd(pending);
            if (end < 0) return;
            if (pending.toString('latin1', 9, 12) === '200') {
              requests += 1;
              latencies.push(nowMs() - sentAt);
            } else fail(pending.toString('latin1'));
            pending = pending.subarray(end);
            next();
          });
          socket.on('error', (error) => {
            fail(error.message);
            finish();
          });
          socket.on('close', () => {
            if (!ended) fail('the connection was closed');
            finish();
          });
          setTimeout(() => {
            if (!ended) fail('no answer 10 s after the end');
            finish();
          }, job.durationMs + 10_000).unref();
        }),
    ),
  );
  latencies.sort((a, b) => a - b);
  return {
    requests,
    errors,
    seconds: (nowMs() - started) / 1000,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    ...(firstError === undefined ? {} : { firstError }),
  };
}

async function runStreams(job: LoadJob, request: Buffer): Promise<LoadResult> {
  const firstToken: number[] = [];
  const delays: number[] = [];
  let chunks = 0;
  let errors = 0;
  let firstError: string | undefined;
  const started = nowMs();
  await Promise.all(
    Array.from({ length: job.connections }, async (_, index) => {
      // Starts are spread over one second, as users' are.
      await new Promise((resolve) => setTimeout(resolve, (1000 * index) / job.connections));
      await new Promise<void>((resolve) => {
        const socket = connect(job.port, '127.0.0.1');
        socket.setNoDelay(true);
        let sentAt = 0;
        let got = 0;
        let done = false;
        let head = '';
        let carry = '';
        const finish = (error?: string): void => {
          if (done) return;
          done = true;
          clearTimeout(timer);
          if (error !== undefined) {
            errors += 1;
            firstError ??= error.slice(0, 600);
          }
          socket.destroy();
          resolve();
        };
        const timer = setTimeout(() => finish('the stream did not end in time'), job.durationMs + 20_000);
        socket.on('connect', () => {
          sentAt = nowMs();
          socket.write(request);
        });
        socket.on('data', (data) => {
          const now = nowMs();
          const text = carry + data.toString('latin1');
          if (head === '') {
            head = text.slice(0, 12);
            if (head.slice(9, 12) !== '200') return finish(text);
          }
          for (const match of text.matchAll(STAMP)) {
            if (got === 0) firstToken.push(now - sentAt);
            got += 1;
            chunks += 1;
            delays.push(now - Number(match[1]) / 1000);
          }
          // What a socket read cut in two is kept for the next one: less than a stamp or an end marker.
          carry = /(?: ?@\d*| |d|da|dat|data:? ?\[?D?O?N?E?)$/.exec(text)?.[0] ?? '';
          if (text.includes('data: [DONE]'))
            finish(got === job.tokens ? undefined : `only ${got} of ${job.tokens} tokens came`);
        });
        socket.on('error', (error) => finish(error.message));
        socket.on('close', () => finish('the connection was closed before [DONE]'));
      });
    }),
  );
  firstToken.sort((a, b) => a - b);
  delays.sort((a, b) => a - b);
  return {
    requests: job.connections - errors,
    errors,
    seconds: (nowMs() - started) / 1000,
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
    carried: chunks / (job.connections * (job.tokens ?? 1)),
    firstTokenP50Ms: percentile(firstToken, 0.5),
    chunkDelayP50Ms: percentile(delays, 0.5),
    chunkDelayP99Ms: percentile(delays, 0.99),
    ...(firstError === undefined ? {} : { firstError }),
  };
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
/** Of a stream's end that is kept to look for its last words in. */
const END_BYTES = 4_096;

async function runTimes(job: LoadJob, request: Buffer): Promise<LoadResult> {
  const latencies: number[] = [];
  let left = job.times ?? 0;
  let errors = 0;
  let firstError: string | undefined;
  const started = nowMs();
  await Promise.all(
    Array.from(
      { length: job.connections },
      () =>
        new Promise<void>((resolve) => {
          const socket = connect(job.port, '127.0.0.1');
          socket.setNoDelay(true);
          let sentAt = 0;
          let status = '';
          let end: Buffer = Buffer.alloc(0);
          let over = false;
          const finish = (error?: string): void => {
            if (over) return;
            over = true;
            clearTimeout(timer);
            if (error !== undefined) {
              errors += 1;
              firstError ??= error.slice(0, 600);
            }
            socket.destroy();
            resolve();
          };
          const timer = setTimeout(() => finish('a stream did not end in time'), job.durationMs);
          const send = (): void => {
            if (left === 0) return finish();
            left -= 1;
            sentAt = nowMs();
            status = '';
            end = Buffer.alloc(0);
            socket.write(request);
          };
          socket.on('connect', send);
          socket.on('data', (data) => {
            if (status === '') status = data.toString('latin1', 9, 12);
            end = data.length >= END_BYTES ? data : Buffer.concat([end.subarray(-END_BYTES), data]);
            if (status !== '200') return finish(data.toString('latin1'));
            if (!end.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) return;
            if (!end.includes(job.lastWords ?? '')) return finish(`a stream ended in ${end.toString('latin1')}`);
            latencies.push(nowMs() - sentAt);
            send();
          });
          socket.on('error', (error) => finish(error.message));
          socket.on('close', () => finish('the connection was closed'));
        }),
    ),
  );
  latencies.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    errors,
    seconds: (nowMs() - started) / 1000,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    ...(firstError === undefined ? {} : { firstError }),
  };
}

process.on('message', (job: LoadJob) => {
  void run(job).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
