// Limits and budgets of a workspace, its suspension, and what it pays on top of prices.
import { LIMIT_METRICS, LIMIT_SCOPES, LIMIT_WINDOWS } from '@waystation/contracts';
import { z } from 'zod';
import { data, deleted, instant, json, usd, type Operations } from '../operation.js';

const amount = z.number().meta({ description: 'USD for the metric `usd`, otherwise a count' });

export const limit = z
  .object({
    scope: z.enum([...LIMIT_SCOPES, 'guardrail']),
    scope_id: z.string().nullable(),
    metric: z.enum(LIMIT_METRICS),
    window: z.enum(LIMIT_WINDOWS),
    free_only: z.boolean(),
    limit: amount,
    include_byok: z.boolean(),
    used: amount.nullable(),
    in_flight: amount.nullable(),
    remaining: amount.nullable(),
    created_at: instant.optional(),
    updated_at: instant.optional(),
  })
  .meta({ id: 'Limit' });

const name = {
  scope: z.enum(LIMIT_SCOPES),
  scope_id: z.string().min(1).max(512).optional(),
  metric: z.enum(LIMIT_METRICS),
  window: z.enum(LIMIT_WINDOWS),
};

const limitBody = z.strictObject({
  ...name,
  scope_id: name.scope_id.nullable().meta({ description: 'Whose; null: of each one of the scope' }),
  free_only: z.boolean().nullable().optional(),
  limit: z.number().nonnegative().meta({ description: 'USD for the metric `usd`, otherwise a whole number' }),
  include_byok: z.boolean().nullable().optional(),
});

const budget = z
  .object({
    id: z.guid(),
    workspace_id: z.string(),
    limit_usd: usd,
    reset_interval: z.enum(['daily', 'weekly', 'monthly']).nullable(),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'Budget' });

const budgetBody = z.strictObject({
  limit_usd: z.number().positive(),
  include_byok_in_budgets: z.boolean().nullable().optional(),
});

const oneBudget = json(z.object({ data: budget, include_byok_in_budgets: z.boolean() }));

const suspensionBody = z.strictObject({ suspended: z.boolean(), reason: z.string().min(1).max(256) });
const suspension = z
  .object({
    workspace_id: z.string(),
    suspended: z.boolean(),
    by: z.string().nullable(),
    reason: z.string().nullable(),
    since: instant.nullable(),
  })
  .meta({ id: 'Suspension' });

const percent = z.number().nonnegative().meta({ description: 'Percent, at most four decimals' });
const surchargesBody = z.strictObject({ markup_percent: percent, byok_fee_percent: percent });
const surcharges = z
  .object({ workspace_id: z.string(), markup_percent: percent, byok_fee_percent: percent })
  .meta({ id: 'Surcharges' });

const OPERATORS = "Takes a key of the station's operator.";

export const LIMITS: Operations = {
  'GET /workspaces/:id/budgets': {
    id: 'listBudgets',
    tag: 'Workspaces',
    summary: 'Budgets of the workspace itself, one an interval',
    answer: json(z.object({ data: z.array(budget), include_byok_in_budgets: z.boolean() })),
  },
  'GET /workspaces/:id/budgets/:interval': {
    id: 'getBudget',
    tag: 'Workspaces',
    summary: 'The budget of an interval',
    answer: oneBudget,
  },
  'PUT /workspaces/:id/budgets/:interval': {
    id: 'putBudget',
    tag: 'Workspaces',
    summary: 'Sets the budget of an interval',
    description: 'In the middle of its window a budget counts what was spent in it before.',
    body: budgetBody,
    answer: oneBudget,
  },
  'DELETE /workspaces/:id/budgets/:interval': {
    id: 'deleteBudget',
    tag: 'Workspaces',
    summary: 'Lifts the budget of an interval, also where there is none',
    answer: json(deleted),
  },
  'GET /workspaces/:id/limits': {
    id: 'listLimits',
    tag: 'Workspaces',
    summary: 'Every limit: of money, requests and tokens, by whom and by window',
    answer: data(z.array(limit)),
  },
  'PUT /workspaces/:id/limits': {
    id: 'putLimit',
    tag: 'Workspaces',
    summary: 'Sets a limit, in the place of the one of the same scope, metric and window',
    body: limitBody,
    answer: data(limit),
  },
  'DELETE /workspaces/:id/limits': {
    id: 'deleteLimit',
    tag: 'Workspaces',
    summary: 'Lifts the limit that the query names',
    query: z.object({ ...name, free_only: z.enum(['true', 'false']).optional() }),
    answer: json(deleted),
  },
  'GET /workspaces/:id/suspension': {
    id: 'getSuspension',
    tag: 'Workspaces',
    summary: 'Whether the workspace is served, and why not',
    answer: data(suspension),
  },
  'PUT /workspaces/:id/suspension': {
    id: 'putSuspension',
    tag: 'Workspaces',
    summary: 'Suspends a workspace, or lifts its suspension',
    description: OPERATORS,
    body: suspensionBody,
    answer: data(suspension),
  },
  'GET /workspaces/:id/surcharges': {
    id: 'getSurcharges',
    tag: 'Workspaces',
    summary: 'What the workspace pays on top of prices',
    answer: data(surcharges),
  },
  'PUT /workspaces/:id/surcharges': {
    id: 'putSurcharges',
    tag: 'Workspaces',
    summary: 'Sets both rates that the workspace pays on top of prices',
    description: OPERATORS,
    body: surchargesBody,
    answer: data(surcharges),
  },
};
