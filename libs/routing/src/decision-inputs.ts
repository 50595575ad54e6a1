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
import { PERCENTILES, type EndpointFigures, type Percentile } from './figures.js';
import { stateWith } from './health.js';
import { indexOwnKeys } from './own-keys.js';
import { planRoute, type RoutingSnapshot } from './plan-route.js';
import { randomOf } from './random-of.js';
import { buildRoutingIndex, type RoutableCatalog } from './routing-index.js';

/** All that a router holds, as it came over the bus. */
export interface RoutingWorld {
  readonly catalog: RoutableCatalog;
  readonly policies: ReadonlyMap<string, PolicyEntry>;
  readonly ownKeys: readonly OwnKeyEntry[];
}

/** What a plan is made by besides what came over the bus: what is known of endpoints at a moment. */
export type Moment = Pick<RoutingSnapshot, 'health' | 'figuresOf' | 'capacity' | 'overrides' | 'nowMs'>;

/** A request as it is kept. */
export type PlannedRequest = Pick<
  RoutePlanRequest,
  'generationId' | 'identity' | 'models' | 'preferences' | 'features' | 'policyIds'
>;

const found = <Value>(map: ReadonlyMap<string, Value>, keys: Iterable<string>): Value[] =>
  [...new Set(keys)].flatMap((key) => map.get(key) ?? []);

/** Undefined where they are too large to keep. Left out is what planning does not read: headers of providers and content filters, which may hold what nobody is to see. */
export const inputsOf = (
  request: PlannedRequest,
  plan: RoutePlanReply,
  { catalog, policies, ownKeys }: RoutingWorld,
  { health, figuresOf, capacity, overrides, nowMs }: Moment,
): RoutingInputs | undefined => {
  const { conversation, inputTokensEstimate } = request.features;
  // An endpoint may be asked with several keys, and then it is named more than once.
  const named = [...plan.attempts, ...plan.excluded].flatMap(({ endpointId }) => endpointId ?? []);
  const endpoints = found(catalog.endpoints, named);
  const providers = found(
    catalog.providers,
    endpoints.map(({ provider }) => provider),
  );
  const ofWorkspace = ownKeys.filter(({ workspaceId }) => workspaceId === request.identity.workspaceId);
  const credentials = new Map([
    ...providers.flatMap(({ credentialId, capacity: limits }) =>
      credentialId === undefined ? [] : [[credentialId, limits] as const],
    ),
    ...ofWorkspace.map(({ id, capacity: limits }) => [id, limits] as const),
  ]);
  const inputs: RoutingInputs = {
    nowMs,
    revision: catalog.revision,
    endpoints,
    models: found(
      catalog.models,
      endpoints.map(({ model }) => model),
    ).map((model) => ({ ...model, description: undefined })),
    providers: providers.map((provider) => ({ ...provider, headers: undefined })),
    policies: found(policies, request.policyIds ?? []).map((policy) => ({
      ...policy,
      contentFilters: undefined,
      contentFilterBuiltins: undefined,
    })),
    ownKeys: ofWorkspace,
    health: endpoints.map(({ id }) => ({
      endpointId: id,
      state: health.stateOf(id, nowMs),
      figures: keptFigures(figuresOf?.(id, nowMs)),
    })),
    refused: [...credentials.keys()].filter((id) => health.isRefused(id, nowMs)),
    full: [...credentials].flatMap(([credentialId, limits]) => {
      const told = limits && capacity?.fullOf(credentialId, limits, inputTokensEstimate, nowMs);
      return told === undefined ? [] : [{ credentialId, ...told }];
    }),
    overrides: [...new Set(endpoints.map(({ model }) => model))].flatMap((model) => {
      const told =
        conversation === undefined ? undefined : overrides?.of(request.identity.workspaceId, model, conversation);
      return told === undefined ? [] : [{ model, endpointId: told.endpointId, at: told.at }];
    }),
  };
  return JSON.stringify(inputs).length <= ROUTING_INPUT_BYTES_MAX ? inputs : undefined;
};

const keptFigures = (figures: EndpointFigures | undefined): RoutingInputs['health'][number]['figures'] =>
  figures && {
    latencyMs: byPercentile((percentile) => figures.latencyMs(percentile)),
    throughput: byPercentile((percentile) => figures.throughput(percentile)),
  };

const byPercentile = (figure: (percentile: Percentile) => number | undefined): Partial<Record<Percentile, number>> =>
  Object.fromEntries(
    PERCENTILES.flatMap((each) => {
      const value = figure(each);
      return value === undefined ? [] : [[each, value]];
    }),
  );

/** What of the inputs is of a moment, and not of what control publishes. */
export type KeptMoment = Pick<RoutingInputs, 'nowMs' | 'health' | 'refused' | 'full' | 'overrides'>;

/** Health, speed, capacity, conversations and time as they were kept. What nothing was kept of is stable, and how quick it is nobody knows. */
export const momentOf = ({ nowMs, health, refused, full, overrides }: KeptMoment): Moment => {
  const kept = new Map(health.map((each) => [each.endpointId, each]));
  const isRefused = (credentialId: string): boolean => refused.includes(credentialId);
  return {
    nowMs,
    capacity: { fullOf: (credentialId) => full.find((each) => each.credentialId === credentialId) },
    overrides: { of: (_, model) => overrides.find((each) => each.model === model) },
    health: {
      stateOf: (endpointId, _, credentialId) =>
        stateWith(kept.get(endpointId)?.state ?? 'stable', credentialId !== undefined && isRefused(credentialId)),
      isRefused,
    },
    figuresOf: (endpointId) => {
      const figures = kept.get(endpointId)?.figures;
      return (
        figures && {
          latencyMs: (percentile) => figures.latencyMs[percentile],
          throughput: (percentile) => figures.throughput[percentile],
        }
      );
    },
  };
};

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
      ownKeys: indexOwnKeys(ownKeys),
      ...momentOf(inputs),
    },
    randomOf(request.generationId),
  );
};
