// Every metric there is, in one table: what docs/metrics.md is written from, and what dashboards and alerts are checked against. A name that is not here cannot be
// counted. Names are those of OpenTelemetry's conventions for generative AI where they have one, as Prometheus spells it (dots become underscores, the unit is a
// suffix), and waystation_* else. https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
// Invariant: labels are of closed sets, or of `open` ones that are cut at `most` series for each process: what comes later is counted as `other`.

export type MetricType = 'counter' | 'gauge' | 'histogram';
export type MetricApp =
  'every process' | 'ingress' | 'router' | 'worker' | 'billing' | 'logging' | 'control' | 'sandbox';

export interface MetricRow {
  readonly type: MetricType;
  readonly app: MetricApp;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Labels whose values are data of the site. Beyond `most` series they are `other`. */
  readonly open?: readonly string[];
  readonly most?: number;
  /** Of a histogram, ascending, in the unit of the name. */
  readonly bounds?: readonly number[];
}

export type MetricTable = Readonly<Record<string, MetricRow>>;

/** From the conventions, as are those of tokens and first tokens. */
const GEN_AI_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const GEN_AI_TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];
const GEN_AI_FIRST_TOKEN = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const GEN_AI_PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** For what should be over within milliseconds. */
const SHORT_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const FRAME_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const WORKER_FIRST_TOKEN = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 60];
const COMMIT_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const BATCH_LINES = [1, 3, 10, 30, 100, 300, 1_000, 3_000];

const PROVIDER = 'gen_ai_provider_name';
const MODEL = 'gen_ai_request_model';
const OPERATION = 'gen_ai_operation_name';
const OPEN = [PROVIDER, MODEL] as const;
/** Histograms by model have many series each. */
const BY_MODEL_MOST = 200;
const WORKSPACES_MOST = 200;
const ENDPOINTS_MOST = 500;

export const METRIC_TABLE = {
  waystation_process_info: {
    type: 'gauge',
    app: 'every process',
    help: 'Always 1. The name of the process as logs and the bus know it, its apps and its release.',
    labels: ['name', 'apps', 'release'],
  },
  waystation_ready: {
    type: 'gauge',
    app: 'every process',
    help: 'Whether /readyz is green (1 or 0).',
  },
  waystation_bus_connected: {
    type: 'gauge',
    app: 'every process',
    help: 'Whether this process is connected to NATS (1 or 0).',
  },
  waystation_bus_queue_seconds: {
    type: 'histogram',
    app: 'every process',
    help: 'From the sending of a request on the bus to the beginning of its handling, by the clocks of both processes.',
    labels: ['contract'],
    bounds: SHORT_SECONDS,
  },
  waystation_journal_unacked_bytes: {
    type: 'gauge',
    app: 'every process',
    help: 'Journal bytes that JetStream has not acknowledged.',
    labels: ['journal'],
  },

  waystation_ingress_requests_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Requests answered, by route and class of status.',
    labels: ['route', 'status'],
  },
  waystation_ingress_request_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'From the arrival of a request to the last byte of its answer, by route.',
    labels: ['route'],
    bounds: REQUEST_SECONDS,
  },
  gen_ai_server_request_duration_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'Generations, from the request to the last byte, by what served them last. error_type is empty where it went well; key_class says whose provider key paid: station, own, or none where nothing was tried.',
    labels: [OPERATION, PROVIDER, MODEL, 'key_class', 'error_type'],
    open: OPEN,
    most: BY_MODEL_MOST,
    bounds: GEN_AI_SECONDS,
  },
  gen_ai_server_time_to_first_token_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'From the request to the first byte of output that went to the client.',
    labels: [OPERATION, PROVIDER, MODEL],
    open: OPEN,
    most: BY_MODEL_MOST,
    bounds: GEN_AI_FIRST_TOKEN,
  },
  gen_ai_server_time_per_output_token_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'Of streams, the time after the first token divided by the tokens after it. Tokens per second are its inverse.',
    labels: [OPERATION, PROVIDER, MODEL],
    open: OPEN,
    most: BY_MODEL_MOST,
    bounds: GEN_AI_PER_TOKEN,
  },
  waystation_ingress_generation_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'From a request to the end of its answer.',
    bounds: REQUEST_SECONDS,
  },
  waystation_ingress_first_byte_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'From a request to the first byte of output.',
    bounds: REQUEST_SECONDS,
  },
  waystation_ingress_stage_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'Where the time of a generation goes: plan (the router was asked), hold (credit was found), attempts (providers were asked).',
    labels: ['stage'],
    bounds: REQUEST_SECONDS,
  },
  waystation_ingress_frame_gap_seconds: {
    type: 'histogram',
    app: 'ingress',
    help: 'Of streams, between one frame of output and the next, as they arrive from the worker.',
    bounds: FRAME_SECONDS,
  },
  waystation_ingress_attempts_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Tries at endpoints, by outcome.',
    labels: ['outcome'],
  },
  waystation_ingress_fallbacks_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Tries at another endpoint than the one before, in one generation; seconds that were asked beside a first are among them.',
  },
  waystation_ingress_retries_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Tries at the same endpoint once more, at another worker.',
  },
  waystation_ingress_retries_refused_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Fallbacks that were not tried, since there were too many.',
  },
  waystation_ingress_hedges_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Generations for which a second endpoint was asked beside the first, by which of them was quicker; neither: one of them failed.',
    labels: ['quicker'],
  },
  waystation_ingress_hedges_refused_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Second endpoints that were not asked beside a first, since there were too many fallbacks and seconds.',
  },
  waystation_ingress_affinity_writes_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Conversations that were served other than where their hash leads, or there again; dropped: could not be told for want of room.',
    labels: ['write'],
  },
  waystation_ingress_lease_refusals_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Leases that billing refused.',
  },
  waystation_ingress_kept_answers_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Look-ups of answers that were kept.',
    labels: ['result'],
  },
  waystation_ingress_output_bytes_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Bytes of output sent to clients.',
  },
  waystation_ingress_open_generations: { type: 'gauge', app: 'ingress', help: 'Generations in flight.' },
  waystation_ingress_open_holds: { type: 'gauge', app: 'ingress', help: 'Holds that are not settled.' },
  waystation_spend_usd_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Credits charged, as clients were told. What is booked is in the ledger; usage that came late is only there.',
    labels: [PROVIDER, MODEL, 'key_class'],
    open: OPEN,
    most: BY_MODEL_MOST,
  },
  waystation_workspace_requests_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Generations of a workspace, by whether they went well (ok, error).',
    labels: ['workspace', 'result'],
    open: ['workspace'],
    most: WORKSPACES_MOST,
  },
  waystation_workspace_tokens_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Tokens of a workspace, input and output.',
    labels: ['workspace', 'gen_ai_token_type'],
    open: ['workspace'],
    most: WORKSPACES_MOST,
  },
  waystation_workspace_spend_usd_total: {
    type: 'counter',
    app: 'ingress',
    help: 'Credits charged to a workspace, as its clients were told.',
    labels: ['workspace'],
    open: ['workspace'],
    most: WORKSPACES_MOST,
  },

  waystation_router_plans_total: {
    type: 'counter',
    app: 'router',
    help: 'Plans made, by whether anything was left to try.',
    labels: ['outcome'],
  },
  waystation_router_plan_seconds: {
    type: 'histogram',
    app: 'router',
    help: 'Time to make a plan, without the way there and back.',
    bounds: SHORT_SECONDS,
  },
  waystation_router_catalog_revision: {
    type: 'gauge',
    app: 'router',
    help: 'Revision of the catalog that plans are made from.',
  },
  waystation_router_catalog_silent_seconds: {
    type: 'gauge',
    app: 'router',
    help: 'Seconds since the catalog was last known to be fed.',
  },
  waystation_router_affinity_overrides: {
    type: 'gauge',
    app: 'router',
    help: 'Conversations that are known to have been served other than where their hash leads.',
  },
  waystation_endpoint_state: {
    type: 'gauge',
    app: 'router',
    help: 'Always 1, for each endpoint that was asked of late: how it is judged now. stable, recent-outage, degraded, down, resting (as its provider told), out, trial.',
    labels: ['endpoint', PROVIDER, MODEL, 'state'],
    open: ['endpoint', ...OPEN],
    most: ENDPOINTS_MOST,
  },
  waystation_endpoint_success_ratio: {
    type: 'gauge',
    app: 'router',
    help: 'Share of the attempts of five minutes that the endpoint served, for each that had enough to say.',
    labels: ['endpoint', PROVIDER, MODEL],
    open: ['endpoint', ...OPEN],
    most: ENDPOINTS_MOST,
  },

  gen_ai_client_operation_duration_seconds: {
    type: 'histogram',
    app: 'worker',
    help: 'Attempts at providers, from the request to the end of the response. error_type is empty where it went well.',
    labels: [OPERATION, PROVIDER, MODEL, 'error_type'],
    open: OPEN,
    most: BY_MODEL_MOST,
    bounds: GEN_AI_SECONDS,
  },
  gen_ai_client_operation_time_to_first_chunk_seconds: {
    type: 'histogram',
    app: 'worker',
    help: 'From the request to the first meaningful event of the provider.',
    labels: [OPERATION, PROVIDER, MODEL],
    open: OPEN,
    most: BY_MODEL_MOST,
    bounds: GEN_AI_FIRST_TOKEN,
  },
  gen_ai_client_token_usage: {
    type: 'histogram',
    app: 'worker',
    help: 'Tokens of an attempt, input and output, as the provider counted them or, where it did not, as estimated.',
    labels: [OPERATION, PROVIDER, MODEL, 'gen_ai_token_type'],
    open: OPEN,
    most: BY_MODEL_MOST,
    bounds: GEN_AI_TOKENS,
  },
  waystation_worker_attempts_total: {
    type: 'counter',
    app: 'worker',
    help: 'Attempts that ended, by outcome.',
    labels: ['outcome'],
  },
  waystation_worker_first_token_seconds: {
    type: 'histogram',
    app: 'worker',
    help: 'From the request to the first meaningful event of the provider, all models together.',
    bounds: WORKER_FIRST_TOKEN,
  },
  waystation_worker_relayed_bytes_total: { type: 'counter', app: 'worker', help: 'Bytes given to callers.' },
  waystation_worker_attempts_in_flight: { type: 'gauge', app: 'worker', help: 'Attempts that run now.' },
  waystation_worker_attempts_draining: {
    type: 'gauge',
    app: 'worker',
    help: 'Attempts whose caller left and whose usage is still listened for.',
  },
  waystation_worker_busy_total: { type: 'counter', app: 'worker', help: 'Attempts that were answered busy.' },
  waystation_worker_full_total: {
    type: 'counter',
    app: 'worker',
    help: 'Attempts declined because the capacity of their credential was used up.',
  },
  waystation_worker_upstream_bytes_total: {
    type: 'counter',
    app: 'worker',
    help: 'Bytes of responses read from providers.',
  },

  waystation_billing_settled_attempts_total: { type: 'counter', app: 'billing', help: 'Attempts settled.' },
  waystation_billing_corrections_total: {
    type: 'counter',
    app: 'billing',
    help: 'Settlements corrected by better information.',
  },
  waystation_billing_dead_letters_total: {
    type: 'counter',
    app: 'billing',
    help: 'Money lines that could not be settled.',
  },
  waystation_billing_settle_retries_total: {
    type: 'counter',
    app: 'billing',
    help: 'Batches left on the bus because they could not be settled now.',
  },
  waystation_billing_witness_disagreements_total: {
    type: 'counter',
    app: 'billing',
    help: 'Attempts whose witnesses contradict each other.',
    labels: ['kind'],
  },
  waystation_billing_settle_batch_lines: {
    type: 'histogram',
    app: 'billing',
    help: 'Lines of a batch.',
    bounds: BATCH_LINES,
  },
  waystation_billing_settle_seconds: {
    type: 'histogram',
    app: 'billing',
    help: 'Time to commit a batch.',
    bounds: COMMIT_SECONDS,
  },
  waystation_billing_settle_lag_seconds: {
    type: 'gauge',
    app: 'billing',
    help: 'Age of the oldest line of the last batch when it was committed.',
  },
  waystation_billing_facts_pending: {
    type: 'gauge',
    app: 'billing',
    help: 'Messages of FACTS that are stored and not yet settled.',
  },
  waystation_billing_settled_late_total: {
    type: 'counter',
    app: 'billing',
    help: 'Attempts settled from what was known when their time had come.',
  },
  waystation_billing_leases_swept_total: { type: 'counter', app: 'billing', help: 'Leases closed by the sweeper.' },
  waystation_billing_lease_grants_total: {
    type: 'counter',
    app: 'billing',
    help: 'Lease grants and renewals that were given.',
  },
  waystation_billing_lease_refusals_total: {
    type: 'counter',
    app: 'billing',
    help: 'Lease requests that were refused, by code.',
    labels: ['code'],
    open: ['code'],
    most: 50,
  },
  waystation_billing_auto_topups_total: { type: 'counter', app: 'billing', help: 'Top-ups ordered automatically.' },

  waystation_logging_trail_lines_total: {
    type: 'counter',
    app: 'logging',
    help: 'Trail lines committed, copies included.',
  },
  waystation_logging_trail_dead_letters_total: {
    type: 'counter',
    app: 'logging',
    help: 'Trail lines that could not be stored.',
  },
  waystation_logging_trail_retries_total: {
    type: 'counter',
    app: 'logging',
    help: 'Batches left on the bus because Postgres did not take them.',
  },
  waystation_logging_trail_store_seconds: {
    type: 'histogram',
    app: 'logging',
    help: 'Time to commit a batch.',
    bounds: COMMIT_SECONDS,
  },
  waystation_logging_trail_pending: {
    type: 'gauge',
    app: 'logging',
    help: 'Trail messages stored on the bus and not yet acked.',
  },
  waystation_logging_trail_lag_seconds: {
    type: 'gauge',
    app: 'logging',
    help: 'Age of the newest line of the last batch when it was committed.',
  },

  waystation_control_audit_intact: {
    type: 'gauge',
    app: 'control',
    help: 'Whether the audit chain held when it was last checked, at boot (1 or 0).',
  },
  waystation_sandbox_calls: {
    type: 'gauge',
    app: 'sandbox',
    help: 'Calls received since the truth log was last cleared.',
  },
} as const satisfies MetricTable;
