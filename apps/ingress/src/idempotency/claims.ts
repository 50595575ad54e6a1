// Who may run for an Idempotency-Key: whoever created its entry in the bucket, which is atomic over all ingresses. The entry lives for a day.
// Invariants: a key never leads to a second upstream call while its entry stands; only whoever created an entry deletes it, and only where nothing was
// dispatched; what cannot be known (the bucket is away, an answer is late) is a refusal.
import { hash } from 'node:crypto';
import type { KvBucket } from '@waystation/bus';
import { WaystationError, idempotencyEntry, toWaystationError, type IdempotencyEntry } from '@waystation/contracts';
import { within } from '../within.js';

export interface ClaimRequest {
  readonly workspaceId: string;
  readonly key: string;
  /** Of everything that makes another request of it. */
  readonly bodyHash: string;
  readonly generationId: string;
  /** Unix ms after which the generation cannot run any more, whatever became of its process. */
  readonly deadlineAt: number;
}

export interface Claim {
  /** The generation is over. Where something may have reached a provider the key stays taken, otherwise it is free again. Never throws. */
  end(dispatched: boolean): void;
}

export interface Claims {
  /** @throws WaystationError `idempotency_in_progress`, `idempotency_finished`, `idempotency_mismatch`; `no_responder` where the bucket does not answer */
  claim(request: ClaimRequest): Promise<Claim>;
}

export interface ClaimTimes {
  /** How long a client waits for the bucket. */
  readonly answerMs: number;
  /** Between tries to write how a claim ended. */
  readonly retryMs: number;
}

export const CLAIM_TIMES: ClaimTimes = { answerMs: 1_000, retryMs: 1_000 };

export interface ClaimDeps {
  readonly bucket: KvBucket;
  readonly times: ClaimTimes;
  readonly nowMs: () => number;
  readonly onFault: (error: unknown, what: string) => void;
}

/** An entry that is deleted just when we read it is created after all; more often than this it is not tried. */
const CREATES_MAX = 3;
/** Tries to write how a claim ended. After the last one its entry says what its deadline says. */
const ENDS_MAX = 10;
/** What a client that meets a running generation is told to wait. */
const RETRY_AFTER_MS = 1_000;

/** Scoped to the workspace, and no string of a user becomes a key of the bucket. A key holds no line break, so that two pairs never meet. */
export const entryKeyOf = (workspaceId: string, key: string): string => hash('sha256', `${workspaceId}\n${key}`, 'hex');

const unavailable = (cause: unknown): WaystationError =>
  new WaystationError(
    'no_responder',
    'The Idempotency-Key cannot be claimed for the moment, so the request was not begun; try again, or send it without the header.',
    { retryAfterMs: RETRY_AFTER_MS, cause },
  );

/** Why the holder of an entry is not run for again. */
const refusalOf = (entry: IdempotencyEntry, bodyHash: string, nowMs: number): WaystationError => {
  const { generationId } = entry;
  const options = { details: { generationId } };
  if (entry.bodyHash !== bodyHash)
    return new WaystationError(
      'idempotency_mismatch',
      `This Idempotency-Key was used for another request, generation ${generationId}; take a new key for a new request.`,
      options,
    );
  // Past its deadline nothing runs any more, even where its process died before it could say so. It may have been paid for: it is not run again.
  if (entry.state === 'running' && nowMs < entry.deadlineAt)
    return new WaystationError(
      'idempotency_in_progress',
      `The request with this Idempotency-Key is still running as generation ${generationId}.`,
      { ...options, retryAfterMs: RETRY_AFTER_MS },
    );
  return new WaystationError(
    'idempotency_finished',
    `The request with this Idempotency-Key was run as generation ${generationId}; GET /generation tells what became of it. Take a new key to run it again.`,
    options,
  );
};

export const createClaims = ({ bucket, times, nowMs, onFault }: ClaimDeps): Claims => {
  /** Undefined: it is ours now. */
  const holderOf = async (entryKey: string, own: IdempotencyEntry): Promise<IdempotencyEntry | undefined> => {
    for (let tries = 0; tries < CREATES_MAX; tries += 1) {
      if (await bucket.create(entryKey, own)) return undefined;
      const found = await bucket.get(entryKey);
      if (found === undefined) continue; // it was released just now
      const holder = idempotencyEntry.parse(found);
      // Our own entry, whose first answer was lost on the way.
      return holder.generationId === own.generationId ? undefined : holder;
    }
    throw new Error('the entry comes and goes');
  };

  const isOurs = async (entryKey: string, { generationId }: IdempotencyEntry): Promise<boolean> =>
    idempotencyEntry.safeParse(await bucket.get(entryKey)).data?.generationId === generationId;

  /** Told again until it is heard. */
  const keepTrying = (what: string, work: () => Promise<void>, tries = 1): void => {
    work().catch((error: unknown) => {
      if (tries >= ENDS_MAX) return onFault(error, what);
      setTimeout(() => keepTrying(what, work, tries + 1), times.retryMs).unref();
    });
  };

  const release = (entryKey: string, own: IdempotencyEntry): void =>
    keepTrying('releasing an idempotency key', async () => {
      if (await isOurs(entryKey, own)) await bucket.delete(entryKey);
    });

  return {
    async claim({ workspaceId, key, bodyHash, generationId, deadlineAt }) {
      const entryKey = entryKeyOf(workspaceId, key);
      const own: IdempotencyEntry = { v: 1, bodyHash, generationId, state: 'running', at: nowMs(), deadlineAt };
      let holder: IdempotencyEntry | undefined;
      try {
        holder = await within(times.answerMs, holderOf(entryKey, own));
      } catch (thrown) {
        release(entryKey, own); // it may have been created
        throw unavailable(toWaystationError(thrown));
      }
      if (holder !== undefined) throw refusalOf(holder, bodyHash, nowMs());
      return {
        end(dispatched) {
          if (!dispatched) return release(entryKey, own);
          const finished: IdempotencyEntry = { ...own, state: 'finished', at: nowMs() };
          keepTrying('keeping an idempotency key', () => bucket.put(entryKey, finished));
        },
      };
    },
  };
};
