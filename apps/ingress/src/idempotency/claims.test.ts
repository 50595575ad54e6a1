// Claims over a bucket whose answers the test can lose, delay and refuse.
import type { KvBucket } from '@waystation/bus';
import { toWaystationError } from '@waystation/contracts';
import { createClaims, entryKeyOf, type Claim, type ClaimRequest } from './claims.js';

const NOW = 1_700_000_000_000;

const createBucket = () => {
  const entries = new Map<string, unknown>();
  const calls: string[] = [];
  /** What the next call of an operation does instead of answering. */
  const faults: { readonly operation: string; readonly after: boolean; readonly fault: () => Promise<void> }[] = [];
  const run = async <Value>(operation: string, work: () => Value): Promise<Value> => {
    calls.push(operation);
    const index = faults.findIndex((each) => each.operation === operation);
    const [planned] = index < 0 ? [] : faults.splice(index, 1);
    if (planned?.after === false) await planned.fault();
    const value = work();
    if (planned?.after === true) await planned.fault();
    return value;
  };
  const unused = (): never => {
    throw new Error('claims do not use this');
  };
  const bucket: KvBucket = {
    create: (key, value) => run('create', () => !entries.has(key) && entries.set(key, value) !== undefined),
    get: (key) => run('get', () => entries.get(key)),
    put: (key, value) => run('put', () => void entries.set(key, value)),
    delete: (key) => run('delete', () => void entries.delete(key)),
    keys: unused,
    watch: unused,
  };
  return { bucket, entries, calls, faults };
};

const lost = async (): Promise<void> => Promise.reject(new Error('the answer was lost'));

const setUp = () => {
  const own = createBucket();
  const faults: unknown[] = [];
  let now = NOW;
  const claims = createClaims({
    bucket: own.bucket,
    times: { answerMs: 20, retryMs: 1 },
    nowMs: () => now,
    onFault: (error) => void faults.push(error),
  });
  return { ...own, claims, onFault: faults, advance: (ms: number) => void (now += ms) };
};

let generations = 0;
const request = (changes: Partial<ClaimRequest> = {}): ClaimRequest => {
  generations += 1;
  return {
    workspaceId: 'ws-1',
    key: 'order-7',
    bodyHash: 'a'.repeat(64),
    generationId: `gen-1700000000-${String(generations).padStart(20, '0')}`,
    deadlineAt: NOW + 600_000,
    ...changes,
  };
};

const codeOf = (claimed: Promise<Claim>): Promise<string> =>
  claimed.then(
    () => 'claimed',
    (error: unknown) => toWaystationError(error).code,
  );
const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let looks = 0; !holds(); looks += 1) {
    if (looks > 500) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

describe('a key', () => {
  it('is claimed by exactly one of fifty at once; the others are told its generation', async () => {
    const { claims } = setUp();
    const requests = Array.from({ length: 50 }, () => request());
    const results = await Promise.allSettled(requests.map((each) => claims.claim(each)));
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    const refusals = results.flatMap((result) =>
      result.status === 'rejected' ? toWaystationError(result.reason) : [],
    );
    expect(refusals).toHaveLength(49);
    for (const { code, details, message } of refusals) {
      expect([code, details]).toEqual(['idempotency_in_progress', { generationId: requests[winner]?.generationId }]);
      expect(message).toContain(requests[winner]?.generationId);
    }
  });

  it.each([
    ['in progress until its generation ends', undefined, 0, 'idempotency_in_progress'],
    ['finished when something was dispatched', true, 0, 'idempotency_finished'],
    ['free again when nothing was dispatched', false, 0, 'claimed'],
    ['finished after the deadline, whatever became of its process', undefined, 600_000, 'idempotency_finished'],
  ])('is %s', async (_name, dispatched, laterMs, code) => {
    const { claims, calls, advance } = setUp();
    const claim = await claims.claim(request());
    if (dispatched !== undefined) {
      claim.end(dispatched);
      await until('it is written', () => calls.includes(dispatched ? 'put' : 'delete'));
    }
    advance(laterMs);
    expect(await codeOf(claims.claim(request()))).toBe(code);
  });

  it.each([
    ['of another body is a mismatch, running or not', { bodyHash: 'b'.repeat(64) }, 'idempotency_mismatch'],
    ['of another workspace is another key', { workspaceId: 'ws-2' }, 'claimed'],
    ['of another name is another key', { key: 'order-8' }, 'claimed'],
  ])('%s', async (_name, changes, code) => {
    const { claims } = setUp();
    await claims.claim(request());
    expect(await codeOf(claims.claim(request(changes)))).toBe(code);
  });

  it('never becomes part of a subject', () => {
    expect(entryKeyOf('ws.*', '>')).toMatch(/^[0-9a-f]{64}$/);
    expect(entryKeyOf('a', 'b')).not.toBe(entryKeyOf('ab', ''));
  });
});

describe('a bucket that fails', () => {
  it('is a refusal, and what may have been created is released once it answers again', async () => {
    const { claims, faults, entries } = setUp();
    faults.push({ operation: 'create', after: true, fault: lost }, { operation: 'get', after: false, fault: lost });
    expect(await codeOf(claims.claim(request()))).toBe('no_responder');
    await until('the entry is gone', () => entries.size === 0);
    expect(await codeOf(claims.claim(request()))).toBe('claimed');
  });

  it('that answers too late is a refusal, and no claim is left of it', async () => {
    const { claims, faults, entries } = setUp();
    let answer = (): void => undefined;
    faults.push({ operation: 'create', after: true, fault: () => new Promise<void>((resolve) => (answer = resolve)) });
    expect(await codeOf(claims.claim(request()))).toBe('no_responder');
    answer();
    await until('the entry is gone', () => entries.size === 0);
  });

  it('does not make us release the claim of another', async () => {
    const { claims, faults, entries, calls } = setUp();
    await claims.claim(request());
    faults.push({ operation: 'create', after: false, fault: lost });
    expect(await codeOf(claims.claim(request()))).toBe('no_responder');
    await until('it looked whose it is', () => calls.includes('get'));
    expect(calls).not.toContain('delete');
    expect(entries.size).toBe(1);
  });

  it('that created our entry and lost the word of it leaves the claim ours', async () => {
    const { claims, entries } = setUp();
    const asked = request();
    entries.set(entryKeyOf(asked.workspaceId, asked.key), {
      v: 1,
      bodyHash: asked.bodyHash,
      generationId: asked.generationId,
      state: 'running',
      at: NOW,
      deadlineAt: asked.deadlineAt,
    });
    expect(await codeOf(claims.claim(asked))).toBe('claimed');
  });

  it('holding what is no entry is a refusal: nothing runs twice for want of understanding', async () => {
    const { claims, entries } = setUp();
    entries.set(entryKeyOf('ws-1', 'order-7'), { v: 2 });
    expect(await codeOf(claims.claim(request()))).toBe('no_responder');
    expect(entries.size).toBe(1);
  });

  it('is told again how a claim ended until it hears', async () => {
    const { claims, faults, calls } = setUp();
    const claim = await claims.claim(request());
    for (let turns = 0; turns < 5; turns += 1) faults.push({ operation: 'put', after: false, fault: lost });
    claim.end(true);
    await until('it was heard', () => calls.filter((call) => call === 'put').length === 6);
    expect(await codeOf(claims.claim(request()))).toBe('idempotency_finished');
  });

  it('for good is complained of once, and its entry goes by its deadline', async () => {
    const { claims, faults, onFault, advance } = setUp();
    const claim = await claims.claim(request());
    for (let turns = 0; turns < 10; turns += 1) faults.push({ operation: 'put', after: false, fault: lost });
    claim.end(true);
    await until('it is given up', () => onFault.length === 1);
    expect(await codeOf(claims.claim(request()))).toBe('idempotency_in_progress');
    advance(600_000);
    expect(await codeOf(claims.claim(request()))).toBe('idempotency_finished');
  });
});
