import { createMetrics, type Metrics } from './metrics.js';

const scraped = async (metrics: Metrics, name: string): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(name));

describe('metrics', () => {
  test('a counter is a cell in memory, and cells of one name are its labels', async () => {
    const metrics = createMetrics();
    const ok = metrics.counter('way_calls_total', 'Calls.', { outcome: 'ok' });
    const failed = metrics.counter('way_calls_total', 'Calls.', { outcome: 'failed' });
    ok.value += 2;
    expect(await scraped(metrics, 'way_calls_total{')).toEqual([
      'way_calls_total{outcome="ok"} 2',
      'way_calls_total{outcome="failed"} 0',
    ]);
    ok.value += 1;
    failed.value += 1;
    expect(await scraped(metrics, 'way_calls_total{')).toEqual([
      'way_calls_total{outcome="ok"} 3',
      'way_calls_total{outcome="failed"} 1',
    ]);
  });

  test('scraping twice does not count twice', async () => {
    const metrics = createMetrics();
    metrics.counter('way_once_total', 'Once.').value += 1;
    await scraped(metrics, 'way_once_total');
    expect(await scraped(metrics, 'way_once_total')).toEqual(['way_once_total 1']);
  });

  test('a gauge is read when it is scraped, and not before', async () => {
    const metrics = createMetrics();
    let level = 1;
    metrics.gauge('way_level', 'Level.', () => level, { side: 'left' });
    metrics.gauge('way_level', 'Level.', () => -level, { side: 'right' });
    level = 7;
    expect(await scraped(metrics, 'way_level{')).toEqual(['way_level{side="left"} 7', 'way_level{side="right"} -7']);
  });

  test('a histogram counts into its bounds, shared by all who name it', async () => {
    const metrics = createMetrics();
    metrics.histogram('way_wait_ms', 'Wait.', [1, 10]).observe(5);
    metrics.histogram('way_wait_ms', 'Wait.', [1, 10]).observe(50);
    expect(await scraped(metrics, 'way_wait_ms_bucket')).toEqual([
      'way_wait_ms_bucket{le="1"} 0',
      'way_wait_ms_bucket{le="10"} 1',
      'way_wait_ms_bucket{le="+Inf"} 2',
    ]);
  });

  test('a histogram tells sum and count, and keeps its labels apart', async () => {
    const metrics = createMetrics();
    metrics.registry.setDefaultLabels({ service: 'x' });
    const left = metrics.histogram('way_size', 'Size.', [1, 2, 4], { side: 'left' });
    metrics.histogram('way_size', 'Size.', [1, 2, 4], { side: 'right' }).observe(9);
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
});
