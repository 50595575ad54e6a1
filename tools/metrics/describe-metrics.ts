// docs/metrics.md out of the table of metrics: what it is called, what it says, in which unit, with which labels.
import { METRIC_TABLE, type MetricApp, type MetricRow } from '../../libs/runtime/src/metrics/metric-table.ts';

/** By the end of the name, as Prometheus wants it. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_seconds$/, 'seconds'],
  [/_bytes(_total)?$/, 'bytes'],
  [/_usd_total$/, 'US dollars'],
  [/_ratio$/, '0 to 1'],
  [/_tokens_total$|_token_usage$/, 'tokens'],
  [/_lines(_total)?$/, 'lines'],
];

const unitOf = (name: string): string => UNITS.find(([end]) => end.test(name))?.[1] ?? 'count';

const escape = (text: string): string => text.replaceAll('|', String.raw`\|`);

const labelsOf = ({ labels = [], open = [] }: MetricRow): string =>
  labels.map((label) => `\`${label}\`${open.includes(label) ? '†' : ''}`).join(', ') || '–';

const lineOf = ([name, row]: [string, MetricRow]): string =>
  `| \`${name}\` | ${row.type} | ${labelsOf(row)} | ${unitOf(name)} | ${escape(row.help)}${row.most === undefined ? '' : ` At most ${row.most} series.`} |`;

const APPS: readonly MetricApp[] = [
  'every process',
  'ingress',
  'router',
  'worker',
  'billing',
  'logging',
  'control',
  'sandbox',
];

const HEAD = `# Metrics

Every process serves its metrics at \`/metrics\` of its internal port, as Prometheus' text, or as OpenMetrics with exemplars (\`trace_id\`) for who asks for it.
This page is written from the table in [libs/runtime/src/metrics/metric-table.ts](../libs/runtime/src/metrics/metric-table.ts) by \`node tools/metrics/main.ts\`; a metric that is not there cannot be counted,
and a test on the running system ([e2e/observe.e2e.ts](../e2e/observe.e2e.ts)) scrapes each of them. How to use them: [guides/observe.md](guides/observe.md); why they are called so: [ADR 30](adr/0030-metrics-and-traces.md).

Every line has the label \`service\`, the name of the process' kind (in the fused shape \`data-plane\` or \`back-office\`). Labels with a dagger hold data of the site; beyond the number of series
given, for each process, what comes later is counted as \`other\`. An empty label is no label, as ever in Prometheus. Histograms have \`_bucket\`, \`_sum\` and \`_count\`.

Beside these there are prom-client's own: \`process_cpu_seconds_total\`, \`process_resident_memory_bytes\`, \`process_open_fds\`, \`nodejs_heap_size_used_bytes\`, \`nodejs_eventloop_lag_p99_seconds\`, \`nodejs_gc_duration_seconds\` and
others of the two families.
`;

/** Before it is formatted. */
export const describeMetrics = (): string => {
  const rows = Object.entries<MetricRow>(METRIC_TABLE);
  const sections = APPS.map((app) => {
    const lines = rows.filter(([, row]) => row.app === app).map(lineOf);
    return [
      `## ${app[0]?.toUpperCase()}${app.slice(1)}`,
      '',
      '| name | type | labels | unit | what it says |',
      '|---|---|---|---|---|',
      ...lines,
    ].join('\n');
  });
  return [HEAD, ...sections].join('\n\n');
};
