// What was used and charged: by day, by any question, by month, and generation by generation.
import { CONTENT_FILTER_ACTIONS } from '@waystation/contracts';
import { z } from 'zod';
import { SUBJECTS } from '../../management/activity-info.js';
import { analyticsBody } from '../../management/analytics-info.js';
import { count, data, instant, usd, usdText, type Operations } from '../operation.js';

const text = z.string().nullable();
const subjects = Object.fromEntries(Object.keys(SUBJECTS).map((name) => [name, z.string().max(512).optional()]));

const activity = z
  .object({
    date: z.string(),
    model: z.string(),
    model_permaslug: z.string(),
    endpoint_id: z.string(),
    provider_name: z.string(),
    usage: usd,
    byok_usage_inference: usd,
    requests: count,
    prompt_tokens: count,
    completion_tokens: count,
    reasoning_tokens: count,
    workspace_id: z.string().optional(),
    ...Object.fromEntries(Object.keys(SUBJECTS).map((name) => [name, text.optional()])),
  })
  .meta({ id: 'Activity' });

const named = z.object({ name: z.string(), display_label: z.string() });
const analyticsMeta = z.object({
  metrics: z.array(named.extend({ is_rate: z.boolean(), display_format: z.enum(['number', 'currency']) })),
  dimensions: z.array(named),
  operators: z.array(z.object({ name: z.string(), value_type: z.enum(['scalar', 'array']) })),
  granularities: z.array(named),
});

const parts = { credits: usdText, waste: usdText, variance: usdText, byok: usdText };
const usage = z.record(z.string(), count).meta({ description: 'Counts by class of usage' });

const charge = z
  .object({
    attempt_id: z.string(),
    provider: z.string(),
    endpoint_id: z.string(),
    model: z.string(),
    price_version: z.string(),
    service_tier: text,
    lines: z.array(
      z.object({ unit: z.string(), count: z.number(), priced_as: text, unit_price: usdText, amount: usdText }),
    ),
    cost: usdText,
    surcharge: z.object({ account: z.string(), percent: z.string(), amount: usdText }).nullable(),
    policy: z.object({ row: z.string(), bearer: text, why: text }),
    paid: z.object({ ...parts, unbilled: usdText }),
    hold: z.object({
      amount: usdText,
      lease: z.object({ id: z.string(), ends_at: instant.nullable(), closed_at: instant.nullable() }).nullable(),
      quotas: z.array(z.string()),
    }),
    history: z.array(
      z.object({
        revision: count,
        settled_at: instant.nullable(),
        reason: z.string(),
        ...parts,
        surcharge: usdText,
        outcome: z.string(),
        policy_row: z.string(),
        usage,
        usage_source: z.string(),
        witnesses: z.object({ outcome: z.string(), usage: z.string() }),
        price_version: z.string(),
        rerate_id: text,
      }),
    ),
  })
  .meta({ id: 'Charge', description: 'Why one attempt was charged what it was' });

const milliseconds = z.number().nullable().meta({ description: 'Milliseconds' });

const generation = z
  .object({
    id: z.string(),
    upstream_id: text,
    request_id: text,
    created_at: instant,
    model: z.string(),
    provider_name: text,
    router: z.string().nullable(),
    api_type: text,
    origin: text,
    app_id: z.null(),
    http_referer: text,
    user_agent: text,
    external_user: text,
    session_id: text,
    workspace_id: z.string(),
    preset_id: z.string().nullable(),
    data_region: z.string(),
    streamed: z.boolean().nullable(),
    cancelled: z.boolean().nullable(),
    finish_reason: text,
    native_finish_reason: text,
    latency: milliseconds,
    generation_time: milliseconds,
    moderation_latency: z.null(),
    tokens_prompt: count,
    tokens_completion: count,
    native_tokens_prompt: count,
    native_tokens_completion: count,
    native_tokens_reasoning: count,
    native_tokens_cached: count,
    native_tokens_completion_images: count,
    num_media_prompt: z.null(),
    num_media_completion: z.null(),
    num_input_audio_prompt: z.null(),
    num_search_results: z.null(),
    num_fetches: z.null(),
    web_search_engine: z.null(),
    usage: usd,
    total_cost: usd,
    upstream_inference_cost: usd.nullable(),
    cache_discount: z.null(),
    is_byok: z.boolean(),
    service_tier: z.null(),
    response_cache_source_id: text,
    provider_responses: z.array(
      z.object({
        endpoint_id: z.string(),
        id: z.string(),
        is_byok: z.boolean(),
        latency: milliseconds,
        model_permaslug: z.string(),
        provider_name: text,
        status: z.int().nullable(),
      }),
    ),
    tags: z.array(z.string()),
    settled: z.boolean().meta({ description: 'Every attempt that can have reached a provider is booked' }),
    charges: z.array(charge),
    outcome: text,
    policy_row: text,
    usage_source: text,
    error: z.object({ code: z.string(), message: text }).nullable(),
    decision_path: text.meta({ description: 'Where its routing decision is told, if it was kept' }),
    warnings: z.array(z.unknown()),
    content_filters: z
      .array(
        z.object({
          guardrail_id: z.string(),
          filter: z.string(),
          action: z.enum(CONTENT_FILTER_ACTIONS),
          side: z.enum(['input', 'output']),
          count,
        }),
      )
      .meta({ description: 'What content filters of guardrails found, and did. Never what it was' }),
  })
  .meta({ id: 'Generation' });

export const REPORTS: Operations = {
  'GET /generation': {
    id: 'getGeneration',
    tag: 'Account',
    summary: 'One generation: what it used, what it cost, and why',
    description: 'Never waits for a settlement: `settled` tells whether all of it is booked.',
    query: z.object({ id: z.string().regex(/^gen-\d{10}-[0-9A-Za-z]{20}$/) }),
    answer: data(generation),
  },
  'GET /activity': {
    id: 'getActivity',
    tag: 'Reports',
    summary: 'Usage of the last 30 completed UTC days, a row for each day, model and endpoint',
    query: z.object({
      date: z.iso.date().optional(),
      ...subjects,
      workspace_id: z.string().max(512).optional(),
      group_by: z
        .enum(['workspace', ...Object.keys(SUBJECTS)])
        .optional()
        .meta({ description: 'Whom to split each row by besides' }),
    }),
    answer: data(z.array(activity)),
  },
  'GET /analytics/meta': {
    id: 'getAnalyticsMeta',
    tag: 'Reports',
    summary: 'What can be asked of usage, by what it can be split and filtered',
    answer: data(analyticsMeta),
  },
  'POST /analytics/query': {
    id: 'queryAnalytics',
    tag: 'Reports',
    summary: 'Sums of usage over any time, split and filtered',
    body: analyticsBody,
    answer: data(
      z.object({
        data: z.array(z.record(z.string(), z.unknown())),
        metadata: z.object({ query_time_ms: count, row_count: count, truncated: z.boolean() }),
      }),
    ),
  },
  'GET /statements/:month': {
    id: 'getStatement',
    tag: 'Reports',
    summary: 'The statement of a month',
    description:
      'The headers `X-Statement-Closed` and `X-Statement-SHA256` tell whether it can still change, and its hash.',
    query: z.object({ format: z.enum(['json', 'csv', 'html']).default('json').optional() }),
    answer: {
      status: 200,
      content: { 'application/json': { type: 'object' }, 'text/csv': undefined, 'text/html': undefined },
    },
  },
  'GET /exports/focus/:month': {
    id: 'exportFocus',
    tag: 'Reports',
    summary: "A month's charges in the FOCUS 1.2 format",
    description: 'Sent as it is read; a connection that ends early was not the whole month.',
    answer: { status: 200, content: { 'text/csv': undefined } },
  },
};
