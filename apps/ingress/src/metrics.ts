// What the ingress counts. Cells are made once; the hot path only adds to numbers.
import type { LeaseReply } from '@waystation/contracts';
import type { Cell, Metrics } from '@waystation/runtime';
import type { AffinityWrite } from './affinity/affinity.js';
import { ROUTES } from './http/routes.js';
import type { LeaseBank } from './hold/lease-pool.js';

const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export interface IngressCells {
  answered(route: string, status: number): void;
  generated(durationMs: number): void;
  firstByte(latencyMs: number): void;
  /** The same bank, with its refusals counted. */
  countRefusals(bank: LeaseBank): LeaseBank;
  /** A client wished for an answer that was kept. */
  lookedForAnswer(found: boolean): void;
  /** Where a conversation was served was told, or not for want of room. */
  toldAffinity(write: AffinityWrite): void;
  /** Two endpoints were asked at once, and this became of them. */
  raced(ended: readonly { readonly isSecond: boolean; readonly outrun: boolean }[]): void;
  readonly bytesOut: Cell;
}

export const createIngressCells = (
  metrics: Metrics,
  openGenerations: () => number,
  openHolds: () => number,
): IngressCells => {
  const name = 'waystation_ingress_requests_total';
  const help = 'Requests answered, by route and class of status.';
  const routes = new Map(
    [...new Set([...ROUTES.map(({ path }) => path), 'none'])].map((route) => [
      route,
      STATUS_CLASSES.map((status) => metrics.counter(name, help, { route, status })),
    ]),
  );
  const durations = metrics.histogram(
    'waystation_ingress_generation_seconds',
    'From a request to the end of its answer.',
    SECONDS,
  );
  const firstBytes = metrics.histogram(
    'waystation_ingress_first_byte_seconds',
    'From a request to the first byte of output.',
    SECONDS,
  );
  const refusals = metrics.counter('waystation_ingress_lease_refusals_total', 'Leases that billing refused.');
  const [hits, misses] = ['hit', 'miss'].map((result) =>
    metrics.counter('waystation_ingress_kept_answers_total', 'Look-ups of answers that were kept.', { result }),
  );
  const affinityOf = (write: AffinityWrite): Cell =>
    metrics.counter(
      'waystation_ingress_affinity_writes_total',
      'Conversations that were served other than where their hash leads, or there again; dropped: could not be told for want of room.',
      { write },
    );
  const affinity = { moved: affinityOf('moved'), returned: affinityOf('returned'), dropped: affinityOf('dropped') };
  const hedgesOf = (quicker: string): Cell =>
    metrics.counter(
      'waystation_ingress_hedges_total',
      'Generations for which a second endpoint was asked beside the first, by which of them was quicker; neither: one of them failed.',
      { quicker },
    );
  const hedges = { first: hedgesOf('first'), second: hedgesOf('second'), neither: hedgesOf('neither') };
  const bytesOut = metrics.counter('waystation_ingress_output_bytes_total', 'Bytes of output sent to clients.');
  metrics.gauge('waystation_ingress_open_generations', 'Generations in flight.', openGenerations);
  metrics.gauge('waystation_ingress_open_holds', 'Holds that are not settled.', openHolds);

  return {
    answered(route, status) {
      const cell = (routes.get(route) ?? routes.get('none'))?.[Math.min(Math.max(Math.floor(status / 100), 1), 5) - 1];
      if (cell !== undefined) cell.value += 1;
    },
    generated: (durationMs) => durations.observe(durationMs / 1000),
    firstByte: (latencyMs) => firstBytes.observe(latencyMs / 1000),
    countRefusals(bank) {
      const counted = (reply: LeaseReply): LeaseReply => {
        if ('refused' in reply) refusals.value += 1;
        return reply;
      };
      return {
        ...bank,
        grant: async (...asked) => counted(await bank.grant(...asked)),
        renew: async (...asked) => counted(await bank.renew(...asked)),
      };
    },
    lookedForAnswer(found) {
      const cell = found ? hits : misses;
      if (cell !== undefined) cell.value += 1;
    },
    raced(ended) {
      const quicker = ended.find(({ outrun }) => outrun);
      hedges[quicker === undefined ? 'neither' : quicker.isSecond ? 'first' : 'second'].value += 1;
    },
    toldAffinity(write) {
      affinity[write].value += 1;
    },
    bytesOut,
  };
};
