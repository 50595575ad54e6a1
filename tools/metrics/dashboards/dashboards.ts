// The dashboards, as what they ask. deploy/grafana/dashboards holds them as Grafana reads them.
import type { Dashboard } from './panel.ts';

const rate = (metric: string, selector = '', by = ''): string =>
  `sum${by === '' ? '' : ` by (${by})`} (rate(${metric}${selector === '' ? '' : `{${selector}}`}[$__rate_interval]))`;
const quantile = (q: number, metric: string, selector = '', by = ''): string =>
  `histogram_quantile(${q}, ${rate(`${metric}_bucket`, selector, by === '' ? 'le' : `le, ${by}`)})`;
/** The usual three. */
const quantiles = (metric: string, selector = ''): Record<string, string> => ({
  p50: quantile(0.5, metric, selector),
  p95: quantile(0.95, metric, selector),
  p99: quantile(0.99, metric, selector),
});
const share = (part: string, whole: string): string => `${part} / (${whole} > 0)`;

const SERVER = 'gen_ai_server_request_duration_seconds';
const CLIENT = 'gen_ai_client_operation_duration_seconds';
const PROVIDER = 'gen_ai_provider_name';
const MODEL = 'gen_ai_request_model';

const overview: Dashboard = {
  uid: 'waystation-overview',
  title: 'Waystation: overview',
  rows: {
    Now: [
      { title: 'Generations a second', kind: 'stat', unit: 'reqps', queries: { '': rate(`${SERVER}_count`) } },
      { title: 'Faults', kind: 'stat', unit: 'percentunit', queries: { '': 'waystation:generation_faults:ratio5m' } },
      { title: 'First token, p95', kind: 'stat', unit: 's', queries: { '': 'waystation:first_token_seconds:p95_5m' } },
      { title: 'Added, p99', kind: 'stat', unit: 's', queries: { '': 'waystation:added_seconds:p99_5m' } },
      {
        title: 'Dollars an hour',
        kind: 'stat',
        unit: 'currencyUSD',
        queries: { '': 'waystation:spend_usd:rate5m * 3600' },
      },
      {
        title: 'Processes not ready',
        kind: 'stat',
        unit: 'none',
        queries: { '': 'count(waystation_ready == 0) or vector(0)' },
      },
    ],
    Traffic: [
      {
        title: 'Requests by route',
        unit: 'reqps',
        queries: { '{{route}}': `${rate('waystation_ingress_requests_total', '', 'route')} > 0` },
      },
      {
        title: 'Requests by status',
        unit: 'reqps',
        queries: { '{{status}}': rate('waystation_ingress_requests_total', '', 'status') },
      },
      {
        title: 'Time of a request',
        unit: 's',
        queries: quantiles('waystation_ingress_request_seconds', 'route=~".+completions|.+messages|.+responses"'),
      },
      {
        title: 'Output tokens a second by model',
        unit: 'ops',
        queries: { [`{{${MODEL}}}`]: rate('gen_ai_client_token_usage_sum', 'gen_ai_token_type="output"', MODEL) },
      },
      { title: 'Time to first token', unit: 's', queries: quantiles('gen_ai_server_time_to_first_token_seconds') },
      { title: 'Between frames of a stream', unit: 's', queries: quantiles('waystation_ingress_frame_gap_seconds') },
    ],
    'Where the time goes': [
      {
        title: 'Stages of a generation, p95',
        unit: 's',
        queries: { '{{stage}}': quantile(0.95, 'waystation_ingress_stage_seconds', '', 'stage') },
      },
      { title: 'Plan, in the router', unit: 's', queries: quantiles('waystation_router_plan_seconds') },
      {
        title: 'Wait on the bus, p99',
        unit: 's',
        queries: { '{{contract}}': quantile(0.99, 'waystation_bus_queue_seconds', '', 'contract') },
      },
    ],
    Processes: [
      {
        title: 'Open generations and attempts',
        unit: 'short',
        queries: {
          generations: 'sum(waystation_ingress_open_generations)',
          attempts: 'sum(waystation_worker_attempts_in_flight)',
          'listened to for usage': 'sum(waystation_worker_attempts_draining)',
        },
      },
      {
        title: 'Event loop, p99',
        unit: 's',
        queries: { '{{service}} {{instance}}': 'nodejs_eventloop_lag_p99_seconds' },
      },
      {
        title: 'CPU',
        unit: 'none',
        queries: { '{{service}} {{instance}}': 'rate(process_cpu_seconds_total[$__rate_interval])' },
      },
      { title: 'Memory', unit: 'bytes', queries: { '{{service}} {{instance}}': 'process_resident_memory_bytes' } },
      {
        title: 'Bytes',
        unit: 'Bps',
        queries: {
          'from providers': rate('waystation_worker_upstream_bytes_total'),
          'to callers': rate('waystation_worker_relayed_bytes_total'),
          'to clients': rate('waystation_ingress_output_bytes_total'),
        },
      },
      { title: 'Processes', kind: 'table', unit: 'none', queries: { '': 'waystation_process_info' } },
    ],
  },
};

const OF_PROVIDER = `${PROVIDER}=~"$provider"`;
const provider: Dashboard = {
  uid: 'waystation-provider',
  title: 'Waystation: provider',
  variables: [{ name: 'provider', label: 'Provider', metric: `${CLIENT}_count`, values: PROVIDER }],
  rows: {
    Attempts: [
      {
        title: 'Attempts by model',
        unit: 'reqps',
        queries: { [`{{${MODEL}}}`]: rate(`${CLIENT}_count`, OF_PROVIDER, MODEL) },
      },
      {
        title: 'Errors by code',
        unit: 'reqps',
        queries: { '{{error_type}}': rate(`${CLIENT}_count`, `${OF_PROVIDER},error_type!=""`, 'error_type') },
      },
      {
        title: 'Share of errors',
        unit: 'percentunit',
        queries: { [`{{${PROVIDER}}}`]: `waystation:provider_errors:ratio5m{${OF_PROVIDER}}` },
      },
      { title: 'Time of an attempt', unit: 's', queries: quantiles(CLIENT, OF_PROVIDER) },
      {
        title: 'Time to first chunk',
        unit: 's',
        queries: quantiles('gen_ai_client_operation_time_to_first_chunk_seconds', OF_PROVIDER),
      },
      {
        title: 'Tokens a second of a stream, median',
        unit: 'ops',
        queries: {
          [`{{${MODEL}}}`]: `1 / ${quantile(0.5, 'gen_ai_server_time_per_output_token_seconds', OF_PROVIDER, MODEL)}`,
        },
      },
      {
        title: 'Tokens',
        unit: 'ops',
        queries: { '{{gen_ai_token_type}}': rate('gen_ai_client_token_usage_sum', OF_PROVIDER, 'gen_ai_token_type') },
      },
      {
        title: 'Dollars an hour by model',
        unit: 'currencyUSD',
        queries: { [`{{${MODEL}}}`]: `${rate('waystation_spend_usd_total', OF_PROVIDER, MODEL)} * 3600` },
      },
      {
        title: 'By whose key',
        unit: 'reqps',
        queries: { '{{key_class}}': rate(`${SERVER}_count`, OF_PROVIDER, 'key_class') },
      },
    ],
    Endpoints: [
      {
        title: 'How routers judge them',
        kind: 'table',
        unit: 'none',
        width: 12,
        queries: { '': `max by (${PROVIDER}, ${MODEL}, endpoint, state) (waystation_endpoint_state{${OF_PROVIDER}})` },
      },
      {
        title: 'Success in five minutes',
        unit: 'percentunit',
        width: 12,
        queries: {
          [`{{${MODEL}}}`]: `min by (${MODEL}, endpoint) (waystation_endpoint_success_ratio{${OF_PROVIDER}})`,
        },
      },
    ],
  },
};

const OF_WORKSPACE = 'workspace=~"$workspace"';
const workspace: Dashboard = {
  uid: 'waystation-workspace',
  title: 'Waystation: workspace',
  variables: [
    { name: 'workspace', label: 'Workspace', metric: 'waystation_workspace_requests_total', values: 'workspace' },
  ],
  rows: {
    Use: [
      {
        title: 'Generations',
        unit: 'reqps',
        queries: { '{{workspace}}': rate('waystation_workspace_requests_total', OF_WORKSPACE, 'workspace') },
      },
      {
        title: 'Share that failed, whoever was at fault',
        unit: 'percentunit',
        queries: {
          '{{workspace}}': share(
            rate('waystation_workspace_requests_total', `${OF_WORKSPACE},result="error"`, 'workspace'),
            rate('waystation_workspace_requests_total', OF_WORKSPACE, 'workspace'),
          ),
        },
      },
      {
        title: 'Tokens a second',
        unit: 'ops',
        queries: {
          '{{workspace}} {{gen_ai_token_type}}': rate(
            'waystation_workspace_tokens_total',
            OF_WORKSPACE,
            'workspace, gen_ai_token_type',
          ),
        },
      },
      {
        title: 'Dollars an hour',
        unit: 'currencyUSD',
        queries: {
          '{{workspace}}': `${rate('waystation_workspace_spend_usd_total', OF_WORKSPACE, 'workspace')} * 3600`,
        },
      },
      {
        title: 'Dollars in the time shown',
        kind: 'stat',
        width: 8,
        unit: 'currencyUSD',
        queries: {
          '{{workspace}}': `sum by (workspace) (increase(waystation_workspace_spend_usd_total{${OF_WORKSPACE}}[$__range]))`,
        },
      },
      {
        title: 'The ten that spend most',
        kind: 'table',
        unit: 'currencyUSD',
        queries: { '': 'topk(10, sum by (workspace) (increase(waystation_workspace_spend_usd_total[$__range])))' },
      },
    ],
  },
};

const money: Dashboard = {
  uid: 'waystation-money',
  title: 'Waystation: money',
  rows: {
    Spending: [
      {
        title: 'Dollars an hour by provider',
        unit: 'currencyUSD',
        queries: { [`{{${PROVIDER}}}`]: `${rate('waystation_spend_usd_total', '', PROVIDER)} * 3600` },
      },
      {
        title: 'Dollars an hour by model',
        unit: 'currencyUSD',
        queries: { [`{{${MODEL}}}`]: `topk(12, ${rate('waystation_spend_usd_total', '', MODEL)} * 3600)` },
      },
      {
        title: 'Dollars an hour, now and a day ago',
        unit: 'currencyUSD',
        queries: {
          now: 'waystation:spend_usd:rate1h * 3600',
          'a day ago': 'waystation:spend_usd:rate1h offset 1d * 3600',
        },
      },
    ],
    Books: [
      {
        title: 'Attempts settled',
        unit: 'ops',
        queries: {
          settled: rate('waystation_billing_settled_attempts_total'),
          corrected: rate('waystation_billing_corrections_total'),
          'settled late': rate('waystation_billing_settled_late_total'),
        },
      },
      { title: 'Facts pending', unit: 'short', queries: { pending: 'max(waystation_billing_facts_pending)' } },
      { title: 'Lag of settlement', unit: 's', queries: { lag: 'max(waystation_billing_settle_lag_seconds)' } },
      { title: 'Time to commit', unit: 's', queries: quantiles('waystation_billing_settle_seconds') },
      { title: 'Lines of a batch', unit: 'short', queries: quantiles('waystation_billing_settle_batch_lines') },
      {
        title: 'What should be nothing',
        unit: 'short',
        queries: {
          'dead letters': 'sum(increase(waystation_billing_dead_letters_total[1h]))',
          '{{kind}}': 'sum by (kind) (increase(waystation_billing_witness_disagreements_total[1h]))',
          'batches tried again': 'sum(increase(waystation_billing_settle_retries_total[1h]))',
        },
      },
    ],
    Credit: [
      {
        title: 'Leases',
        unit: 'ops',
        queries: {
          granted: rate('waystation_billing_lease_grants_total'),
          'swept up': rate('waystation_billing_leases_swept_total'),
        },
      },
      {
        title: 'Refusals by code',
        unit: 'ops',
        queries: {
          '{{code}}': rate('waystation_billing_lease_refusals_total', '', 'code'),
          'as ingresses saw them': rate('waystation_ingress_lease_refusals_total'),
        },
      },
      { title: 'Holds that are open', unit: 'short', queries: { holds: 'sum(waystation_ingress_open_holds)' } },
      {
        title: 'Automatic top-ups',
        unit: 'short',
        queries: { ordered: 'sum(increase(waystation_billing_auto_topups_total[1h]))' },
      },
      {
        title: 'Connections of Postgres',
        unit: 'short',
        queries: { '{{datname}}': 'pg_stat_database_numbackends', most: 'max(pg_settings_max_connections)' },
      },
      { title: 'Size of the database', unit: 'bytes', queries: { '{{datname}}': 'pg_database_size_bytes' } },
    ],
  },
};

const bus: Dashboard = {
  uid: 'waystation-bus',
  title: 'Waystation: bus',
  rows: {
    Ours: [
      { title: 'Connected', unit: 'none', queries: { '{{service}} {{instance}}': 'waystation_bus_connected' } },
      {
        title: 'Journal that waits for an ack',
        unit: 'bytes',
        queries: { '{{journal}} {{service}}': 'sum by (journal, service) (waystation_journal_unacked_bytes)' },
      },
      {
        title: 'Wait on the bus, p99',
        unit: 's',
        queries: { '{{contract}}': quantile(0.99, 'waystation_bus_queue_seconds', '', 'contract') },
      },
      {
        title: 'Facts and trail pending',
        unit: 'short',
        queries: { facts: 'max(waystation_billing_facts_pending)', trail: 'max(waystation_logging_trail_pending)' },
      },
      {
        title: 'Lag',
        unit: 's',
        queries: {
          facts: 'max(waystation_billing_settle_lag_seconds)',
          trail: 'max(waystation_logging_trail_lag_seconds)',
        },
      },
      {
        title: 'Lines of the trail',
        unit: 'ops',
        queries: {
          stored: rate('waystation_logging_trail_lines_total'),
          'dead letters': rate('waystation_logging_trail_dead_letters_total'),
          'batches tried again': rate('waystation_logging_trail_retries_total'),
        },
      },
      { title: 'Time to store the trail', unit: 's', queries: quantiles('waystation_logging_trail_store_seconds') },
      {
        title: 'Catalog of routers, silent for',
        unit: 's',
        queries: { '{{instance}}': 'waystation_router_catalog_silent_seconds' },
      },
      {
        title: 'Revision of the catalog',
        unit: 'none',
        queries: { '{{instance}}': 'waystation_router_catalog_revision' },
      },
    ],
    NATS: [
      { title: 'Connections', unit: 'short', queries: { '{{server_id}}': 'gnatsd_varz_connections' } },
      {
        title: 'Bytes',
        unit: 'Bps',
        queries: {
          in: 'sum(rate(gnatsd_varz_in_bytes[$__rate_interval]))',
          out: 'sum(rate(gnatsd_varz_out_bytes[$__rate_interval]))',
        },
      },
      { title: 'Slow consumers', unit: 'short', queries: { '{{server_id}}': 'gnatsd_varz_slow_consumers' } },
      {
        title: 'Bytes of streams',
        unit: 'bytes',
        queries: { '{{stream_name}}': 'max by (stream_name) (jetstream_stream_total_bytes)' },
      },
      {
        title: 'Messages of streams',
        unit: 'short',
        queries: { '{{stream_name}}': 'max by (stream_name) (jetstream_stream_total_messages)' },
      },
      {
        title: 'Consumers',
        unit: 'short',
        queries: {
          '{{consumer_name}} pending': 'max by (consumer_name) (jetstream_consumer_num_pending)',
          '{{consumer_name}} unacked': 'max by (consumer_name) (jetstream_consumer_num_ack_pending)',
          '{{consumer_name}} again': 'max by (consumer_name) (jetstream_consumer_num_redelivered)',
        },
      },
      {
        title: 'Storage used',
        unit: 'percentunit',
        queries: { '{{server_name}}': share('jetstream_server_total_message_bytes', 'jetstream_server_max_storage') },
      },
    ],
  },
};

const slo: Dashboard = {
  uid: 'waystation-slo',
  title: 'Waystation: SLO',
  rows: {
    'Objective: 99.9 % of generations without a fault of ours or of a provider, over 30 days': [
      {
        title: 'Of three days',
        kind: 'stat',
        unit: 'percentunit',
        width: 6,
        queries: { '': '1 - waystation:generation_faults:ratio3d' },
      },
      {
        title: 'Of six hours',
        kind: 'stat',
        unit: 'percentunit',
        width: 6,
        queries: { '': '1 - waystation:generation_faults:ratio6h' },
      },
      {
        title: 'Budget burns, of an hour (1 is just in time)',
        kind: 'stat',
        unit: 'none',
        width: 6,
        queries: { '': 'waystation:generation_faults:ratio1h / 0.001' },
      },
      {
        title: 'Budget burns, of half an hour',
        kind: 'stat',
        unit: 'none',
        width: 6,
        queries: { '': 'waystation:generation_faults:ratio30m / 0.001' },
      },
      {
        title: 'Share of faults',
        unit: 'percentunit',
        queries: {
          '5 m': 'waystation:generation_faults:ratio5m',
          '1 h': 'waystation:generation_faults:ratio1h',
          '6 h': 'waystation:generation_faults:ratio6h',
        },
      },
      {
        title: 'Faults by code',
        unit: 'reqps',
        queries: { '{{error_type}}': rate(`${SERVER}_count`, 'error_type!=""', 'error_type') },
      },
      {
        title: 'Outcomes of tries',
        unit: 'reqps',
        queries: { '{{outcome}}': rate('waystation_ingress_attempts_total', '', 'outcome') },
      },
      {
        title: 'Fallbacks and retries',
        unit: 'reqps',
        queries: {
          fallbacks: rate('waystation_ingress_fallbacks_total'),
          retries: rate('waystation_ingress_retries_total'),
          'not tried': rate('waystation_ingress_retries_refused_total'),
        },
      },
      {
        title: 'What the station adds, p99',
        unit: 's',
        queries: { 'plan and hold': 'waystation:added_seconds:p99_5m' },
      },
      {
        title: 'Workers',
        unit: 'reqps',
        queries: {
          '{{outcome}}': rate('waystation_worker_attempts_total', '', 'outcome'),
          busy: rate('waystation_worker_busy_total'),
        },
      },
      {
        title: 'Plans',
        unit: 'reqps',
        queries: { '{{outcome}}': rate('waystation_router_plans_total', '', 'outcome') },
      },
      {
        title: 'Hedges and conversations',
        unit: 'reqps',
        queries: {
          'quicker: {{quicker}}': rate('waystation_ingress_hedges_total', '', 'quicker'),
          'not asked': rate('waystation_ingress_hedges_refused_total'),
          'told {{write}}': rate('waystation_ingress_affinity_writes_total', '', 'write'),
        },
      },
      {
        title: 'Answers that were kept',
        unit: 'reqps',
        queries: { '{{result}}': rate('waystation_ingress_kept_answers_total', '', 'result') },
      },
    ],
  },
};

export const DASHBOARDS: Readonly<Record<string, Dashboard>> = { overview, provider, workspace, money, bus, slo };
