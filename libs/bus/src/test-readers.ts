// A reader for tests: gathers a stream, hashes it, and consumes at the speed it is told.
import { createCipheriv, createHash } from 'node:crypto';
import type { WaystationError } from '@waystation/contracts';
import type { StreamCall, StreamReader } from './bus.js';

export interface Gathered {
  readonly bytes: number;
  readonly hash: string;
  /** Numbers of `data` calls. */
  readonly deliveries: number;
  readonly worker: string | undefined;
  readonly end?: unknown;
  readonly error?: WaystationError;
}

export interface TestReader extends StreamReader<unknown> {
  readonly done: Promise<Gathered>;
  readonly bytes: number;
  readonly accepts: string[];
  /** Consumes at once whatever comes, from now on. */
  follow(call: StreamCall): void;
}

export const gather = (onData?: (bytes: Buffer, total: number) => void): TestReader => {
  const hash = createHash('sha256');
  const { promise, resolve } = Promise.withResolvers<Gathered>();
  const accepts: string[] = [];
  let bytes = 0;
  let deliveries = 0;
  let over = 0;
  let followed: StreamCall | undefined;
  const finish = (last: { end: unknown } | { error: WaystationError }): void => {
    over += 1;
    if (over > 1) throw new Error('a stream ended twice');
    resolve({ bytes, deliveries, hash: hash.digest('hex'), worker: accepts[0], ...last });
  };
  return {
    done: promise,
    accepts,
    get bytes() {
      return bytes;
    },
    follow(call) {
      followed = call;
      call.consumed(bytes);
    },
    accepted: (worker) => void accepts.push(worker),
    data(chunk) {
      if (over > 0) throw new Error('data after the end');
      hash.update(chunk);
      bytes += chunk.length;
      deliveries += 1;
      followed?.consumed(bytes);
      onData?.(chunk, bytes);
    },
    end: (end) => finish({ end }),
    fail: (error) => finish({ error }),
  };
};

/** Bytes that differ everywhere and by seed, so that a swap or a gap changes the hash. */
export const patterned = (bytes: number, seed = 1): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(bytes));

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
