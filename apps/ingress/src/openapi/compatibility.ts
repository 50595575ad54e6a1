// Where this API stands against the reference's 97 operations. A test holds each line against the table of routes.

/** `same`: a client of the reference needs no change, though there may be more here. `absent`: not for a relay that one hosts oneself. */
export type Standing = 'same' | 'differs' | 'planned' | 'absent';

export interface Line {
  /** Method and path, with parameters as the reference writes them. */
  readonly operation: string;
  readonly standing: Standing;
  /** How it differs, what is planned, or why it is absent. */
  readonly note: string;
}

const lines = (standing: Standing, note: string, ...operations: string[]): Line[] =>
  operations.map((operation) => ({ operation, standing, note }));

const PROMPT_NOT_STORED = 'prompts and answers are not stored; with stored content, which a workspace will opt into';
const WITHOUT_EFFECT =
  'of models that choose models `openrouter/auto` and `openrouter/free` are served, `auto` by rules and bands of price instead of popularity, and the others refused by name; server tools have no effect, and a warning of the generation says so; of plugins `response-healing`, `context-compression` and `file-parser` (text of PDFs) are served, and those that are not (`web`, `web-fetch`, `moderation`, `fusion`, `alignment`; engines `mistral-ocr` and `cloudflare-ai`) are refused by name; an unknown member of `provider` is refused';
const PUBLIC_DATA = "shows the traffic of the reference's own public service";

export const REFERENCE_LINES: readonly Line[] = [
  ...lines('same', 'filters and splits also by app, end user and tag', 'GET /activity'),
  ...lines('differs', 'fewer metrics and dimensions: of usage and cost alone', 'GET /analytics/meta'),
  ...lines(
    'differs',
    'what cannot be answered (latency, minutes, classifiers) is refused by name',
    'POST /analytics/query',
  ),
  ...lines('differs', 'answered whole, and no voice is cloned', 'POST /audio/speech'),
  ...lines('same', 'JSON or a form; seconds are counted whole', 'POST /audio/transcriptions'),
  ...lines(
    'absent',
    'gives keys of public accounts to applications of others; here whoever runs the workspace makes keys (`POST /keys`)',
    'POST /auth/keys',
    'POST /auth/keys/code',
  ),
  ...lines('absent', 'benchmarks are not the business of a relay', 'GET /benchmarks'),
  ...lines('same', 'with `always_use` and `capacity`', 'GET /byok', 'GET /byok/{id}', 'DELETE /byok/{id}'),
  ...lines(
    'differs',
    "for the providers of the station, by their slugs here; a list for Azure's single deployments is refused by name; `always_use`, `capacity` and `sort_order` can be set",
    'POST /byok',
    'PATCH /byok/{id}',
  ),
  ...lines('differs', WITHOUT_EFFECT, 'POST /chat/completions'),
  ...lines('absent', PUBLIC_DATA, 'GET /classifications/task'),
  ...lines('same', '', 'GET /credits'),
  ...lines('absent', 'ended in the reference, too; buy with `POST /credits/topups`', 'POST /credits/coinbase'),
  ...lines(
    'absent',
    PUBLIC_DATA,
    'GET /datasets/app-rankings',
    'GET /datasets/rankings-daily',
    'GET /datasets/session-cost',
  ),
  ...lines('same', '', 'POST /embeddings'),
  ...lines('same', '', 'GET /embeddings/models'),
  ...lines('same', '', 'GET /endpoints/zdr'),
  ...lines(
    'planned',
    'with batches',
    'GET /files',
    'POST /files',
    'GET /files/{file_id}',
    'DELETE /files/{file_id}',
    'GET /files/{file_id}/content',
  ),
  ...lines(
    'differs',
    'what is not known here is null; besides, each attempt with its price lines, policy and payer',
    'GET /generation',
  ),
  ...lines('planned', PROMPT_NOT_STORED, 'GET /generation/content'),
  ...lines('absent', "goes to the staff of the reference's service", 'POST /generation/feedback'),
  ...lines('same', '', 'GET /guardrails', 'GET /guardrails/{id}', 'DELETE /guardrails/{id}'),
  ...lines(
    'differs',
    'content filters take RE2 patterns and, besides, look at answers (`applies_to`); filters for names and postal addresses and switches for training are refused by name; `allowed_regions` is ours',
    'POST /guardrails',
    'PATCH /guardrails/{id}',
  ),
  ...lines(
    'same',
    'with what is left of the budget',
    'GET /guardrails/assignments/keys',
    'GET /guardrails/assignments/members',
    'GET /guardrails/{id}/assignments/keys',
    'GET /guardrails/{id}/assignments/members',
  ),
  ...lines(
    'same',
    'a key or member has at most one guardrail, so that another replaces it',
    'POST /guardrails/{id}/assignments/keys',
    'POST /guardrails/{id}/assignments/keys/remove',
    'POST /guardrails/{id}/assignments/members',
    'POST /guardrails/{id}/assignments/members/remove',
  ),
  ...lines(
    'differs',
    'one body, also where a stream is asked for, and a warning of the generation says so',
    'POST /images',
  ),
  ...lines(
    'differs',
    'parameters are those that the dialect of an endpoint can say, the same for all models of it',
    'GET /images/models',
    'GET /images/models/{author}/{slug}/endpoints',
  ),
  ...lines('same', 'with every limit that holds for the key', 'GET /key'),
  ...lines('same', '', 'GET /keys', 'POST /keys', 'GET /keys/{hash}', 'PATCH /keys/{hash}', 'DELETE /keys/{hash}'),
  ...lines('differs', WITHOUT_EFFECT, 'POST /messages'),
  ...lines(
    'differs',
    'filters and orders that the catalog has no data for are refused by name: categories, families, distillation, benchmarks, popularity, speed, RSS',
    'GET /models',
  ),
  ...lines('same', 'takes the filters of `GET /models`', 'GET /models/count'),
  ...lines('same', 'takes the filters of `GET /models`', 'GET /models/user'),
  ...lines('same', '', 'GET /model/{author}/{slug}'),
  ...lines(
    'differs',
    '`status`: 0 as usual, -1 degraded, -2 resting, -5 down; uptime counts what the workers that run have seen',
    'GET /models/{author}/{slug}/endpoints',
  ),
  ...lines(
    'absent',
    'metrics, traces and logs leave by OpenTelemetry and Prometheus, as the deployment is configured',
    'GET /observability/destinations',
    'POST /observability/destinations',
    'GET /observability/destinations/{id}',
    'PATCH /observability/destinations/{id}',
    'DELETE /observability/destinations/{id}',
  ),
  ...lines('differs', 'the organization is the workspace, and no names are kept', 'GET /organization/members'),
  ...lines(
    'same',
    '',
    'GET /presets',
    'GET /presets/{slug}',
    'GET /presets/{slug}/versions',
    'GET /presets/{slug}/versions/{version}',
  ),
  ...lines(
    'differs',
    'by management keys; settings are kept in the words of a chat completion, and what another API has no word for is left out of its requests, with a warning',
    'POST /presets/{slug}/chat/completions',
    'POST /presets/{slug}/messages',
    'POST /presets/{slug}/responses',
  ),
  ...lines('same', 'of addresses, only that of the policy on data is known', 'GET /providers'),
  ...lines('same', '', 'POST /rerank'),
  ...lines(
    'differs',
    'without state: what needs a stored response (`store`, `previous_response_id`, `conversation`, `background`) is refused by name',
    'POST /responses',
  ),
  ...lines(
    'absent',
    'members are made through this API by whatever keeps them; there is no identity provider inside',
    'GET /scim/groups',
    'GET /scim/group-mappings',
    'POST /scim/group-mappings',
    'GET /scim/group-mappings/{id}',
    'PATCH /scim/group-mappings/{id}',
    'DELETE /scim/group-mappings/{id}',
  ),
  ...lines(
    'planned',
    'with jobs that outlast a connection',
    'POST /videos',
    'GET /videos/models',
    'GET /videos/{jobId}',
    'GET /videos/{jobId}/content',
  ),
  ...lines(
    'planned',
    'workspaces are made by the operator so far',
    'GET /workspaces',
    'POST /workspaces',
    'GET /workspaces/{id}',
    'PATCH /workspaces/{id}',
    'DELETE /workspaces/{id}',
  ),
  ...lines(
    'same',
    '',
    'GET /workspaces/{id}/budgets',
    'GET /workspaces/{id}/budgets/{interval}',
    'PUT /workspaces/{id}/budgets/{interval}',
    'DELETE /workspaces/{id}/budgets/{interval}',
  ),
  ...lines('same', "with the member's address", 'GET /workspaces/{id}/members'),
  ...lines(
    'absent',
    'there is no organization to add people from; `POST /workspaces/{id}/members` makes them',
    'POST /workspaces/{id}/members/add',
  ),
  ...lines('same', '', 'POST /workspaces/{id}/members/remove'),
];

/** Operations that the reference's document does not list, by what they are for. */
export const OWN_LINES: readonly (readonly [why: string, ...operations: string[]])[] = [
  ["a part of Anthropic's Messages", 'POST /messages/count_tokens'],
  ['legacy text completions, answered by chat models', 'POST /completions'],
  ['images by the path that OpenAI gives them', 'POST /images/generations'],
  ['an older name of `GET /key`', 'GET /auth/key'],
  ['the price book', 'GET /prices'],
  [
    'money in, through the payment service of whoever runs the station',
    'POST /credits/grants',
    'GET /credits/topups',
    'POST /credits/topups',
    'GET /credits/topups/{id}',
    'POST /credits/topups/{id}/refunds',
    'GET /credits/auto-topup',
    'PUT /credits/auto-topup',
    'POST /webhooks/stripe',
  ],
  ['books for people and for their tools', 'GET /statements/{month}', 'GET /exports/focus/{month}'],
  [
    'limits in money, requests and tokens, by whom and by window',
    'GET /workspaces/{id}/limits',
    'PUT /workspaces/{id}/limits',
    'DELETE /workspaces/{id}/limits',
  ],
  [
    'what operators decide of a workspace',
    'GET /workspaces/{id}/suspension',
    'PUT /workspaces/{id}/suspension',
    'GET /workspaces/{id}/surcharges',
    'PUT /workspaces/{id}/surcharges',
  ],
  [
    'providers of your own, added while the station runs',
    'GET /private/providers',
    'POST /private/providers',
    'GET /private/providers/{slug}',
    'PATCH /private/providers/{slug}',
    'DELETE /private/providers/{slug}',
    'POST /private/providers/{slug}/probe',
    'GET /private/providers/{slug}/endpoints',
    'PUT /private/providers/{slug}/endpoints',
    'DELETE /private/providers/{slug}/endpoints',
  ],
  ['presets change', 'PATCH /presets/{slug}'],
  ['rules by which models are chosen for tasks', 'GET /task-rules', 'PUT /task-rules', 'DELETE /task-rules'],
  [
    'members, who are made here',
    'POST /workspaces/{id}/members',
    'GET /workspaces/{id}/members/{member}',
    'PATCH /workspaces/{id}/members/{member}',
    'DELETE /workspaces/{id}/members/{member}',
  ],
  ['the reference of this API', 'GET /openapi.json', 'GET /docs'],
  ['the status page', 'GET /console', 'GET /console/{file}', 'GET /console/data/status'],
];

/** Kinds of interface that are planned, and that the reference's document has no operation for. */
export const PLANNED_BESIDES: readonly string[] = [
  'batches',
  'realtime sessions over WebSocket',
  'a gateway for the Model Context Protocol (MCP)',
];
