import { createMetricsOf, createMetrics } from './metrics.js';
import { METRIC_TABLE, type MetricRow, type MetricTable } from './metric-table.js';

const TABLE = {
  way_calls_total: { type: 'counter', app: 'ingress', help: 'Calls.', labels: ['outcome'] },
  way_once_total: { type: 'counter', app: 'ingress', help: 'Once.' },
  way_usd_total: { type: 'counter', app: 'ingress', help: 'Money.', labels: ['model'], open: ['model'], most: 2 },
  way_level: { type: 'gauge', app: 'ingress', help: 'Level.', labels: ['side'] },
  way_seen: { type: 'gauge', app: 'ingress', help: 'Seen.', labels: ['id', 'state'], open: ['id'], most: 2 },
  way_wait_ms: { type: 'histogram', app: 'ingress', help: 'Wait.', bounds: [1, 10] },
  way_size: { type: 'histogram', app: 'ingress', help: 'Size.', labels: ['side'], bounds: [1, 2, 4] },
  way_by_model: {
    type: 'counter',
    app: 'ingress',
    help: 'By model.',
    labels: ['provider', 'model', 'result'],
    open: ['provider', 'model'],
    most: 3,
  },
} as const satisfies MetricTable;

const newMetrics = () => createMetricsOf(TABLE);
type TestMetrics = ReturnType<typeof newMetrics>;

const scraped = async (metrics: Pick<TestMetrics, 'registry'>, name: string): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(name));

describe('metrics', () => {
  test('a counter is a cell in memory, and cells of one name are its labels', async () => {
    const metrics = newMetrics();
    const ok = metrics.counter('way_calls_total', { outcome: 'ok' });
    const failed = metrics.counter('way_calls_total', { outcome: 'failed' });
    ok.value += 2;
    expect(await scraped(metrics, 'way_calls_total{')).toEqual([
      'way_calls_total{outcome="ok"} 2',
      'way_calls_total{outcome="failed"} 0',
    ]);
    ok.value += 1;
    failed.value += 1;
    expect(metrics.counter('way_calls_total', { outcome: 'ok' })).toBe(ok);
    expect(await scraped(metrics, 'way_calls_total{')).toEqual([
      'way_calls_total{outcome="ok"} 3',
      'way_calls_total{outcome="failed"} 1',
    ]);
  });

  test('scraping twice does not count twice', async () => {
    const metrics = newMetrics();
    metrics.counter('way_once_total').value += 1;
    await scraped(metrics, 'way_once_total');
    expect(await scraped(metrics, 'way_once_total')).toEqual(['way_once_total 1']);
  });

  test('a gauge is read when it is scraped, and not before', async () => {
    const metrics = newMetrics();
    let level = 1;
    metrics.gauge('way_level', () => level, { side: 'left' });
    metrics.gauge('way_level', () => -level, { side: 'right' });
    level = 7;
    expect(await scraped(metrics, 'way_level{')).toEqual(['way_level{side="left"} 7', 'way_level{side="right"} -7']);
  });

  test('gauges whose labels nobody knows beforehand are read when scraped, and no more of them than the table says', async () => {
    const metrics = newMetrics();
    metrics.gaugesBy('way_seen', () => ['a', 'b', 'c'].map((id, index) => [id, 'out', index] as const));
    expect(await scraped(metrics, 'way_seen{')).toEqual([
      'way_seen{id="a",state="out"} 0',
      'way_seen{id="b",state="out"} 1',
    ]);
  });

  test('a histogram counts into its bounds, shared by all who name it', async () => {
    const metrics = newMetrics();
    metrics.histogram('way_wait_ms').observe(5);
    metrics.histogram('way_wait_ms').observe(50);
    expect(await scraped(metrics, 'way_wait_ms_bucket')).toEqual([
      'way_wait_ms_bucket{le="1"} 0',
      'way_wait_ms_bucket{le="10"} 1',
      'way_wait_ms_bucket{le="+Inf"} 2',
    ]);
  });

  test('a histogram tells sum and count, and keeps its labels apart', async () => {
    const metrics = newMetrics();
    metrics.setDefaultLabels({ service: 'x' });
    const left = metrics.histogram('way_size', { side: 'left' });
    metrics.histogram('way_size', { side: 'right' }).observe(9);
    for (const value of [0, 1, 1.5, 4]) left.observe(value);
    expect((await scraped(metrics, 'way_size')).filter((line) => line.includes('left'))).toEqual([
      'way_size_bucket{le="1",side="left",service="x"} 2',
      'way_size_bucket{le="2",side="left",service="x"} 3',
      'way_size_bucket{le="4",side="left",service="x"} 4',
      'way_size_bucket{le="+Inf",side="left",service="x"} 4',
      'way_size_sum{side="left",service="x"} 6.5',
      'way_size_count{side="left",service="x"} 4',
    ]);
  });

  test('money is added up exactly and shown in dollars', async () => {
    const metrics = newMetrics();
    const spend = metrics.usdBy('way_usd_total');
    for (let call = 0; call < 10; call += 1) spend.at('m').picodollars += 100_000_000_000n;
    expect(await scraped(metrics, 'way_usd_total{')).toEqual(['way_usd_total{model="m"} 1']);
  });

  test('what comes when there is no room is counted as other, its closed labels kept; what was there stays itself', async () => {
    const metrics = newMetrics();
    const family = metrics.counterBy('way_by_model');
    for (const model of ['a', 'b', 'c', 'd', 'e']) family.at('p', model, 'ok').value += 1;
    family.at('p', 'f', 'error').value += 1;
    family.at('p', 'a', 'ok').value += 1;
    expect(await scraped(metrics, 'way_by_model{')).toEqual([
      'way_by_model{provider="p",model="a",result="ok"} 2',
      'way_by_model{provider="p",model="b",result="ok"} 1',
      'way_by_model{provider="p",model="c",result="ok"} 1',
      'way_by_model{provider="other",model="other",result="ok"} 2',
      'way_by_model{provider="other",model="other",result="error"} 1',
    ]);
  });
});

describe('the table', () => {
  const rows = Object.entries<MetricRow>(METRIC_TABLE);

  test.each(rows)('%s is named and bounded as Prometheus wants it', (name, row) => {
    expect(name).toMatch(/^(waystation|gen_ai)_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(row.type === 'counter');
    expect(row.bounds !== undefined).toBe(row.type === 'histogram');
    expect(row.bounds ?? []).toEqual([...(row.bounds ?? [])].sort((a, b) => a - b));
    expect(row.most !== undefined).toBe(row.open !== undefined);
    for (const label of row.open ?? []) expect(row.labels).toContain(label);
  });

  test('a line becomes a metric of the same name, help and labels', async () => {
    const metrics = createMetrics();
    metrics.histogramBy('gen_ai_client_token_usage').at('chat', 'lab', 'm', 'input').observe(5);
    const text = await metrics.registry.metrics();
    expect(text).toContain(`# HELP gen_ai_client_token_usage ${METRIC_TABLE.gen_ai_client_token_usage.help}`);
    expect(text).toContain(
      'gen_ai_client_token_usage_bucket{le="16",gen_ai_operation_name="chat",gen_ai_provider_name="lab",gen_ai_request_model="m",gen_ai_token_type="input"} 1',
    );
  });
});
