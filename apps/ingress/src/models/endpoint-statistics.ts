// What the workers say of the endpoints, for people to see: the same counts that routers route by, heard here too. Bounded by the catalog.
import type { Bus, Subscription } from '@waystation/bus';
import { HealthCounters } from '@waystation/contracts';
import {
  PERCENTILES,
  createHealthBoard,
  type EndpointState,
  type EndpointStatistics,
  type Percentile,
} from '@waystation/routing';
import type { CatalogSnapshot, HeadSnapshot } from '@waystation/runtime';

export interface StatisticsHeard {
  of(endpointId: string): EndpointStatistics;
  readonly heard: Subscription;
}

export const hearStatistics = async (
  bus: Bus,
  catalog: HeadSnapshot<CatalogSnapshot>,
  scaleMs: (ms: number) => number,
): Promise<StatisticsHeard> => {
  const board = createHealthBoard({ scaleMs });
  catalog.onChange(({ endpoints }) => board.retain((id) => endpoints.has(id)));
  const heard = await bus.onSignal(HealthCounters, undefined, (message) => {
    const { endpoints } = catalog.current;
    board.hear(
      { ...message, endpoints: message.endpoints.filter(({ id }) => endpoints.has(id)), credentials: [] },
      Date.now(),
    );
  });
  return { of: (endpointId) => board.statisticsOf(endpointId, Date.now()), heard };
};

/** The reference knows these numbers and does not tell what they mean; below zero is worse than usual. */
const STATUS: Readonly<Record<EndpointState, number>> = {
  stable: 0,
  'recent-outage': 0,
  degraded: -1,
  resting: -2,
  down: -5,
  trial: -5,
  out: -5,
};

const percentiles = (figure: (percentile: Percentile) => number | undefined) => {
  const figures = PERCENTILES.map((percentile) => [percentile, figure(percentile)] as const);
  return figures.some(([, value]) => value === undefined)
    ? null
    : Object.fromEntries(figures.map(([percentile, value]) => [percentile, Math.round((value ?? 0) * 100) / 100]));
};

/** As the reference shows it: speed is for those who have a key. */
export const statisticsInfo = ({ state, uptime, figures }: EndpointStatistics, withSpeed: boolean) => ({
  status: STATUS[state],
  uptime_last_5m: uptime.fiveMinutes ?? null,
  uptime_last_30m: uptime.halfHour ?? null,
  uptime_last_1d: uptime.day ?? null,
  latency_last_30m: withSpeed ? percentiles((percentile) => figures.latencyMs(percentile)) : null,
  throughput_last_30m: withSpeed ? percentiles((percentile) => figures.throughput(percentile)) : null,
});
