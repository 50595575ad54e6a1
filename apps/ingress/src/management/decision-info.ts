// A kept routing decision as it is told: every endpoint with the rule that excluded it, in words, or its place; and what would have been decided, as a table with sums.
import type { DecisionDifference, DecisionRecorded } from '@waystation/contracts';
import { sumDifferences, tellRule, type DifferenceSums } from '@waystation/routing';
import { optionalUsd, usd } from '../http/send-json.js';

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Members as the API writes them. */
const spoken = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(spoken);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [snake(name), spoken(each)]));
};

type KeptHealth = NonNullable<DecisionRecorded['inputs']>['health'][number];

const sameWay = (
  { endpointId, credentialId }: { endpointId: string; credentialId?: string | undefined },
  other: { endpointId?: string | undefined; credentialId?: string | undefined },
): boolean => endpointId === other.endpointId && credentialId === other.credentialId;

const figuresInfo = (figures: Partial<Record<string, number>>) => {
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return known.length === 0 ? null : Object.fromEntries(known);
};

const healthInfo = (health: KeptHealth | undefined) => ({
  health: health?.state ?? null,
  latency_ms: figuresInfo(health?.figures?.latencyMs ?? {}),
  throughput: figuresInfo(health?.figures?.throughput ?? {}),
});

export const decisionInfo = (decision: DecisionRecorded) => {
  const { plan, inputs, served, tried, chosenBy } = decision;
  const health = new Map(inputs?.health.map((each) => [each.endpointId, each]));
  const entries = new Map(inputs?.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  const attempts = plan.attempts.map((attempt, index) => ({
    endpoint_id: attempt.endpointId,
    model: attempt.model,
    provider: attempt.provider,
    own_key_id: attempt.credentialId ?? null,
    place: index + 1,
    rule: null,
    why: null,
    selected: served !== undefined && sameWay(attempt, served),
    outcome: tried.findLast((each) => sameWay(attempt, each))?.outcome ?? null,
    ...healthInfo(health.get(attempt.endpointId)),
    price_version: attempt.priceVersion,
    left_out_parameters: attempt.dropParameters ?? [],
  }));
  const excluded = plan.excluded.map(({ endpointId, model, provider, rule, detail, credentialId }) => ({
    endpoint_id: endpointId ?? null,
    model,
    provider: provider ?? null,
    own_key_id: credentialId ?? null,
    place: null,
    rule,
    why: tellRule(rule, detail),
    selected: false,
    outcome: null,
    ...healthInfo(health.get(endpointId ?? '')),
    price_version: entries.get(endpointId ?? '')?.priceVersion ?? null,
    left_out_parameters: [],
  }));
  return {
    generation_id: decision.generationId,
    created_at: new Date(decision.createdAt).toISOString(),
    kept_because: decision.because,
    requested_models: decision.models,
    chosen_by:
      chosenBy === undefined
        ? null
        : {
            router: chosenBy.router,
            rule: chosenBy.rule ?? null,
            task_type: chosenBy.task ?? null,
            difficulty: chosenBy.difficulty ?? null,
          },
    strategy: plan.strategy,
    snapshot_revision: plan.snapshotRevision,
    policies: decision.policyIds.map((id) => ({
      id,
      version: inputs?.policies.find((policy) => policy.id === id)?.version ?? null,
    })),
    own_keys: inputs?.ownKeys.map(({ id }) => ({ id, refused: inputs.refused.includes(id) })) ?? [],
    aliases: plan.aliases ?? {},
    affinity: (plan.affinity ?? []).map(({ model, home, override }) => ({
      model,
      home,
      override: override?.endpointId ?? null,
    })),
    preferences: spoken(decision.preferences),
    features: spoken(decision.features),
    endpoints: [...attempts, ...excluded],
    attempts: tried.map(({ endpointId, credentialId, outcome, errorCode }) => ({
      endpoint_id: endpointId,
      own_key_id: credentialId ?? null,
      outcome,
      error: errorCode ?? null,
    })),
    cost: optionalUsd(served?.costPicodollars),
    error: decision.errorCode ?? null,
    replayable: inputs !== undefined,
  };
};

const sumsInfo = ({ costBefore, costAfter, ...counts }: DifferenceSums) => ({
  ...counts,
  cost_before: usd(costBefore),
  cost_after: usd(costAfter),
  difference: usd(costAfter - costBefore),
});

const choiceInfo = (choice: DecisionDifference['before']) =>
  choice === undefined
    ? null
    : { endpoint_id: choice.endpointId, model: choice.model, provider: choice.provider, is_byok: choice.byok };

const differenceInfo = (row: DecisionDifference) => ({
  generation_id: row.generationId,
  created_at: new Date(row.createdAt).toISOString(),
  api_key_hash: row.keyHash,
  user_id: row.memberId ?? null,
  external_user: row.endUserId ?? null,
  app: row.app ?? null,
  models: row.models,
  result: row.result,
  because: row.because ?? null,
  before: choiceInfo(row.before),
  after: choiceInfo(row.after),
  cost_before: optionalUsd(row.costBefore),
  cost_after: optionalUsd(row.costAfter),
  difference: optionalUsd(row.difference),
});

export const differencesInfo = (
  rows: readonly DecisionDifference[],
  next: string | undefined,
  revision: number | undefined,
) => {
  const { all, byKey } = sumDifferences(rows);
  return {
    totals: sumsInfo(all),
    by_api_key: byKey.map(({ keyHash, sums }) => ({ api_key_hash: keyHash, ...sumsInfo(sums) })),
    rows: rows.map(differenceInfo),
    snapshot_revision: revision ?? null,
    next: next ?? null,
  };
};
