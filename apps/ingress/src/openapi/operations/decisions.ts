// Routing decisions: why one was made as it was, and what would have been decided under other circumstances.
import { ENDPOINT_STATES, EXCLUSION_RULES, decisionChange } from '@waystation/contracts';
import { PERCENTILES } from '@waystation/routing';
import { z } from 'zod';
import { REPLAY_DECISIONS_MAX } from '../../management/read-replay.js';
import { count, data, instant, usd, type Operations } from '../operation.js';

const text = z.string().nullable();
const generationId = z.string().regex(/^gen-\d{10}-[0-9A-Za-z]{20}$/);

const figures = z.partialRecord(z.enum(PERCENTILES), z.number()).nullable();

const decision = z
  .object({
    generation_id: z.string(),
    created_at: instant,
    kept_because: z.enum(['asked', 'drawn']),
    requested_models: z.array(z.string()),
    chosen_by: z
      .object({ router: z.string(), rule: text, task_type: text, difficulty: text })
      .nullable()
      .meta({ description: 'Who chose the models, where the request left that to the station' }),
    strategy: z.string(),
    snapshot_revision: count,
    policies: z.array(z.object({ id: z.string(), version: count.nullable() })),
    own_keys: z.array(
      z.object({
        id: z.string(),
        refused: z.boolean().meta({ description: 'Its provider refused it again and again' }),
      }),
    ),
    aliases: z
      .record(z.string(), z.string())
      .meta({ description: 'Which model each alias among those requested stood for' }),
    affinity: z
      .array(z.object({ model: z.string(), home: z.string(), override: text }))
      .meta({ description: 'Where the conversation is at home by its hash, and where it was served of late instead' }),
    preferences: z.record(z.string(), z.unknown()),
    features: z.record(z.string(), z.unknown()).meta({ description: 'What routing knew of the request; no content' }),
    endpoints: z.array(
      z.object({
        endpoint_id: text,
        model: z.string(),
        provider: text,
        own_key_id: text,
        place: count.nullable().meta({ description: 'From 1 on, in the order in which they are tried' }),
        rule: z.enum(EXCLUSION_RULES).nullable(),
        why: text.meta({ description: 'The rule in words' }),
        selected: z.boolean(),
        outcome: text,
        health: z.enum(ENDPOINT_STATES).nullable(),
        latency_ms: figures.meta({ description: 'To the first token, of the five minutes before' }),
        throughput: figures.meta({ description: 'Output tokens a second, of the five minutes before' }),
        price_version: text,
        left_out_parameters: z.array(z.string()),
      }),
    ),
    attempts: z.array(z.object({ endpoint_id: z.string(), own_key_id: text, outcome: z.string(), error: text })),
    cost: usd.nullable(),
    error: text,
    replayable: z.boolean().meta({ description: 'All that it was made from was kept with it' }),
  })
  .meta({ id: 'Decision' });

const sums = {
  decisions: count,
  moved: count,
  refused: count,
  unplanned: count,
  priced: count.meta({ description: 'Decisions with a cost on both sides: the sums are theirs' }),
  cost_before: usd,
  cost_after: usd,
  difference: usd,
};
const choice = z
  .object({ endpoint_id: z.string(), model: z.string(), provider: z.string(), is_byok: z.boolean() })
  .nullable();

const differences = z
  .object({
    totals: z.object(sums),
    by_api_key: z.array(z.object({ api_key_hash: z.string(), ...sums })),
    rows: z.array(
      z.object({
        generation_id: z.string(),
        created_at: instant,
        api_key_hash: z.string(),
        user_id: text,
        external_user: text,
        app: text,
        models: z.array(z.string()),
        result: z.enum(['same', 'moved', 'refused', 'unplanned']),
        because: text,
        before: choice,
        after: choice,
        cost_before: usd.nullable(),
        cost_after: usd.nullable(),
        difference: usd.nullable(),
      }),
    ),
    snapshot_revision: count
      .nullable()
      .meta({ description: 'Of the catalog that was planned against, if the present one' }),
    next: text.meta({ description: '`after` of the call that goes on' }),
  })
  .meta({ id: 'DecisionDifferences' });

const body = decisionChange
  .extend({
    from: instant,
    to: instant.meta({ description: 'Excluded' }),
    workspace_id: z.string().max(64).optional(),
    limit: z.int().min(1).max(REPLAY_DECISIONS_MAX).default(1_000).optional(),
    after: generationId.optional(),
    format: z.enum(['json', 'csv']).default('json').optional(),
  })
  .meta({ id: 'DecisionReplay' });

export const DECISIONS: Operations = {
  'GET /generation/decision': {
    id: 'getDecision',
    tag: 'Account',
    summary: 'Why a generation was routed as it was: every endpoint with its place, or with the rule that excluded it',
    description:
      'There for generations whose caller asked for it (`X-Waystation-Explain: true`, or `X-OpenRouter-Metadata: enabled`), and for a configured share of the others.',
    query: z.object({ id: generationId }),
    answer: data(decision),
  },
  'POST /decisions/replay': {
    id: 'replayDecisions',
    tag: 'Reports',
    summary: 'What would have been chosen under another policy, prices or health, and what that would have cost',
    description: 'Plans kept decisions again, the oldest first. Changes nothing.',
    body,
    answer: {
      status: 200,
      content: { ...data(differences).content, 'text/csv': undefined },
    },
  },
};
