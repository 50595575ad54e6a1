// route.plan: features in, an ordered plan out.
import { Controller, Inject } from '@nestjs/common';
import { RoutePlan, WaystationError, type RoutePlanReply, type RoutePlanRequest } from '@waystation/contracts';
import { planRoute } from '@waystation/routing';
import { Handles, METRICS, type Cell, type HistogramCell, type Metrics } from '@waystation/runtime';
import { ROUTING_STATE, type RoutingState } from './routing-state.js';

@Controller()
export class PlanHandler {
  readonly #planned: Cell;
  readonly #without: Cell;
  readonly #seconds: HistogramCell;

  constructor(
    @Inject(ROUTING_STATE) private readonly state: RoutingState,
    @Inject(METRICS) metrics: Metrics,
  ) {
    this.#planned = metrics.counter('waystation_router_plans_total', { outcome: 'planned' });
    this.#without = metrics.counter('waystation_router_plans_total', { outcome: 'nothing-left' });
    this.#seconds = metrics.histogram('waystation_router_plan_seconds');
  }

  @Handles(RoutePlan)
  plan(request: RoutePlanRequest): RoutePlanReply {
    const startedMs = performance.now();
    const snapshot = this.state.snapshot(Date.now());
    const plan = planRoute(request, this.state.rulesOf(request.policyIds ?? []), snapshot, Math.random);
    for (const { endpointId, byok } of plan.attempts) if (!byok) snapshot.health.sent(endpointId, snapshot.nowMs);
    this.#seconds.observe((performance.now() - startedMs) / 1000);
    (plan.attempts.length > 0 ? this.#planned : this.#without).value += 1;
    if (plan.attempts.length === 0 && plan.excluded.every(({ rule }) => rule === 'unknown_model')) {
      throw new WaystationError('model_not_found', `${request.models[0]} is not a valid model ID`, {
        details: { models: request.models },
      });
    }
    return plan;
  }
}
