// What goes wrong in the week, as the sandbox is told to fail. An incident says whom it meets, when, how many of the calls, and with which script.
import type { ScriptOverrides } from '../../apps/sandbox/src/script/script.js';
import { OFFERS, on } from './market.ts';

export type IncidentKind = 'outage' | 'limit' | 'slow' | 'broken';

export interface Incident {
  readonly name: string;
  readonly kind: IncidentKind;
  readonly slugs: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the calls. */
  readonly share: number;
  readonly script: ScriptOverrides;
  /** Times the usual. */
  readonly slower?: { readonly first: number; readonly between: number };
  /** There for so long, away for as long, and so on. */
  readonly flapMs?: number;
  /** Streams that are under way break when it begins. */
  readonly cutsStreams?: boolean;
}

const slugsOf = (region: string): string[] => OFFERS.flatMap((offer) => (offer.region === region ? [offer.slug] : []));
const slugs = OFFERS.map(({ slug }) => slug);

const outage = (
  name: string,
  which: readonly string[],
  fromMs: number,
  minutes: number,
  more: Partial<Incident> = {},
): Incident => ({
  ...{ name, kind: 'outage', slugs: which, fromMs, toMs: fromMs + minutes * 60_000, share: 1 },
  ...{ script: { fail: 500 }, cutsStreams: true, ...more },
});

export const INCIDENTS: readonly Incident[] = [
  outage('alder is away', ['alder'], on(0, 9), 40),
  outage('birch takes calls and never answers', ['birch'], on(0, 15), 20, {
    script: { fail: 'hang' },
    cutsStreams: false,
  }),
  outage('alder is slow: 8 times to the first token, a fifth of the tokens', ['alder'], on(1, 10), 180, {
    ...{ kind: 'slow', script: {}, cutsStreams: false, slower: { first: 8, between: 5 } },
  }),
  outage('birch limits 9 of 10 calls, Retry-After 20 s', ['birch'], on(1, 16), 120, {
    ...{ kind: 'limit', share: 0.9, script: { fail: 429, retryAfterS: 20 }, cutsStreams: false },
  }),
  outage('cedar comes and goes, 30 s each', ['cedar'], on(2, 9), 120, { flapMs: 30_000 }),
  outage('dogwood is away while routers and workers are restarted', ['dogwood'], on(2, 16), 30),
  outage('7 of 10 calls fail in the region us', slugsOf('us'), on(3, 9), 90, {
    share: 0.7,
    script: { fail: 503 },
    cutsStreams: false,
  }),
  outage(
    'everything but fir is away',
    slugs.filter((slug) => slug !== 'fir'),
    on(3, 14),
    15,
  ),
  outage('everything is away', slugs, on(3, 18), 5),
  outage('alder, birch and cedar limit everything, Retry-After 5 s', ['alder', 'birch', 'cedar'], on(4, 10), 60, {
    ...{ kind: 'limit', script: { fail: 429, retryAfterS: 5 }, cutsStreams: false },
  }),
  outage('birch limits half of the calls and does not say for how long', ['birch'], on(4, 20), 60, {
    ...{ kind: 'limit', share: 0.5, script: { fail: 429 }, cutsStreams: false },
  }),
  outage('elm breaks one stream in five', ['elm'], on(5, 11), 120, {
    ...{ kind: 'broken', share: 0.2, script: { fail: 'die', afterTokens: 20 }, cutsStreams: false },
  }),
  outage('elm, now the cheapest, is away', ['elm'], on(6, 10), 60),
  outage('birch fails a third of its calls', ['birch'], on(6, 15), 120, { share: 0.33, cutsStreams: false }),
];

/** For two hours of agents' work: the busiest endpoints are away, one after the other. */
export const agentOutages = (beginsMs: number): Incident[] => [
  outage('alder is away', ['alder'], beginsMs + 30 * 60_000, 15),
  outage('birch is away', ['birch'], beginsMs + 60 * 60_000, 3),
  outage('cedar comes and goes, a minute each', ['cedar'], beginsMs + 75 * 60_000, 20, { flapMs: 60_000 }),
];

/** Of all calls, at any time. */
export const USUAL = { failing: 0.002, breaking: 0.000_1 } as const;

/** When the key that one customer brought for alder is refused. */
export const REFUSED_KEY = { fromMs: on(2, 11), toMs: on(7, 0), script: { fail: 401 } } as const;

/** Routers and workers are replaced one after the other. */
export const RESTARTS_MS = [on(2, 16) + 5 * 60_000, on(5, 12)] as const;

export const isOn = ({ fromMs, toMs, flapMs }: Pick<Incident, 'fromMs' | 'toMs' | 'flapMs'>, atMs: number): boolean =>
  atMs >= fromMs && atMs < toMs && (flapMs === undefined || Math.floor((atMs - fromMs) / flapMs) % 2 === 0);

/** When streams that are under way at `slug` break, if they do before `toMs`. */
export const cutAt = (
  incidents: readonly Incident[],
  slug: string,
  fromMs: number,
  toMs: number,
): number | undefined => {
  let first: number | undefined;
  for (const incident of incidents) {
    if (incident.cutsStreams !== true || !incident.slugs.includes(slug)) continue;
    const { flapMs } = incident;
    const begins =
      flapMs === undefined || fromMs < incident.fromMs
        ? incident.fromMs
        : incident.fromMs + (2 * Math.floor((fromMs - incident.fromMs) / (2 * flapMs)) + 2) * flapMs;
    if (begins > fromMs && begins < Math.min(toMs, first ?? Infinity) && begins < incident.toMs) first = begins;
  }
  return first;
};
