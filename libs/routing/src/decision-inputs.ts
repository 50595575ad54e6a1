// What a plan was made from, cut down to what it names, so that it can be kept and made again. Invariant: a plan made again from its own inputs is the same plan.
import {
  ROUTING_INPUT_BYTES_MAX,
  type OwnKeyEntry,
  type PolicyEntry,
  type RoutePlanReply,
  type RoutePlanRequest,
  type RoutingInputs,
} from '@waystation/contracts';
import { mergeRules, rulesOfPolicy } from '@waystation/policy';
import type { EndpointState, HealthBoard } from './health.js';
import { indexOwnKeys } from './own-keys.js';
import { planRoute } from './plan-route.js';
import { randomOf } from './random-of.js';
import { buildRoutingIndex, type RoutableCatalog } from './routing-index.js';

/** All that a router holds, as it came over the bus. */
export interface RoutingWorld {
  readonly catalog: RoutableCatalog;
  readonly policies: ReadonlyMap<string, PolicyEntry>;
  readonly ownKeys: readonly OwnKeyEntry[];
}

/** A request as it is kept. */
export type PlannedRequest = Pick<
  RoutePlanRequest,
  'generationId' | 'identity' | 'models' | 'preferences' | 'features' | 'policyIds'
>;

const found = <Value>(map: ReadonlyMap<string, Value>, keys: Iterable<string>): Value[] =>
  [...new Set(keys)].flatMap((key) => map.get(key) ?? []);

/** Undefined where they are too large to keep. Headers of providers are left out: planning does not read them, and they may hold what nobody is to see. */
export const inputsOf = (
  request: PlannedRequest,
  plan: RoutePlanReply,
  { catalog, policies, ownKeys }: RoutingWorld,
  health: Pick<HealthBoard, 'stateOf'>,
  nowMs: number,
): RoutingInputs | undefined => {
  // An endpoint may be asked with several keys, and then it is named more than once.
  const named = [...plan.attempts, ...plan.excluded].flatMap(({ endpointId }) => endpointId ?? []);
  const endpoints = found(catalog.endpoints, named);
  const inputs: RoutingInputs = {
    nowMs,
    revision: catalog.revision,
    endpoints,
    models: found(
      catalog.models,
      endpoints.map(({ model }) => model),
    ).map((model) => ({ ...model, description: undefined })),
    providers: found(
      catalog.providers,
      endpoints.map(({ provider }) => provider),
    ).map((provider) => ({ ...provider, headers: undefined })),
    policies: (request.policyIds ?? []).flatMap((id) => policies.get(id) ?? []),
    ownKeys: ownKeys.filter(({ workspaceId }) => workspaceId === request.identity.workspaceId),
    health: endpoints.map(({ id }) => ({ endpointId: id, state: health.stateOf(id, nowMs) })),
  };
  return JSON.stringify(inputs).length <= ROUTING_INPUT_BYTES_MAX ? inputs : undefined;
};

/** Health as it is told, for all times. What is not told of is stable. */
export const boardOf = (states: ReadonlyMap<string, EndpointState>): HealthBoard => ({
  merge: () => undefined,
  retain: () => undefined,
  stateOf: (endpointId) => states.get(endpointId) ?? 'stable',
});

export const worldOf = ({
  revision,
  providers,
  models,
  endpoints,
  policies,
  ownKeys,
}: RoutingInputs): RoutingWorld => ({
  catalog: {
    revision,
    providers: new Map(providers.map((each) => [each.slug, each])),
    models: new Map(models.map((each) => [each.id, each])),
    endpoints: new Map(endpoints.map((each) => [each.id, each])),
  },
  policies: new Map(policies.map((each) => [each.id, each])),
  ownKeys,
});

/** The same plan again, from what was kept of the first. */
export const planAgain = (request: PlannedRequest, inputs: RoutingInputs): RoutePlanReply => {
  const { catalog, ownKeys } = worldOf(inputs);
  return planRoute(
    { v: 1, ...request },
    mergeRules(inputs.policies.map(rulesOfPolicy)),
    {
      index: buildRoutingIndex(catalog),
      health: boardOf(new Map(inputs.health.map(({ endpointId, state }) => [endpointId, state]))),
      ownKeys: indexOwnKeys(ownKeys),
      nowMs: inputs.nowMs,
    },
    randomOf(request.generationId),
  );
};
