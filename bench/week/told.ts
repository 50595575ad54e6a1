// What became of each request, added up: over all, by hour, by tenant, and by incident.
import { inputTokens, type Usage } from '@waystation/generation';
import { TENANTS, type Ask, type Tenant } from './asks.ts';
import type { Incident } from './incidents.ts';
import { HOUR_MS } from './market.ts';

/** Sums over some of the requests. */
export interface Sums {
  requests: number;
  /** Of them those that some endpoint would have served, had it been asked when the request came. */
  servable: number;
  /** Of the servable ones. */
  unserved: number;
  attempts: number;
  costPicodollars: bigint;
  inputTokens: number;
  cachedTokens: number;
  /** Of those that were served. */
  readonly firstTokensMs: number[];
}

export interface Story {
  attempt(billed: Usage, costPicodollars: bigint): void;
  served(firstTokenMs: number): void;
  failed(why: string): void;
}

export interface Told {
  readonly all: Sums;
  readonly hours: readonly Sums[];
  readonly tenants: ReadonlyMap<Tenant, Sums>;
  /** Requests that came while it lasted. */
  readonly incidents: readonly Sums[];
  /** Why servable requests were not served. */
  readonly reasons: ReadonlyMap<string, number>;
  begin(ask: Ask, atMs: number, servable: boolean): Story;
}

const nothing = (): Sums => ({
  ...{ requests: 0, servable: 0, unserved: 0, attempts: 0, costPicodollars: 0n, inputTokens: 0, cachedTokens: 0 },
  firstTokensMs: [],
});

export const createTold = (beginsMs: number, endsMs: number, incidents: readonly Incident[]): Told => {
  const all = nothing();
  const hours = Array.from({ length: Math.ceil((endsMs - beginsMs) / HOUR_MS) }, nothing);
  const tenants = new Map(TENANTS.map((tenant) => [tenant, nothing()]));
  const during = incidents.map(nothing);
  const reasons = new Map<string, number>();
  return {
    ...{ all, hours, tenants, incidents: during, reasons },
    begin(ask, atMs, servable) {
      const sums = [all, hours[Math.floor((atMs - beginsMs) / HOUR_MS)], tenants.get(ask.tenant)]
        .concat(during.filter((_, place) => lasts(incidents[place], atMs)))
        .filter((each) => each !== undefined);
      for (const each of sums) {
        each.requests += 1;
        if (servable) each.servable += 1;
      }
      return {
        attempt(billed, costPicodollars) {
          for (const each of sums) {
            each.attempts += 1;
            each.costPicodollars += costPicodollars;
            each.inputTokens += inputTokens(billed);
            each.cachedTokens += billed['cacheRead'] ?? 0;
          }
        },
        served(firstTokenMs) {
          for (const each of sums) each.firstTokensMs.push(firstTokenMs);
        },
        failed(why) {
          if (!servable) return;
          reasons.set(why, (reasons.get(why) ?? 0) + 1);
          for (const each of sums) each.unserved += 1;
        },
      };
    },
  };
};

const lasts = (incident: Incident | undefined, atMs: number): boolean =>
  incident !== undefined && atMs >= incident.fromMs && atMs < incident.toMs;

export const successOf = ({ servable, unserved }: Sums): number => (servable === 0 ? 1 : 1 - unserved / servable);

export const amplificationOf = ({ attempts, requests }: Sums): number => (requests === 0 ? 1 : attempts / requests);

/** NaN where nothing was served. */
export const firstTokenOf = ({ firstTokensMs }: Sums, share: number): number => {
  const sorted = Float64Array.from(firstTokensMs).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

/** USD per thousand requests. */
export const costOf = ({ costPicodollars, requests }: Sums): number =>
  requests === 0 ? Number.NaN : Number(costPicodollars / 1_000_000n) / 1_000 / requests;
