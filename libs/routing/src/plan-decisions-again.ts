// Kept decisions under other circumstances: what would have been chosen, and what the usage that was charged would have cost there. Pure and exact; the draws are those of
// the first time. Invariant: where nothing is different, every decision comes out the same, and costs the same.
import { canonicalPriceJson } from '@waystation/catalog';
import {
  ZDR_GROUPS,
  type DecisionChange,
  type DecisionDifference,
  type DecisionRecorded,
  type PlannedAttempt,
  type PolicyEntry,
  type RoutePlanReply,
} from '@waystation/contracts';
import { creditsOf, decideCharge, surchargeRateOf } from '@waystation/ledger';
import { mergeRules, rulesOfPolicy, type PolicyRules } from '@waystation/policy';
import { momentOf, worldOf, type KeptMoment, type RoutingWorld } from './decision-inputs.js';
import { indexOwnKeys, type OwnKeysIndex } from './own-keys.js';
import { planRoute } from './plan-route.js';
import { randomOf } from './random-of.js';
import { buildRoutingIndex, type RoutableCatalog, type RoutingIndex } from './routing-index.js';
import type { PriceBook } from './read-prices.js';
import { tellRule } from './tell-rule.js';

/** More than any usage can cost: what would have been held for it is not known. */
const NO_CAP = 10n ** 38n;

interface World {
  readonly index: RoutingIndex;
  readonly ownKeys: OwnKeysIndex;
  readonly policies: ReadonlyMap<string, PolicyEntry>;
}

type Attempt = DecisionRecorded['plan']['attempts'][number];

/** For one decision after the other; the present, where it is asked for, is prepared once. `prices` are those of the change, read. */
export const againUnder = (
  change: DecisionChange,
  present: RoutingWorld | undefined,
  prices: PriceBook,
): ((decision: DecisionRecorded) => DecisionDifference) => {
  const prepared = (world: RoutingWorld): World => ({
    index: buildRoutingIndex(repriced(world.catalog, prices)),
    ownKeys: indexOwnKeys(world.ownKeys),
    policies: world.policies,
  });
  const now = present === undefined ? undefined : prepared(present);
  const besides = rulesOfPolicy(policyOf({ ignored_providers: change.exclude_providers ?? [] }));
  const instead = change.policy === undefined ? undefined : rulesOfPolicy(policyOf(change.policy));

  return (decision) => {
    const { inputs } = decision;
    const world = now ?? (inputs === undefined ? undefined : prepared(worldOf(inputs)));
    if (world === undefined) return unplanned(decision, 'What it was made from was too large to keep.');
    const missing = instead === undefined ? decision.policyIds.find((id) => !world.policies.has(id)) : undefined;
    if (missing !== undefined) return unplanned(decision, `Policy ${missing} is not there any more.`);
    const policies = decision.policyIds.flatMap((id) => world.policies.get(id) ?? []).map(rulesOfPolicy);
    const rules: PolicyRules = mergeRules([...(instead === undefined ? policies : [instead]), besides]);
    const plan = planRoute(
      { v: 1, ...requestOf(decision) },
      rules,
      {
        index: world.index,
        ownKeys: world.ownKeys,
        ...momentOf(changedHealth(decision, change)),
      },
      randomOf(decision.generationId),
    );
    return differenceOf(decision, plan);
  };
};

/** Stable is whom nothing has failed of; how quick they were stays. Whom nobody is sent to is out. */
const changedHealth = ({ inputs, createdAt }: DecisionRecorded, { health, down = [] }: DecisionChange): KeptMoment => {
  const told = (inputs?.health ?? []).map((each) =>
    health === 'stable' ? { ...each, state: 'stable' as const } : each,
  );
  const kept = new Map(told.map((each) => [each.endpointId, each]));
  return {
    nowMs: inputs?.nowMs ?? createdAt,
    health: [
      ...told.filter(({ endpointId }) => !down.includes(endpointId)),
      ...down.map((endpointId) => ({ ...kept.get(endpointId), endpointId, state: 'out' as const })),
    ],
    refused: health === 'stable' ? [] : (inputs?.refused ?? []),
    full: inputs?.full ?? [],
    overrides: inputs?.overrides ?? [],
  };
};

const requestOf = ({ generationId, identity, models, preferences, features, policyIds }: DecisionRecorded) => ({
  generationId,
  identity,
  models,
  preferences,
  features,
  policyIds,
});

const repriced = (catalog: RoutableCatalog, prices: PriceBook): RoutableCatalog => {
  if (prices.size === 0) return catalog;
  const endpoints = new Map(
    [...catalog.endpoints].map(([id, endpoint]) => [id, { ...endpoint, price: prices.get(id) ?? endpoint.price }]),
  );
  return { ...catalog, endpoints };
};

const policyOf = (policy: NonNullable<DecisionChange['policy']>): PolicyEntry => ({
  v: 1,
  version: 0,
  id: 'asked',
  allowedModels: policy.allowed_models,
  ignoredModels: policy.ignored_models,
  allowedProviders: policy.allowed_providers,
  ignoredProviders: policy.ignored_providers,
  zdr: policy.enforce_zdr,
  zdrGroups: ZDR_GROUPS.filter((group) => policy[`enforce_zdr_${group}`] === true),
  dataCollection: policy.data_collection,
  regions: policy.allowed_regions,
  sort: policy.sort,
});

/** An endpoint, and with whose key. The station's own goes by no name. */
const wayOf = ({ endpointId, credentialId }: { endpointId: string; credentialId?: string | undefined }): string =>
  `${endpointId} ${credentialId ?? ''}`;
const wayOfAttempt = ({ endpointId, byok, credentialId }: Attempt | PlannedAttempt): string =>
  wayOf({ endpointId, credentialId: byok ? credentialId : undefined });

const unplanned = (decision: DecisionRecorded, because: string): DecisionDifference => ({
  ...whoOf(decision),
  result: 'unplanned',
  because,
});

const whoOf = ({ generationId, createdAt, identity, models }: DecisionRecorded) => ({
  generationId,
  createdAt,
  keyHash: identity.keyHash,
  memberId: identity.memberId,
  endUserId: identity.endUserId,
  app: identity.app?.title ?? identity.app?.referer,
  models,
});

const choiceOf = ({ endpointId, model, provider, byok }: Attempt | PlannedAttempt) => ({
  endpointId,
  model,
  provider,
  byok,
});

const differenceOf = (decision: DecisionRecorded, plan: RoutePlanReply): DecisionDifference => {
  const { served } = decision;
  const planned = decision.plan.attempts;
  const place =
    served === undefined ? planned.length : planned.findIndex((each) => wayOfAttempt(each) === wayOf(served));
  // Whoever came before the one that served failed, said nothing for too long or was not affordable, and would have been again.
  const passed = new Set(planned.slice(0, Math.max(place, 0)).map(wayOfAttempt));
  const before = planned[place];
  const after = plan.attempts.find((each) => !passed.has(wayOfAttempt(each)));
  const result =
    (before && wayOfAttempt(before)) === (after && wayOfAttempt(after))
      ? 'same'
      : after === undefined
        ? 'refused'
        : 'moved';
  const costs = costsOf(decision, before, after);
  return {
    ...whoOf(decision),
    result,
    because: result === 'same' ? undefined : reasonOf(before, plan),
    before: before && choiceOf(before),
    after: after && choiceOf(after),
    ...costs,
  };
};

/** Why the one that served would not have. */
const reasonOf = (before: Attempt | undefined, plan: RoutePlanReply): string => {
  if (before === undefined) return 'Nobody had served it.';
  const rule = plan.excluded.find(
    ({ endpointId, credentialId }) =>
      endpointId === before.endpointId && (credentialId === undefined || credentialId === before.credentialId),
  );
  if (rule !== undefined) return tellRule(rule.rule, rule.detail);
  return plan.attempts.some((each) => wayOfAttempt(each) === wayOfAttempt(before))
    ? 'Another one comes first.'
    : 'It is not in the catalog any more, or not with this key.';
};

const costsOf = (
  { served, markupPpm, byokFeePpm }: DecisionRecorded,
  before: Attempt | undefined,
  after: PlannedAttempt | undefined,
): Pick<DecisionDifference, 'costBefore' | 'costAfter' | 'difference'> => {
  if (served?.usage === undefined || served.costPicodollars === undefined || before === undefined) return {};
  const charged = BigInt(served.costPicodollars);
  const told = { costBefore: charged.toString() };
  if (after === undefined) return told;
  const unchanged =
    wayOfAttempt(before) === wayOfAttempt(after) &&
    canonicalPriceJson(before.price) === canonicalPriceJson(after.price);
  const cost = unchanged
    ? charged
    : creditsOf(
        decideCharge({
          outcome: served.outcome,
          served: true,
          usage: served.usage,
          usageSource: served.usageSource ?? 'estimated',
          serviceTier: served.serviceTier,
          price: after.price,
          holdPicodollars: NO_CAP,
          byok: after.byok,
          surchargePpm: surchargeRateOf({ markupPpm, byokFeePpm }, after.byok),
        }),
      );
  return { ...told, costAfter: cost.toString(), difference: (cost - charged).toString() };
};
