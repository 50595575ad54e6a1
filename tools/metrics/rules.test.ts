// Dashboards, alerts and recording rules name only what there is; every alert has its runbook and its test.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ERRORS } from '@waystation/contracts';
import { parse } from 'yaml';
import { METRIC_TABLE, type MetricRow } from '../../libs/runtime/src/metrics/metric-table.ts';
import { DASHBOARDS } from './dashboards/dashboards.ts';
import { namesInQuery } from './names-in-query.ts';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: { readonly severity: string };
  readonly annotations?: { readonly summary: string; readonly runbook: string };
}
interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

const read = (file: string): string => readFileSync(path.resolve(file), 'utf8');
const rulesOf = (file: string): readonly Rule[] =>
  (parse(read(`deploy/prometheus/rules/${file}`)) as RuleFile).groups.flatMap(({ rules }) => rules);
const recorded = rulesOf('recording.yml');
const alerts = rulesOf('alerts.yml');

/** prom-client's own: https://github.com/siimon/prom-client#default-metrics */
const DEFAULTS = [
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_gc_duration_seconds',
];
/** Prometheus' own. */
const OWN = ['up'];
/** https://github.com/nats-io/prometheus-nats-exporter, run with `-varz -jsz=all`. */
const NATS = [
  'gnatsd_varz_connections',
  'gnatsd_varz_in_bytes',
  'gnatsd_varz_out_bytes',
  'gnatsd_varz_slow_consumers',
  'jetstream_server_total_message_bytes',
  'jetstream_server_max_storage',
  'jetstream_stream_total_bytes',
  'jetstream_stream_total_messages',
  'jetstream_consumer_num_pending',
  'jetstream_consumer_num_ack_pending',
  'jetstream_consumer_num_redelivered',
];
/** https://github.com/prometheus-community/postgres_exporter */
const POSTGRES = ['pg_up', 'pg_stat_database_numbackends', 'pg_settings_max_connections', 'pg_database_size_bytes'];
const ELSEWHERE = new Set([...DEFAULTS, ...OWN, ...NATS, ...POSTGRES, ...recorded.map(({ record }) => record ?? '')]);
const TARGET_LABELS = ['service', 'instance', 'job', 'le'];

const rowOf = (name: string): MetricRow | undefined => {
  const table: Readonly<Record<string, MetricRow>> = METRIC_TABLE;
  const series = /^(.*)_(?:bucket|sum|count)$/.exec(name)?.[1];
  const row = table[name] ?? table[series ?? ''];
  // A histogram has no series of its own name, and nothing else has those of one.
  return row !== undefined && (row.type === 'histogram') === (series !== undefined && !(name in table))
    ? row
    : undefined;
};

const faultsOf = (query: string): string[] => {
  const { metrics, labels } = namesInQuery(query);
  const unknown = metrics.filter((name) => rowOf(name) === undefined && !ELSEWHERE.has(name));
  const rows = metrics.flatMap((name) => rowOf(name) ?? []);
  const known = new Set([...TARGET_LABELS, ...rows.flatMap((row) => row.labels ?? [])]);
  // Of exporters and recorded series only the names are known.
  const strange = rows.length === metrics.length ? labels.filter((label) => !known.has(label)) : [];
  return [...unknown.map((name) => `no metric ${name}`), ...strange.map((label) => `no label ${label}`)];
};

test('what a query names is found', () => {
  expect(
    namesInQuery(
      'histogram_quantile(0.9, sum by (le, a) (rate(x_seconds_bucket{b=~"y{2}",c!=""}[5m]))) > 2e3 and z:y:rate5m offset 1d',
    ),
  ).toEqual({ metrics: ['x_seconds_bucket', 'z:y:rate5m'], labels: ['le', 'a', 'b', 'c'] });
  expect(faultsOf('sum(rate(waystation_ingress_request_seconds[5m]))')).toEqual([
    'no metric waystation_ingress_request_seconds',
  ]);
  expect(faultsOf('rate(waystation_ingress_requests_total{rout="x"}[5m])')).toEqual(['no label rout']);
});

test.each([...recorded, ...alerts].map((rule) => [rule.record ?? rule.alert ?? '', rule.expr]))(
  'the rule %s names what there is',
  (_name, expr) => expect(faultsOf(expr)).toEqual([]),
);

test.each(
  Object.entries(DASHBOARDS).flatMap(([name, { rows }]) =>
    Object.values(rows)
      .flat()
      .flatMap(({ title, queries }) => Object.values(queries).map((query) => [name, title, query] as const)),
  ),
)('the dashboard %s names what there is in %s', (_name, _title, query) => expect(faultsOf(query)).toEqual([]));

test('dashboards choose among values of labels that there are', () => {
  for (const { variables = [] } of Object.values(DASHBOARDS))
    for (const { metric, values } of variables) expect(rowOf(metric)?.labels).toContain(values);
});

test('the faults that count against the objective are those that no client can help', () => {
  const counted = Object.entries(ERRORS).filter(([, { fault }]) => fault !== 'client');
  const [first] = recorded;
  expect(/error_type=~"([^"]+)"/.exec(first?.expr ?? '')?.[1]?.split('|')).toEqual(
    counted.map(([code]) => code).sort(),
  );
});

test.each(alerts.map((rule) => [rule.alert ?? '', rule] as const))(
  '%s has a severity, a runbook that says so, and a test',
  (name, { labels, annotations, expr }) => {
    const runbook = annotations?.runbook ?? '';
    expect(existsSync(runbook)).toBe(true);
    const text = read(runbook);
    expect(text).toContain(`# ${name}\n`);
    expect(text).toContain(`Severity: ${labels?.severity ?? ''}.`);
    expect(text).toContain(`\`${expr}\``);
    for (const part of ['## What it means', '## First look', '## How to mend']) expect(text).toContain(part);
    expect(read('docs/runbooks/README.md')).toContain(`[${name}](${path.basename(runbook)})`);
    expect(read('deploy/prometheus/tests/alerts.yml')).toContain(`alertname: ${name}\n`);
  },
);

test('every runbook belongs to an alert', () => {
  const named = new Set(alerts.map(({ annotations }) => path.basename(annotations?.runbook ?? '')));
  expect(readdirSync('docs/runbooks').filter((file) => file !== 'README.md' && !named.has(file))).toEqual([]);
});

const promtool = (...args: string[]): string | undefined => {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
};

test('promtool takes the rules, and each alert fires on its series and says so', () => {
  if (promtool('--version') === undefined) {
    console.warn('promtool is not installed: the unit tests of the alerts were not run');
    return;
  }
  expect(
    promtool('check', 'rules', 'deploy/prometheus/rules/recording.yml', 'deploy/prometheus/rules/alerts.yml'),
  ).toContain('SUCCESS');
  expect(promtool('test', 'rules', 'deploy/prometheus/tests/alerts.yml')).toContain('SUCCESS');
});
