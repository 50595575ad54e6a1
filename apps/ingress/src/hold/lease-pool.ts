// The leases of one quota set in this process. Holds are taken in memory; billing is asked only when the free part does not suffice, one question at a
// time for all that wait. A cold key asks for exactly what waits; a warm one keeps a float that follows its recent use and is refilled in the background.
// Invariants: takes end at the lease's time; a failed question holds nothing; every lease is given back when it ends or lies idle.
import type { LeaseGrantRequest, LeaseRefusal, LeaseReply, QuotaRef } from '@waystation/contracts';
import { WaystationError, toWaystationError } from '@waystation/contracts';
import {
  aboveZero,
  fitsInto,
  fromVector,
  isNothing,
  larger,
  minus,
  NOTHING,
  plus,
  scaled,
  smaller,
  type Amounts,
} from './amounts.js';
import { Lease } from './lease.js';

/** What a generation may cost, held until it is settled. */
export interface Hold {
  /** Absent where nothing had to be held. */
  readonly leaseId: string | undefined;
  /** All that is held by now. */
  readonly amounts: Amounts;
  /**
   * Holds more, in the same lease: at once (undefined) where it has room, else when billing has answered. Only where it was taken to grow; without effect
   * once the hold has ended. Rejects where billing cannot be asked; with `conflict` or `not_found` where its lease can have no more.
   */
  grow(more: Amounts): undefined | Promise<Refused | undefined>;
  /** The hold ends, or its charge is known after all: this much was charged, the rest is free again. Only the first time counts. */
  settle(charged: Amounts): void;
  /** The hold ends for us, but only billing will learn what was charged: it stays in the lease until it is settled, or the lease swept. */
  leaveOpen(): void;
}

export interface Refused {
  readonly refused: LeaseRefusal;
}

/** Billing as a pool sees it. Rejects where billing cannot be asked. */
export interface LeaseBank {
  grant(leaseId: string, quotas: QuotaSet, need: Amounts, want: Amounts): Promise<LeaseReply>;
  renew(leaseId: string, step: number, need: Amounts, want: Amounts): Promise<LeaseReply>;
  giveBack(leaseId: string, step: number, keep: Amounts, final: boolean): Promise<void>;
}

export interface QuotaSet {
  readonly id: string;
  readonly workspaceId: string;
  readonly keyHash: string;
  readonly quotas: LeaseGrantRequest['quotas'];
  readonly metersRequests: boolean;
  readonly metersTokens: boolean;
  /** A money limit counts what own provider keys cost. */
  readonly metersByok: boolean;
}

/** Whether both name the same limits; of sets with the same id. */
export const hasSameLimits = (a: QuotaSet, b: QuotaSet): boolean =>
  a === b ||
  a.quotas.every(
    ({ limit, includeByok }, index) => limit === b.quotas[index]?.limit && includeByok === b.quotas[index]?.includeByok,
  );

export const quotaSetFrom = (workspaceId: string, keyHash: string, quotas: readonly QuotaRef[]): QuotaSet => ({
  id: quotas.map((quota) => quota.id).join('|'),
  workspaceId,
  keyHash,
  quotas: [...quotas],
  metersRequests: quotas.some((quota) => quota.metric === 'requests'),
  metersTokens: quotas.some((quota) => quota.metric === 'tokens'),
  metersByok: quotas.some((quota) => quota.metric === 'usd' && quota.includeByok === true),
});

export interface LeaseTimes {
  /** A lease on which nothing was taken for so long is given back. */
  readonly idleMs: number;
  /** A lease this close to its end is not renewed; a new one is asked for. */
  readonly endingMs: number;
  /** After a background refill that got little, none is tried for so long. */
  readonly refillPauseMs: number;
  /** How often a return that failed is tried again. */
  readonly returnRetryMs: number;
  /** How long billing's word on a hold that was left open is waited for: after that its lease has been swept. */
  readonly tellMs: number;
  /** How much of the recent charges a warm float covers. */
  readonly horizonMs: number;
}

export const LEASE_TIMES: LeaseTimes = {
  idleMs: 4_000,
  endingMs: 3_000,
  refillPauseMs: 1_000,
  returnRetryMs: 500,
  tellMs: 120_000,
  horizonMs: 5_000,
};

export interface PoolDeps {
  readonly bank: LeaseBank;
  readonly times: LeaseTimes;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly newLeaseId: () => string;
  readonly onFault: (error: unknown, what: string) => void;
}

/** Generations that may wait for one quota set; beyond it, callers are sent away. */
const WAITERS_MAX = 10_000;
/** Times that one waiter is asked for before a refusal is final. */
const TRIES_MAX = 4;
/** A return that failed this often is left to the sweeper. */
const RETURNS_MAX = 20;
/** Takes per second from which a key counts as warm. */
const WARM_TAKES_PER_SECOND = 4;
/** Weight of the past second in the running rates, as a fraction per second. */
const RATE_DECAY = 0.5;

type Terms = Extract<LeaseReply, { granted: unknown }>['granted'];

interface Waiter {
  readonly need: Amounts;
  readonly grows: boolean;
  tries: number;
  readonly resolve: (result: Hold | Refused) => void;
  readonly reject: (error: WaystationError) => void;
}

interface Closing {
  readonly lease: Lease;
  dirty: boolean;
  /** The return that is under way. */
  busy: Promise<void> | undefined;
  failures: number;
  notBeforeMs: number;
}

export class LeasePool {
  #set: QuotaSet;
  readonly #deps: PoolDeps;
  #current: Lease | undefined;
  readonly #closing = new Map<string, Closing>();
  #waiters: Waiter[] = [];
  #filling = false;
  #lastTakeMs: number;
  #refillNotBeforeMs = 0;
  // Recent use: open holds at their highest, charges and takes per second. All decay.
  #open: Amounts = NOTHING;
  #peakOpen: Amounts = NOTHING;
  #chargedSinceTick: Amounts = NOTHING;
  #chargedPerSecond: Amounts = NOTHING;
  #takesSinceTick = 0;
  #takesPerSecond = 0;
  #lastTickMs: number;
  #low = { peakOpen: NOTHING, chargedPerSecond: NOTHING, mark: NOTHING };

  /** The pool as its holds see it. */
  readonly #holder: Holder = {
    grow: (lease, more, add) => this.#grow(lease, more, add),
    held: (lease, more) => this.#holdMore(lease, more),
    ended: (lease, amounts) => {
      lease.open = minus(lease.open, amounts);
      this.#open = minus(this.#open, amounts);
    },
    charged: (lease, kept) => {
      lease.charged = plus(lease.charged, kept);
      this.#chargedSinceTick = plus(this.#chargedSinceTick, kept);
    },
    tellUntilMs: () => this.#deps.now() + this.#deps.times.tellMs,
    freed: (lease) => this.#freed(lease),
  };

  constructor(set: QuotaSet, deps: PoolDeps) {
    this.#set = set;
    this.#deps = deps;
    this.#lastTakeMs = deps.now();
    this.#lastTickMs = this.#lastTakeMs;
  }

  /** Nothing is held, nobody waits, nothing is left to give back. */
  get isEmpty(): boolean {
    return this.#current === undefined && this.#closing.size === 0 && this.#waiters.length === 0 && !this.#filling;
  }

  get openHolds(): number {
    let count = this.#current?.openHolds ?? 0;
    for (const { lease } of this.#closing.values()) count += lease.openHolds;
    return count;
  }

  /** The set of the calls that come, under the same id. Where a limit was changed, what was granted under the old one goes back. */
  adopt(set: QuotaSet): void {
    if (hasSameLimits(set, this.#set)) return;
    this.#set = set;
    if (this.#current !== undefined) this.#close(this.#current);
  }

  /** At once where the free part suffices, else when billing has answered. */
  take(need: Amounts, grows = false): Hold | Promise<Hold | Refused> {
    const now = this.#deps.now();
    this.#lastTakeMs = now;
    this.#takesSinceTick += 1;
    if (this.#waiters.length === 0 && this.#current?.canTake(need, now) === true) {
      const hold = this.#hold(this.#current, need, grows);
      if (this.#isLow()) this.#fill();
      return hold;
    }
    if (this.#waiters.length >= WAITERS_MAX)
      throw new WaystationError('overloaded', 'Too many requests wait for credit of this key; try again.', {
        retryAfterMs: 1000,
      });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ need, grows, tries: 0, resolve, reject });
      this.#fill();
    });
  }

  /** Billing needs the unused part. What waits here is not starved: it asks again. */
  recall(leaseId: string): void {
    const lease = this.#current;
    if (lease?.id === leaseId) this.#close(lease);
  }

  /** Called a few times a second: ends leases, follows rates, repeats returns. */
  tick(): void {
    const now = this.#deps.now();
    this.#followRates(now);
    const lease = this.#current;
    if (
      lease !== undefined &&
      !this.#filling &&
      (now >= lease.takeUntilMs || now - this.#lastTakeMs >= this.#deps.times.idleMs)
    )
      this.#close(lease);
    for (const closing of this.#closing.values()) {
      if (!closing.dirty && closing.busy === undefined && closing.lease.isOver(now))
        this.#closing.delete(closing.lease.id);
      else this.#giveBack(closing, now);
    }
  }

  /** Gives everything back that no hold claims; for shutdown. Resolves when billing knows, or after one try each. */
  async drain(): Promise<void> {
    if (this.#current !== undefined) this.#close(this.#current);
    const { bank } = this.#deps;
    await Promise.allSettled(
      [...this.#closing.values()].map(({ lease }) => {
        lease.step += 1;
        return bank.giveBack(lease.id, lease.step, lease.claimed, true);
      }),
    );
  }

  #hold(lease: Lease, need: Amounts, grows: boolean): Hold {
    lease.openHolds += 1;
    if (grows) lease.growingHolds += 1;
    this.#holdMore(lease, need);
    return new PoolHold(this.#holder, lease, need, grows);
  }

  #holdMore(lease: Lease, more: Amounts): void {
    lease.open = plus(lease.open, more);
    this.#open = plus(this.#open, more);
    this.#peakOpen = larger(this.#peakOpen, this.#open);
  }

  /** Streams that run go before calls that have not begun: they are served from what is free whoever waits. */
  #grow(lease: Lease, more: Amounts, add: (more: Amounts) => void): undefined | Promise<Refused | undefined> {
    this.#lastTakeMs = this.#deps.now();
    if (!fitsInto(more, lease.free)) return lease.inTurn(() => this.#renewToGrow(lease, more, add));
    add(more);
    if (lease === this.#current && this.#isLow()) this.#fill();
    return undefined;
  }

  async #renewToGrow(lease: Lease, more: Amounts, add: (more: Amounts) => void): Promise<Refused | undefined> {
    // What was free when billing was asked may be taken when it answers.
    for (let tries = 0; tries < TRIES_MAX && !fitsInto(more, lease.free); tries += 1) {
      const askedAtMs = this.#deps.now();
      const missing = aboveZero(minus(more, lease.free));
      const want = lease === this.#current ? larger(missing, this.#float()) : missing;
      lease.step += 1;
      const reply = await this.#deps.bank.renew(lease.id, lease.step, missing, want).catch((error: unknown) => {
        this.#freed(lease); // it may have been granted: a lease that is given back gives that back, too
        throw error;
      });
      if ('refused' in reply) return { refused: withFree(reply.refused, more, aboveZero(lease.free)) };
      this.#granted(lease, reply.granted, askedAtMs);
    }
    if (!fitsInto(more, lease.free))
      throw new WaystationError('overloaded', 'Too much is taken from this lease at once; try again.');
    add(more);
    this.#spareNothing(lease);
    return undefined;
  }

  /** A renewal told exactly what a lease has: where all of it is claimed, there is nothing to give back for now. */
  #spareNothing(lease: Lease): void {
    const closing = this.#closing.get(lease.id);
    if (closing !== undefined && lease.growingHolds > 0 && isNothing(aboveZero(lease.free))) closing.dirty = false;
  }

  #freed(lease: Lease): void {
    const closing = this.#closing.get(lease.id);
    if (closing !== undefined) closing.dirty = true;
    else if (this.#waiters.length > 0) this.#serve();
  }

  /** Gives holds to the waiters that fit, in order. */
  #serve(): void {
    const lease = this.#current;
    if (lease === undefined) return;
    const now = this.#deps.now();
    this.#waiters = this.#waiters.filter((waiter) => {
      if (!lease.canTake(waiter.need, now)) return true;
      waiter.resolve(this.#hold(lease, waiter.need, waiter.grows));
      return false;
    });
  }

  // --- asking billing

  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    void this.#fillUntilServed()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#filling = false;
        if (this.#waiters.length > 0) this.#fill();
      });
  }

  async #fillUntilServed(): Promise<void> {
    if (this.#waiters.length === 0) return this.#refill();
    let left: Amounts | undefined;
    while (this.#waiters.length > 0) {
      const asked = left === undefined ? this.#waiters : this.#worthAsking(left);
      for (const waiter of asked) waiter.tries += 1;
      const reply = await this.#ask(asked.reduce((sum, waiter) => plus(sum, waiter.need), NOTHING));
      this.#serve();
      left = 'refused' in reply ? this.#refuse(reply.refused, asked) : undefined;
    }
  }

  /** As many in order as what is left may cover; else one of those in the middle, whose answer decides for half of them. */
  #worthAsking(left: Amounts): readonly Waiter[] {
    let sum = NOTHING;
    const covered = this.#waiters.filter(({ need }) => {
      const more = plus(sum, need);
      if (!fitsInto(more, left)) return false;
      sum = more;
      return true;
    });
    if (covered.length > 0) return covered;
    const bySize = [...this.#waiters].sort((a, b) =>
      a.need.usd < b.need.usd ? -1 : a.need.usd > b.need.usd ? 1 : a.need.tokens - b.need.tokens,
    );
    return bySize.slice(bySize.length >> 1, (bySize.length >> 1) + 1);
  }

  /** A warm key's float, before anybody has to wait. */
  async #refill(): Promise<void> {
    const before = this.#freeNow();
    const reply = await this.#ask(NOTHING);
    const gained = minus(this.#freeNow(), before);
    if ('refused' in reply || gained.usd * 2n < this.#float().usd)
      this.#refillNotBeforeMs = this.#deps.now() + this.#deps.times.refillPauseMs;
  }

  /** One question: a renewal where the lease lasts, a new lease otherwise. */
  async #ask(need: Amounts): Promise<LeaseReply> {
    const { bank, now, newLeaseId } = this.#deps;
    const askedAtMs = now();
    const current = this.#current;
    if (current !== undefined && this.#isLasting) {
      const renewed = await this.#renew(current, need, askedAtMs);
      // Billing counts what this lease has free among what may come back, and would tell us to wait for ourselves: it is asked once more without.
      const standsInItsOwnWay = !isNothing(need) && !isNothing(aboveZero(current.free));
      if (renewed !== undefined && !('refused' in renewed && standsInItsOwnWay)) return renewed;
    }
    // Somebody waits: what the ending lease still holds must not stand in the way. Nobody waits: it serves until the next one is there.
    if (!isNothing(need)) await this.#giveBackFirst();
    const lease = new Lease(newLeaseId());
    const grantedAtMs = now();
    try {
      const reply = await bank.grant(lease.id, this.#set, need, larger(need, this.#float()));
      if ('granted' in reply) this.#replaceCurrent(lease, reply.granted, grantedAtMs);
      return reply;
    } catch (error) {
      this.#close(lease); // it may have been granted: what we do not know of we give back
      throw error;
    }
  }

  #granted(lease: Lease, terms: Terms, askedAtMs: number): void {
    lease.granted = fromVector(terms.granted);
    const closing = this.#closing.get(lease.id);
    if (closing === undefined) lease.takeUntilMs = askedAtMs + terms.takeForMs;
    else closing.dirty = true; // it was recalled meanwhile
  }

  /** The new lease serves from now on, unless it is so much smaller that the old one does better until its end. */
  #replaceCurrent(lease: Lease, terms: Terms, askedAtMs: number): void {
    this.#granted(lease, terms, askedAtMs);
    const old = this.#current;
    if (old !== undefined && !fitsInto(this.#freeNow(), lease.free)) return this.#close(lease);
    if (old !== undefined) this.#close(old);
    this.#current = lease;
  }

  /** Undefined where billing does not know the lease any more, or its window is over: it is closed then. */
  async #renew(lease: Lease, need: Amounts, askedAtMs: number): Promise<LeaseReply | undefined> {
    try {
      return await lease.inTurn(async () => {
        const missing = aboveZero(minus(need, lease.free));
        lease.step += 1;
        const reply = await this.#deps.bank.renew(lease.id, lease.step, missing, larger(missing, this.#float()));
        if ('granted' in reply) this.#granted(lease, reply.granted, askedAtMs);
        return reply;
      });
    } catch (thrown) {
      const { code } = toWaystationError(thrown);
      if (code !== 'conflict' && code !== 'not_found') throw thrown;
      this.#close(lease);
      return undefined;
    }
  }

  async #giveBackFirst(): Promise<void> {
    if (this.#current !== undefined) this.#close(this.#current);
    await Promise.all([...this.#closing.values()].map((closing) => closing.busy));
  }

  /**
   * What is left for those that go on waiting. Whether waiting helps is only told of a need that was asked for alone; it holds for all smaller needs
   * where it does help, and for all larger ones where it does not.
   */
  #refuse(refusal: LeaseRefusal, asked: readonly Waiter[]): Amounts {
    const left = plus(leftOf(refusal), this.#freeNow());
    const [first] = asked;
    const alone = asked.length === 1 ? first : undefined;
    const helps = refusal.code === 'in_flight';
    this.#waiters = this.#waiters.filter((waiter) => {
      const { need } = waiter;
      const decided =
        alone !== undefined &&
        (helps ? fitsInto(need, alone.need) && !fitsInto(need, left) : fitsInto(alone.need, need));
      if (waiter !== alone && !decided && waiter.tries < TRIES_MAX) return true;
      waiter.resolve({ refused: { ...refusal, asked: ownPart(refusal, need) } });
      return false;
    });
    return left;
  }

  /** Billing could not be asked: no hold, no paid call. */
  #fail(error: unknown): void {
    this.#deps.onFault(error, 'asking for a lease');
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#refillNotBeforeMs = this.#deps.now() + this.#deps.times.refillPauseMs;
    for (const waiter of waiters) {
      waiter.reject(
        new WaystationError('no_responder', 'No credit could be reserved because billing does not answer; try again.', {
          retryAfterMs: 1000,
          cause: error,
        }),
      );
    }
  }

  // --- following use

  #followRates(now: number): void {
    const seconds = (now - this.#lastTickMs) / 1000;
    if (seconds <= 0) return;
    this.#lastTickMs = now;
    const weight = Math.round(1000 * (1 - (1 - RATE_DECAY) ** seconds));
    const perSecond = scaled(this.#chargedSinceTick, 1000, Math.max(1, Math.round(seconds * 1000)));
    this.#chargedPerSecond = plus(scaled(this.#chargedPerSecond, 1000 - weight, 1000), scaled(perSecond, weight, 1000));
    this.#takesPerSecond += ((this.#takesSinceTick / seconds - this.#takesPerSecond) * weight) / 1000;
    this.#peakOpen = larger(this.#open, scaled(this.#peakOpen, 1000 - Math.round(weight / 4), 1000));
    this.#chargedSinceTick = NOTHING;
    this.#takesSinceTick = 0;
  }

  get #isWarm(): boolean {
    return this.#takesPerSecond >= WARM_TAKES_PER_SECOND;
  }

  #freeNow(): Amounts {
    const lease = this.#current;
    return lease === undefined || this.#deps.now() >= lease.takeUntilMs ? NOTHING : aboveZero(lease.free);
  }

  /** Whether the current lease still lasts a while. */
  get #isLasting(): boolean {
    return this.#current !== undefined && this.#deps.now() + this.#deps.times.endingMs < this.#current.takeUntilMs;
  }

  /** What a warm key should have beyond what it has for a while; nothing for a cold one. */
  #float(): Amounts {
    if (!this.#isWarm) return NOTHING;
    const horizon = scaled(this.#chargedPerSecond, this.#deps.times.horizonMs, 1000);
    const target = plus(scaled(this.#peakOpen, 3, 2), horizon);
    return this.#isLasting ? aboveZero(minus(target, plus(this.#open, this.#freeNow()))) : target;
  }

  /** Whether to refill before anybody waits: less than a third of the usual open holds, or of the horizon's charges, is free. */
  #isLow(): boolean {
    if (!this.#isWarm || this.#filling || this.#deps.now() < this.#refillNotBeforeMs) return false;
    if (!this.#isLasting) return true;
    return !fitsInto(this.#lowMark(), this.#freeNow()) && !isNothing(this.#float());
  }

  /** Worked out when what it follows has changed, and not for each take. */
  #lowMark(): Amounts {
    const told = this.#low;
    if (told.peakOpen === this.#peakOpen && told.chargedPerSecond === this.#chargedPerSecond) return told.mark;
    const mark = larger(
      scaled(this.#peakOpen, 1, 3),
      scaled(this.#chargedPerSecond, Math.ceil(this.#deps.times.horizonMs / 3), 1000),
    );
    this.#low = { peakOpen: this.#peakOpen, chargedPerSecond: this.#chargedPerSecond, mark };
    return mark;
  }

  // --- giving back

  /** No new hold on this lease; what no hold claims goes back now, the rest as holds end. */
  #close(lease: Lease): void {
    if (this.#current === lease) this.#current = undefined;
    lease.takeUntilMs = 0;
    const closing: Closing = { lease, dirty: true, busy: undefined, failures: 0, notBeforeMs: 0 };
    this.#closing.set(lease.id, closing);
    this.#giveBack(closing, this.#deps.now());
  }

  #giveBack(closing: Closing, now: number): void {
    const { lease } = closing;
    if (closing.busy !== undefined || !closing.dirty || now < closing.notBeforeMs) return;
    closing.dirty = false;
    let wasLast = false;
    closing.busy = lease
      .inTurn(() => {
        lease.step += 1;
        wasLast = lease.isOver(this.#deps.now());
        const keep = lease.claimed;
        lease.granted = smaller(lease.granted, keep); // what goes back is not free any more
        return this.#deps.bank.giveBack(lease.id, lease.step, keep, lease.growingHolds === 0);
      })
      .then(
        () => wasLast,
        (error: unknown) => {
          closing.dirty = true;
          closing.failures += 1;
          closing.notBeforeMs = this.#deps.now() + this.#deps.times.returnRetryMs;
          if (closing.failures < RETURNS_MAX) return false;
          this.#deps.onFault(error, 'giving a lease back');
          return true;
        },
      )
      .then((forget) => {
        closing.busy = undefined;
        if (forget) this.#closing.delete(lease.id);
      })
      .catch((error: unknown) => this.#deps.onFault(error, 'giving a lease back'));
  }
}

/** What a hold does to its pool. */
interface Holder {
  grow(lease: Lease, more: Amounts, add: (more: Amounts) => void): undefined | Promise<Refused | undefined>;
  held(lease: Lease, more: Amounts): void;
  ended(lease: Lease, amounts: Amounts): void;
  charged(lease: Lease, kept: Amounts): void;
  tellUntilMs(): number;
  freed(lease: Lease): void;
}

/** A class and no literal with closures: there is one for each generation. */
class PoolHold implements Hold {
  readonly #pool: Holder;
  readonly #lease: Lease;
  readonly #grows: boolean;
  #amounts: Amounts;
  #state: 'open' | 'left' | 'settled' = 'open';

  constructor(pool: Holder, lease: Lease, amounts: Amounts, grows: boolean) {
    this.#pool = pool;
    this.#lease = lease;
    this.#amounts = amounts;
    this.#grows = grows;
  }

  get leaseId(): string {
    return this.#lease.id;
  }

  get amounts(): Amounts {
    return this.#amounts;
  }

  grow(more: Amounts): undefined | Promise<Refused | undefined> {
    if (this.#state !== 'open' || !this.#grows) return undefined;
    return this.#pool.grow(this.#lease, more, (granted) => this.#add(granted));
  }

  settle(charged: Amounts): void {
    if (this.#state === 'settled') return;
    if (this.#state === 'open') this.#end();
    else {
      this.#lease.unknown = minus(this.#lease.unknown, this.#amounts);
      this.#lease.unknownHolds -= 1;
    }
    this.#state = 'settled';
    this.#pool.charged(this.#lease, smaller(charged, this.#amounts));
    this.#pool.freed(this.#lease);
  }

  leaveOpen(): void {
    if (this.#state !== 'open') return;
    this.#end();
    this.#state = 'left';
    this.#lease.unknown = plus(this.#lease.unknown, this.#amounts);
    this.#lease.unknownHolds += 1;
    this.#lease.tellUntilMs = this.#pool.tellUntilMs();
    this.#pool.freed(this.#lease);
  }

  #add(more: Amounts): void {
    if (this.#state !== 'open') return this.#pool.freed(this.#lease);
    this.#amounts = plus(this.#amounts, more);
    this.#pool.held(this.#lease, more);
  }

  #end(): void {
    this.#pool.ended(this.#lease, this.#amounts);
    this.#lease.openHolds -= 1;
    if (this.#grows) this.#lease.growingHolds -= 1;
  }
}

/** What the refusing quota has left; the other metrics were not the reason. */
export const leftOf = (refusal: LeaseRefusal): Amounts => {
  const left = BigInt(refusal.left);
  const unlimited = {
    usd: 10n ** 37n,
    byok: 10n ** 37n,
    requests: Number.MAX_SAFE_INTEGER,
    tokens: Number.MAX_SAFE_INTEGER,
  };
  switch (refusal.metric) {
    case 'usd':
      return { ...unlimited, usd: left };
    case 'tokens':
      return { ...unlimited, tokens: Number(left) };
    default:
      return { ...unlimited, requests: Number(left) };
  }
};

/** Whether so much fits into what the refusing quota has left. A limit that may count own keys is taken to do so. */
export const fitsLeft = (need: Amounts, refusal: LeaseRefusal): boolean => {
  const left = leftOf(refusal);
  const usd = refusal.scope === 'wallet' ? need.usd : need.usd + need.byok;
  return fitsInto({ ...need, usd }, left);
};

/** A refusal as it is for all that was wanted: what the lease has free itself is left, too. */
const withFree = (refusal: LeaseRefusal, more: Amounts, free: Amounts): LeaseRefusal => ({
  ...refusal,
  asked: ownPart(refusal, more),
  left: (BigInt(refusal.left) + BigInt(ownPart(refusal, free))).toString(),
});

const ownPart = (refusal: LeaseRefusal, need: Amounts): string => {
  if (refusal.metric === 'usd') return need.usd.toString();
  return String(refusal.metric === 'tokens' ? need.tokens : need.requests);
};
