// What the ingress counts. Cells are made once; the hot path only adds to numbers.
import type { LeaseReply, WaystationError } from '@waystation/contracts';
import { OUTCOMES, inputTokens, outputTokens, type Outcome } from '@waystation/generation';
import { operationOf, type Cell, type HistogramCell, type Metrics } from '@waystation/runtime';
import type { AffinityWrite } from './affinity/affinity.js';
import type { Billed } from './generate/bill-generation.js';
import type { Generation } from './generate/generation.js';
import { ROUTES } from './http/routes.js';
import type { LeaseBank } from './hold/lease-pool.js';

const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
/** Stands for the model and the provider of what was refused before anything was tried. */
const NONE = 'none';

export interface IngressCells {
  answered(route: string, status: number, durationMs: number): void;
  generated(durationMs: number): void;
  firstByte(latencyMs: number): void;
  /** A generation is over: told by what served it, or was tried last. */
  finished(generation: Generation, failure: WaystationError | undefined, billed: Billed | undefined): void;
  /** The same bank, with its refusals counted. */
  countRefusals(bank: LeaseBank): LeaseBank;
  /** A client wished for an answer that was kept. */
  lookedForAnswer(found: boolean): void;
  /** Where a conversation was served was told, or not for want of room. */
  toldAffinity(write: AffinityWrite): void;
  /** Two endpoints were asked at once, and this became of them. */
  raced(ended: readonly { readonly isSecond: boolean; readonly outrun: boolean }[]): void;
  readonly bytesOut: Cell;
  /** Seconds between frames of a stream. */
  readonly frameGaps: HistogramCell;
}

export const createIngressCells = (
  metrics: Metrics,
  openGenerations: () => number,
  openHolds: () => number,
): IngressCells => {
  const routes = new Map(
    [...new Set([...ROUTES.map(({ path }) => path), 'none'])].map((route) => [
      route,
      {
        seconds: metrics.histogram('waystation_ingress_request_seconds', { route }),
        byStatus: STATUS_CLASSES.map((status) =>
          metrics.counter('waystation_ingress_requests_total', { route, status }),
        ),
      },
    ]),
  );
  const durations = metrics.histogram('waystation_ingress_generation_seconds');
  const firstBytes = metrics.histogram('waystation_ingress_first_byte_seconds');
  const refusals = metrics.counter('waystation_ingress_lease_refusals_total');
  const [hits, misses] = ['hit', 'miss'].map((result) =>
    metrics.counter('waystation_ingress_kept_answers_total', { result }),
  );
  const affinityOf = (write: AffinityWrite): Cell =>
    metrics.counter('waystation_ingress_affinity_writes_total', { write });
  const affinity = { moved: affinityOf('moved'), returned: affinityOf('returned'), dropped: affinityOf('dropped') };
  const hedgesOf = (quicker: string): Cell => metrics.counter('waystation_ingress_hedges_total', { quicker });
  const hedges = { first: hedgesOf('first'), second: hedgesOf('second'), neither: hedgesOf('neither') };
  const bytesOut = metrics.counter('waystation_ingress_output_bytes_total');
  metrics.gauge('waystation_ingress_open_generations', openGenerations);
  metrics.gauge('waystation_ingress_open_holds', openHolds);

  return {
    answered(route, status, durationMs) {
      const cells = routes.get(route) ?? routes.get('none');
      const cell = cells?.byStatus[Math.min(Math.max(Math.floor(status / 100), 1), 5) - 1];
      if (cell !== undefined) cell.value += 1;
      cells?.seconds.observe(durationMs / 1000);
    },
    generated: (durationMs) => durations.observe(durationMs / 1000),
    firstByte: (latencyMs) => firstBytes.observe(latencyMs / 1000),
    finished: countFinished(metrics),
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
    frameGaps: metrics.histogram('waystation_ingress_frame_gap_seconds'),
  };
};

const countFinished = (metrics: Metrics): IngressCells['finished'] => {
  const requests = metrics.histogramBy('gen_ai_server_request_duration_seconds');
  const firstTokens = metrics.histogramBy('gen_ai_server_time_to_first_token_seconds');
  const perToken = metrics.histogramBy('gen_ai_server_time_per_output_token_seconds');
  const spend = metrics.usdBy('waystation_spend_usd_total');
  const workspaceRequests = metrics.counterBy('waystation_workspace_requests_total');
  const workspaceTokens = metrics.counterBy('waystation_workspace_tokens_total');
  const workspaceSpend = metrics.usdBy('waystation_workspace_spend_usd_total');
  const [planStage, holdStage, attemptsStage] = ['plan', 'hold', 'attempts'].map((stage) =>
    metrics.histogram('waystation_ingress_stage_seconds', { stage }),
  );
  const attempts = Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, metrics.counter('waystation_ingress_attempts_total', { outcome })]),
  ) as Record<Outcome, Cell>;
  const fallbacks = metrics.counter('waystation_ingress_fallbacks_total');
  const retries = metrics.counter('waystation_ingress_retries_total');

  const countAttempts = ({ attempts: records }: Generation): void => {
    let before: string | undefined;
    for (const { outcome, planned } of records) {
      attempts[outcome].value += 1;
      if (before !== undefined) (before === planned.endpointId ? retries : fallbacks).value += 1;
      before = planned.endpointId;
    }
  };

  const countStages = ({ startedMs, plannedMs, heldMs }: Generation, nowMs: number): void => {
    if (plannedMs === undefined) return;
    planStage?.observe((plannedMs - startedMs) / 1000);
    if (heldMs === undefined) return;
    holdStage?.observe((heldMs - plannedMs) / 1000);
    attemptsStage?.observe((nowMs - heldMs) / 1000);
  };

  return (generation, failure, billed) => {
    const nowMs = performance.now();
    const { startedMs, firstByteMs, request, caller, trace } = generation;
    const planned = (generation.served ?? generation.attempts.at(-1))?.planned;
    const operation = operationOf(request.features.api);
    const { provider, model } = planned ?? { provider: NONE, model: NONE };
    const keyClass = planned === undefined ? NONE : planned.byok ? 'own' : 'station';
    const durationMs = nowMs - startedMs;
    requests.at(operation, provider, model, keyClass, failure?.code).observe(durationMs / 1000, trace?.traceId);
    if (firstByteMs !== undefined)
      firstTokens.at(operation, provider, model).observe(firstByteMs / 1000, trace?.traceId);
    workspaceRequests.at(caller.workspace.id, failure === undefined ? 'ok' : 'error').value += 1;
    countAttempts(generation);
    countStages(generation, nowMs);
    if (billed === undefined) return;

    const [input, output] = [inputTokens(billed.usage), outputTokens(billed.usage)];
    if (request.stream && firstByteMs !== undefined && output > 1)
      perToken.at(operation, provider, model).observe((durationMs - firstByteMs) / 1000 / (output - 1));
    workspaceTokens.at(caller.workspace.id, 'input').value += input;
    workspaceTokens.at(caller.workspace.id, 'output').value += output;
    if (billed.bill.cost === 0n) return;
    spend.at(provider, model, keyClass).picodollars += billed.bill.cost;
    workspaceSpend.at(caller.workspace.id).picodollars += billed.bill.cost;
  };
};
