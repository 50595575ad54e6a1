// The leases of one quota set, with a clock of the test's own and a bank that keeps one wallet: what is held in memory never passes what was granted,
// what was granted never passes the wallet, and all of it comes back.
import fc from 'fast-check';
import type { LeaseReply } from '@waystation/contracts';
import { WaystationError } from '@waystation/contracts';
import { NOTHING, type Amounts } from './amounts.js';
import { createLeaseCache } from './lease-cache.js';
import {
  LEASE_TIMES,
  LeasePool,
  quotaSetFrom,
  type Hold,
  type LeaseBank,
  type PoolDeps,
  type QuotaSet,
  type Refused,
} from './lease-pool.js';

const usd = (amount: bigint | number): Amounts => ({ usd: BigInt(amount), byok: 0n, requests: 0, tokens: 0 });
const SET = quotaSetFrom('default', '0'.repeat(64), [
  { id: 'wallet:default', scope: 'wallet', scopeId: 'default', metric: 'usd', window: 'lifetime', windowStart: 0 },
]);

interface Kept {
  /** All it was ever granted, less what it gave back. */
  granted: bigint;
  step: number;
  final: boolean;
}

/** Billing with one wallet, as `libs/ledger` decides: cumulative amounts, a quarter of the free part beyond need, idempotent on ids. */
const createBank = (limit: bigint) => {
  const leases = new Map<string, Kept>();
  const log: string[] = [];
  let answers = true;
  let spent = 0n;
  const held = (): bigint => [...leases.values()].reduce((sum, lease) => sum + lease.granted, 0n);
  const slice = (need: bigint, want: bigint): bigint | undefined => {
    const left = limit - held();
    const share = left / 4n;
    const more = want < share ? want : share;
    return need > left ? undefined : more > need ? more : need;
  };
  /** As `libs/ledger` tells it: waiting helps where what is held would be enough. */
  const refused = (asked: bigint): LeaseReply => ({
    refused: {
      code: asked <= limit - spent ? 'in_flight' : 'insufficient_credits',
      quotaId: 'wallet:default',
      scope: 'wallet',
      metric: 'usd',
      window: 'lifetime',
      asked: asked.toString(),
      left: (limit - held()).toString(),
    },
  });
  const terms = (leaseId: string): LeaseReply => ({
    granted: {
      leaseId,
      granted: { usd: (leases.get(leaseId)?.granted ?? 0n).toString(), requests: 0, tokens: 0 },
      takeForMs: 60_000,
      endsAt: 0,
    },
  });
  const reachable = async (): Promise<void> => {
    await Promise.resolve();
    if (!answers) throw new WaystationError('deadline_exceeded', 'no answer');
  };
  const bank: LeaseBank = {
    async grant(leaseId, _set: QuotaSet, need, want) {
      await reachable();
      log.push(`grant ${need.usd} ${want.usd}`);
      const amount = slice(need.usd, want.usd);
      if (amount === undefined) return refused(need.usd);
      leases.set(leaseId, { granted: amount, step: 0, final: false });
      return terms(leaseId);
    },
    async renew(leaseId, _step, need, want) {
      await reachable();
      log.push(`renew ${need.usd} ${want.usd}`);
      const lease = leases.get(leaseId);
      if (lease === undefined || lease.final) throw new WaystationError('conflict', 'takes no more holds');
      const amount = slice(need.usd, want.usd);
      if (amount === undefined) return refused(need.usd);
      lease.granted += amount;
      return terms(leaseId);
    },
    async giveBack(leaseId, step, keep, final) {
      await reachable();
      log.push(`return ${keep.usd}${final ? '' : ' for now'}`);
      const lease = leases.get(leaseId);
      if (lease === undefined || step <= lease.step) return;
      lease.step = step;
      lease.final ||= final;
      if (keep.usd < lease.granted) lease.granted = keep.usd;
    },
  };
  return {
    bank,
    log,
    held,
    set answers(value: boolean) {
      answers = value;
    },
    /** Of what is held, this much is settled and cannot come back. */
    set spent(value: bigint) {
      spent = value;
    },
  };
};

const setUp = (limit: bigint) => {
  let now = 1_000;
  let leases = 0;
  const own = createBank(limit);
  const faults: unknown[] = [];
  const deps: PoolDeps = {
    bank: own.bank,
    times: LEASE_TIMES,
    now: () => now,
    newLeaseId: () => `lease-test${(leases += 1)}`,
    onFault: (error) => void faults.push(error),
  };
  const settleDown = async (): Promise<void> => {
    for (let turns = 0; turns < 50; turns += 1) await Promise.resolve();
  };
  const advance = async (pool: { tick(): void }, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      now += 250;
      pool.tick();
      await settleDown();
    }
  };
  return { ...own, own, deps, faults, settleDown, advance };
};

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
};

/** Questions and answers that are on their way for a while. */
const slowly = (bank: LeaseBank): LeaseBank => {
  const slow = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    await turns(5);
    const answer = await ask();
    await turns(5);
    return answer;
  };
  return {
    grant: (...asked) => slow(() => bank.grant(...asked)),
    renew: (...asked) => slow(() => bank.renew(...asked)),
    giveBack: (...asked) => slow(() => bank.giveBack(...asked)),
  };
};

const isHold = (result: Hold | Refused): result is Hold => !('refused' in result);
const taken = async (result: Hold | Promise<Hold | Refused>): Promise<Hold> => {
  const got = await result;
  if (!isHold(got)) throw new Error(`refused: ${JSON.stringify(got.refused)}`);
  return got;
};

describe('a cold key', () => {
  it('is granted exactly what waits, and shares one question between those that wait', async () => {
    const { deps, log } = setUp(1_000_000n);
    const pool = new LeasePool(SET, deps);
    await Promise.all([pool.take(usd(100)), pool.take(usd(100)), pool.take(usd(100))]);
    expect(log).toEqual(['grant 100 100', 'renew 200 200']);
  });

  it('takes without a question what came back from earlier holds', async () => {
    const { deps, log } = setUp(1_000_000n);
    const pool = new LeasePool(SET, deps);
    (await taken(pool.take(usd(100)))).settle(usd(30));
    expect(pool.take(usd(70))).not.toBeInstanceOf(Promise);
    await taken(pool.take(usd(10)));
    expect(log).toEqual(['grant 100 100', 'renew 10 10']);
  });
});

describe('a limit that is changed', () => {
  const limited = (limit: string): QuotaSet =>
    quotaSetFrom('default', '0'.repeat(64), [
      ...SET.quotas,
      { ...{ id: 'key:x', scope: 'key', scopeId: 'x', metric: 'usd', window: 'lifetime', windowStart: 0 }, limit },
    ]);

  it('is asked by from now on, and what was granted under the old one goes back', async () => {
    const { deps, log, held, settleDown } = setUp(1_000_000n);
    const asked: (string | undefined)[] = [];
    const bank: LeaseBank = {
      ...deps.bank,
      grant: (leaseId, set, need, want) => {
        asked.push(set.quotas.at(-1)?.limit);
        return deps.bank.grant(leaseId, set, need, want);
      },
    };
    const pool = new LeasePool(limited('500'), { ...deps, bank });
    (await taken(pool.take(usd(100)))).settle(usd(30));
    pool.adopt(limited('500'));
    await settleDown();
    expect(held()).toBe(100n);
    pool.adopt(limited('40'));
    await settleDown();
    expect(held()).toBe(30n);
    await taken(pool.take(usd(10)));
    expect(asked).toEqual(['500', '40']);
    expect(log).toEqual(['grant 100 100', 'return 30', 'grant 10 10']);
  });
});

describe('a hold', () => {
  it('that is settled leaves its charge in the lease and frees the rest, once', async () => {
    const { deps, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const hold = await taken(pool.take(usd(100)));
    hold.settle(usd(30));
    hold.settle(usd(0));
    hold.leaveOpen();
    await advance(pool, 5_000);
    expect(held()).toBe(30n);
    expect(pool.isEmpty).toBe(true);
  });

  it('never charges more than it holds', async () => {
    const { deps, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    (await taken(pool.take(usd(100)))).settle(usd(500));
    await advance(pool, 5_000);
    expect(held()).toBe(100n);
  });

  it('whose charge is not known stays in the lease whole', async () => {
    const { deps, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    (await taken(pool.take(usd(100)))).leaveOpen();
    await advance(pool, 5_000);
    expect(held()).toBe(100n);
    expect(pool.isEmpty).toBe(false);
    await advance(pool, LEASE_TIMES.tellMs);
    expect(held()).toBe(100n);
    expect(pool.isEmpty).toBe(true);
  });

  it('whose charge becomes known later makes room at once in a lease that still serves', async () => {
    const { deps, log } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const left = await taken(pool.take(usd(100)));
    left.leaveOpen();
    left.settle(usd(30));
    left.settle(usd(0));
    left.leaveOpen();
    expect(pool.take(usd(70))).not.toBeInstanceOf(Promise);
    expect(log).toEqual(['grant 100 100']);
  });

  it('whose charge becomes known when its lease has ended gives the rest back, and the lease is over', async () => {
    const { deps, held, advance, log } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const left = await taken(pool.take(usd(100)));
    left.leaveOpen();
    await advance(pool, 5_000);
    left.settle(usd(30));
    await advance(pool, 250);
    expect(held()).toBe(30n);
    expect(pool.isEmpty).toBe(true);
    expect(log).toEqual(['grant 100 100', 'return 100', 'return 30']);
  });

  it('whose charge becomes known when nobody waits for it any more changes nothing', async () => {
    const { deps, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const left = await taken(pool.take(usd(100)));
    left.leaveOpen();
    await advance(pool, 5_000 + LEASE_TIMES.tellMs);
    left.settle(usd(30));
    await advance(pool, 5_000);
    expect(held()).toBe(100n);
    expect(pool.isEmpty).toBe(true);
  });

  it('that is open when its lease ends keeps its part until it is settled', async () => {
    const { deps, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const open = await taken(pool.take(usd(100)));
    (await taken(pool.take(usd(300)))).settle(NOTHING);
    await advance(pool, 5_000);
    expect(held()).toBe(100n);
    open.settle(usd(40));
    await advance(pool, 500);
    expect(held()).toBe(40n);
    expect(pool.isEmpty).toBe(true);
  });
});

describe('a hold that grows', () => {
  it('grows at once out of what its lease has free, and is settled whole', async () => {
    const { deps, held, advance, log } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const hold = await taken(pool.take(usd(100), true));
    (await taken(pool.take(usd(50)))).settle(NOTHING);
    expect(hold.grow(usd(50))).toBeUndefined();
    expect([hold.amounts, log]).toEqual([usd(150), ['grant 100 100', 'renew 50 50']]);
    hold.settle(usd(120));
    await advance(pool, 5_000);
    expect([held(), pool.isEmpty]).toEqual([120n, true]);
  });

  it('asks for exactly what is missing, however many ask at once, and never holds what was not granted', async () => {
    const { deps, held, log } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const holds = await Promise.all(Array.from({ length: 5 }, () => taken(pool.take(usd(10), true))));
    await Promise.all(holds.map((hold) => hold.grow(usd(20))));
    expect(holds.map((hold) => hold.amounts.usd)).toEqual(Array.from({ length: 5 }, () => 30n));
    expect([held(), log]).toEqual([
      150n,
      ['grant 10 10', 'renew 40 40', ...Array.from({ length: 5 }, () => 'renew 20 20')],
    ]);
  });

  it('goes on growing when its lease has ended: in the same lease, which is returned for good when the last of them ends', async () => {
    const { deps, held, advance, log } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const hold = await taken(pool.take(usd(100), true));
    (await taken(pool.take(usd(300)))).settle(NOTHING);
    await advance(pool, 5_000);
    expect([held(), log.at(-1)]).toEqual([100n, 'return 100 for now']);
    expect(await hold.grow(usd(50))).toBeUndefined();
    await advance(pool, 500);
    expect([hold.amounts, held(), log.at(-1)]).toEqual([usd(150), 150n, 'renew 50 50']);
    hold.settle(usd(70));
    await advance(pool, 500);
    expect([held(), log.at(-1), pool.isEmpty]).toEqual([70n, 'return 70', true]);
  });

  it('is refused what nobody has left, keeps what it has, and is told the rest', async () => {
    const { deps, held } = setUp(120n);
    const pool = new LeasePool(SET, deps);
    const hold = await taken(pool.take(usd(100), true));
    expect(await hold.grow(usd(50))).toMatchObject({ refused: { asked: '50', left: '20' } });
    expect([hold.amounts, held()]).toEqual([usd(100), 100n]);
    expect(await hold.grow(usd(20))).toBeUndefined();
    expect(held()).toBe(120n);
  });

  it('rejects while billing is away, and what may have been granted meanwhile goes back', async () => {
    const { deps, own, held, advance } = setUp(1_000n);
    let deaf = false;
    const bank: LeaseBank = {
      ...deps.bank,
      async renew(...asked) {
        const reply = await deps.bank.renew(...asked);
        if (deaf) throw new WaystationError('deadline_exceeded', 'the answer was lost');
        return reply;
      },
    };
    const pool = new LeasePool(SET, { ...deps, bank });
    const hold = await taken(pool.take(usd(100), true));
    await advance(pool, 5_000);
    own.answers = false;
    await expect(hold.grow(usd(50))).rejects.toThrow('no answer');
    own.answers = true;
    deaf = true;
    await expect(hold.grow(usd(50))).rejects.toThrow('lost');
    expect([hold.amounts, held()]).toEqual([usd(100), 150n]);
    await advance(pool, 1_000);
    expect(held()).toBe(100n);
    hold.settle(usd(1));
    await advance(pool, 1_000);
    expect([held(), pool.isEmpty]).toEqual([1n, true]);
  });

  it('loses nothing of what was just granted to a recall that comes meanwhile', async () => {
    const { deps, held } = setUp(1_000n);
    const pool = new LeasePool(SET, { ...deps, bank: slowly(deps.bank) });
    const hold = await taken(pool.take(usd(100), true));
    const growing = hold.grow(usd(50));
    pool.recall('lease-test1');
    await growing;
    await turns(100);
    expect([hold.amounts, held()]).toEqual([usd(150), 150n]);
  });

  it('asks again for what another took while it asked', async () => {
    const { deps, held } = setUp(1_000n);
    const pool = new LeasePool(SET, { ...deps, bank: slowly(deps.bank) });
    const hold = await taken(pool.take(usd(100), true));
    (await taken(pool.take(usd(30)))).settle(NOTHING);
    const growing = hold.grow(usd(50));
    await turns(8);
    const other = await taken(pool.take(usd(30)));
    await growing;
    expect([hold.amounts.usd + other.amounts.usd, held()]).toEqual([180n, 180n]);
  });

  it('that ends while billing is asked leaves nothing of the answer held', async () => {
    const { deps, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    const hold = await taken(pool.take(usd(100), true));
    const growing = hold.grow(usd(50));
    hold.settle(usd(10));
    await growing;
    expect(hold.grow(usd(50))).toBeUndefined();
    await advance(pool, 6_000);
    expect([hold.amounts, held(), pool.isEmpty]).toEqual([usd(100), 10n, true]);
  });
});

describe('a lease', () => {
  it('that lies idle goes back within five seconds', async () => {
    const { deps, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    (await taken(pool.take(usd(500)))).settle(NOTHING);
    await advance(pool, 3_000);
    expect(held()).toBe(500n);
    await advance(pool, 1_500);
    expect(held()).toBe(0n);
  });

  it('takes no hold after its time, counted from before it was asked for', async () => {
    const { deps, log } = setUp(1_000n);
    let now = 0;
    const bank: LeaseBank = {
      ...deps.bank,
      async grant(...asked) {
        now += 10_000; // a slow answer
        return deps.bank.grant(...asked);
      },
    };
    const pool = new LeasePool(SET, { ...deps, bank, now: () => now });
    (await taken(pool.take(usd(10)))).settle(NOTHING);
    now = 59_999;
    const last = pool.take(usd(10));
    expect(last).not.toBeInstanceOf(Promise);
    (await taken(last)).settle(NOTHING);
    now = 60_000;
    await taken(pool.take(usd(10)));
    expect(log).toEqual(['grant 10 10', 'return 0', 'grant 10 10']);
  });

  it('that is recalled gives back what no hold claims, at once, and the next take asks again', async () => {
    const { deps, held, log, settleDown } = setUp(1_000n);
    const cache = createLeaseCache(deps);
    const open = await taken(cache.take(SET, usd(100)));
    (await taken(cache.take(SET, usd(200)))).settle(NOTHING);
    cache.recall(['lease-test1']);
    await settleDown();
    expect(held()).toBe(100n);
    await taken(cache.take(SET, usd(50)));
    expect(log.at(-1)).toBe('grant 50 50');
    open.settle(NOTHING);
  });

  it('that billing does not know any more is replaced by a new one', async () => {
    const { deps, log } = setUp(1_000n);
    const bank: LeaseBank = {
      ...deps.bank,
      async renew() {
        log.push('renew');
        throw new WaystationError('conflict', 'A window is over.');
      },
    };
    const pool = new LeasePool(SET, { ...deps, bank });
    await taken(pool.take(usd(10)));
    await taken(pool.take(usd(10)));
    expect(log).toEqual(['grant 10 10', 'renew', 'return 10', 'grant 10 10']);
  });

  it('is given back again and again until billing has heard', async () => {
    const { deps, own, held, advance } = setUp(1_000n);
    const pool = new LeasePool(SET, deps);
    (await taken(pool.take(usd(500)))).settle(NOTHING);
    own.answers = false;
    await advance(pool, 6_000);
    expect(held()).toBe(500n);
    own.answers = true;
    await advance(pool, 1_000);
    expect(held()).toBe(0n);
  });
});

describe('a refusal', () => {
  it('goes to those that the rest cannot serve; the others are served, to the last cent', async () => {
    const { deps, held } = setUp(500n);
    const pool = new LeasePool(SET, deps);
    const results = await Promise.all(Array.from({ length: 1000 }, () => pool.take(usd(10))));
    expect(results.filter(isHold)).toHaveLength(50);
    expect(held()).toBe(500n);
    const refused = results.filter((result): result is Refused => !isHold(result));
    expect(new Set(refused.map(({ refused: { asked, quotaId } }) => `${asked} ${quotaId}`))).toEqual(
      new Set(['10 wallet:default']),
    );
  });

  it('of a large need does not refuse the small ones that waited with it', async () => {
    const { deps } = setUp(100n);
    const pool = new LeasePool(SET, deps);
    const [large, ...small] = await Promise.all([pool.take(usd(1_000)), pool.take(usd(40)), pool.take(usd(60))]);
    expect(large !== undefined && isHold(large)).toBe(false);
    expect(small.every(isHold)).toBe(true);
  });

  it('says of each whether waiting helps, and asks few questions to know', async () => {
    const { deps, log } = setUp(500n);
    const pool = new LeasePool(SET, deps);
    const results = await Promise.all(Array.from({ length: 1000 }, (_, index) => pool.take(usd(index + 1))));
    const codes = results.map((result) => (isHold(result) ? 'held' : result.refused.code));
    expect(codes.slice(500)).toEqual(Array.from({ length: 500 }, () => 'insufficient_credits'));
    expect(new Set(codes.slice(0, 500))).toEqual(new Set(['held', 'in_flight']));
    const sum = results.reduce((total, result) => total + (isHold(result) ? result.amounts.usd : 0n), 0n);
    expect(sum > 450n && sum <= 500n).toBe(true);
    expect(log.length).toBeLessThan(25);
  });

  it('does not tell anybody to wait for what this very lease has free', async () => {
    const { deps, own } = setUp(100n);
    const pool = new LeasePool(SET, deps);
    const first = await pool.take(usd(60));
    if (!isHold(first)) throw new Error('refused');
    first.settle(usd(30));
    own.spent = 30n;
    expect(await pool.take(usd(80))).toMatchObject({
      refused: { code: 'insufficient_credits', asked: '80', left: '70' },
    });
    expect(isHold(await pool.take(usd(70)))).toBe(true);
    expect(await pool.take(usd(10))).toMatchObject({ refused: { code: 'in_flight', asked: '10', left: '0' } });
  });

  it('is an error for everybody when billing cannot be asked, and nothing stays held', async () => {
    const { deps, own, held, faults, advance } = setUp(1_000n);
    own.answers = false;
    const pool = new LeasePool(SET, deps);
    await expect(Promise.all([pool.take(usd(10)), pool.take(usd(10))])).rejects.toThrow('billing does not answer');
    expect(faults).toHaveLength(1);
    own.answers = true;
    await advance(pool, 2_000);
    expect(held()).toBe(0n);
    expect(pool.isEmpty).toBe(true);
  });
});

describe('a warm key', () => {
  it('is refilled in the background, so that hardly anybody waits, and its float goes back when it cools', async () => {
    const { deps, held, settleDown, advance } = setUp(1_000_000_000n);
    const pool = new LeasePool(SET, deps);
    let waited = 0;
    let open: Hold[] = [];
    const second = async (): Promise<void> => {
      for (let quarter = 0; quarter < 4; quarter += 1) {
        for (const hold of open) hold.settle(usd(100));
        open = [];
        for (let index = 0; index < 25; index += 1) {
          const result = pool.take(usd(1_000));
          if (result instanceof Promise) waited += 1;
          open.push(await taken(result));
        }
        await settleDown();
        await advance(pool, 250);
      }
    };
    for (let seconds = 0; seconds < 3; seconds += 1) await second();
    waited = 0;
    for (let seconds = 0; seconds < 100; seconds += 1) await second();
    expect(waited).toBeLessThanOrEqual(2);
    for (const hold of open) hold.settle(usd(100));
    await advance(pool, 6_000);
    expect(held()).toBe(BigInt(103 * 100 * 100));
    expect(pool.isEmpty).toBe(true);
  });
});

describe('whatever happens in whatever order', () => {
  it('holds never pass grants, grants never pass the wallet, and in the end only charges are held', async () => {
    /** How long the next step waits: questions and answers are still on their way then. */
    const during = { turns: fc.nat(20) };
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('take' as const),
        amount: fc.integer({ min: 1, max: 400 }),
        grows: fc.boolean(),
        ...during,
      }),
      fc.record({
        kind: fc.constant('grow' as const),
        which: fc.nat(20),
        amount: fc.integer({ min: 1, max: 200 }),
        ...during,
      }),
      fc.record({
        kind: fc.constant('settle' as const),
        which: fc.nat(20),
        part: fc.integer({ min: 0, max: 100 }),
        ...during,
      }),
      fc.record({ kind: fc.constant('lose' as const), which: fc.nat(20), ...during }),
      fc.record({
        kind: fc.constant('tell' as const),
        which: fc.nat(20),
        part: fc.integer({ min: 0, max: 100 }),
        ...during,
      }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(250, 2_000, 70_000), ...during }),
      fc.record({ kind: fc.constant('recall' as const), which: fc.nat(5), ...during }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { deps, held, advance } = setUp(1_000n);
        const pool = new LeasePool(SET, {
          ...deps,
          bank: slowly(deps.bank),
          times: { ...LEASE_TIMES, tellMs: Infinity },
        });
        const open: Hold[] = [];
        /** Left open, and not told of so far. */
        const left: Hold[] = [];
        let spent = 0n;
        for (const each of steps) {
          if (each.kind === 'take')
            void Promise.resolve(pool.take(usd(each.amount), each.grows)).then(
              (result) => isHold(result) && open.push(result),
            );
          else if (each.kind === 'grow') void open[each.which % Math.max(1, open.length)]?.grow(usd(each.amount));
          else if (each.kind === 'wait') await advance(pool, each.ms);
          else if (each.kind === 'recall') pool.recall(open[each.which % Math.max(1, open.length)]?.leaseId ?? '');
          else if (each.kind === 'tell') {
            const [hold] = left.splice(each.which % Math.max(1, left.length), 1);
            if (hold === undefined) continue;
            const charge = (hold.amounts.usd * BigInt(each.part)) / 100n;
            hold.settle(usd(charge));
            spent -= hold.amounts.usd - charge;
          } else {
            const [hold] = open.splice(each.which % Math.max(1, open.length), 1);
            if (hold === undefined) continue;
            const charge = each.kind === 'lose' ? hold.amounts.usd : (hold.amounts.usd * BigInt(each.part)) / 100n;
            if (each.kind === 'lose') {
              hold.leaveOpen();
              left.push(hold);
            } else hold.settle(usd(charge));
            spent += charge;
          }
          await turns(each.turns);
          const claimed = open.reduce((sum, hold) => sum + hold.amounts.usd, 0n) + spent;
          expect(claimed <= held()).toBe(true);
          expect(held() <= 1_000n).toBe(true);
        }
        // Long enough for every question that queues behind others: a hold that came later would be settled by nobody.
        await turns(2_000);
        for (const hold of open) hold.settle(NOTHING);
        for (const hold of left) hold.settle(hold.amounts);
        await advance(pool, 10_000);
        expect(held()).toBe(spent);
        expect(pool.isEmpty).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
