// One contestant through one stretch of time: requests come, are planned, tried and tried again, and what became of each is written down.
import { priceUsage } from '@waystation/catalog';
import type { RoutableCatalog } from '@waystation/routing';
import type { Ask, Turn } from './asks.ts';
import { mayServe, type Candidate, type Contestant } from './contestant.ts';
import type { Incident } from './incidents.ts';
import { catalogAt, endpointIdOf, OFFERS, REVISIONS_MS } from './market.ts';
import type { Parts } from './parts.ts';
import { createProvider } from './provider-side.ts';
import { createTimeline, type Timeline } from './timeline.ts';
import type { Told } from './told.ts';

/** As the ingress gives a generation up. */
const DEADLINE_MS = 600_000;
/** After the last request, so that all of them come to their end. */
const AFTERGLOW_MS = 700_000;

export interface Run {
  readonly parts: Parts;
  readonly seed: number;
  readonly beginsMs: number;
  readonly endsMs: number;
  /** In the order in which they begin. */
  readonly conversations: Iterable<readonly Turn[]>;
  readonly incidents: readonly Incident[];
  /** When a router and a worker are replaced. */
  readonly restartsMs: readonly number[];
}

export type Entrant = Contestant & { restartOne?(): void };

export const simulate = (
  { parts, seed, beginsMs, endsMs, conversations, incidents, restartsMs }: Run,
  enter: (timeline: Timeline) => Entrant,
  told: Told,
): Entrant => {
  const timeline = createTimeline(beginsMs);
  const provider = createProvider(parts, seed, incidents, () => timeline.nowMs);
  const contestant = enter(timeline);
  let catalog: RoutableCatalog = catalogAt(beginsMs);
  contestant.swap(catalog);
  for (const revisionMs of REVISIONS_MS) {
    if (revisionMs <= beginsMs) continue;
    timeline.at(revisionMs, () => {
      catalog = catalogAt(revisionMs);
      contestant.swap(catalog);
    });
  }
  for (const restartMs of restartsMs) timeline.at(restartMs, () => contestant.restartOne?.());

  const costOf = (slug: string, usage: Readonly<Record<string, number>>): bigint => {
    const price = catalog.endpoints.get(endpointIdOf(slug))?.price;
    return price === undefined ? 0n : priceUsage(price, usage);
  };

  const begin = (ask: Ask): void => {
    const beganMs = timeline.nowMs;
    const servable = OFFERS.some(({ slug }) => mayServe(ask.tenant, slug) && provider.wouldServe(ask, slug, beganMs));
    const story = told.begin(ask, beganMs, servable);
    const candidates = contestant.plan(ask);
    const tryAt = (place: number): void => {
      const candidate: Candidate | undefined = candidates[place];
      if (candidate === undefined) return story.failed(place === 0 ? 'nothing to try' : 'nothing left to try');
      if (place > 0 && !contestant.mayGoOn(ask)) return story.failed('no fallback allowed');
      const startedMs = timeline.nowMs;
      if (startedMs > beganMs + DEADLINE_MS) return story.failed('deadline');
      const { firstTokenMs, result, billed } = provider.play(ask, candidate.slug, startedMs, candidate.withOwnKey);
      story.attempt(billed, costOf(candidate.slug, billed));
      timeline.at(startedMs + result.durationMs, () => {
        contestant.ended(ask, candidate, result);
        if (result.error === undefined) return story.served(startedMs + (firstTokenMs ?? 0) - beganMs);
        if (firstTokenMs !== undefined || parts.nextStep(result.error) === 'stop')
          return story.failed(result.error.code);
        return tryAt(place + 1);
      });
    };
    tryAt(0);
  };

  const coming = conversations[Symbol.iterator]();
  const beginNext = (): void => {
    const next = coming.next();
    if (next.done === true) return;
    const turns = next.value;
    timeline.at(turns[0]?.atMs ?? endsMs, () => {
      for (const turn of turns) timeline.at(turn.atMs, () => begin(turn.ask()));
      beginNext();
    });
  };
  beginNext();
  timeline.run(endsMs + AFTERGLOW_MS);
  return contestant;
};
