import http from 'node:http';
import { once } from 'node:events';
import { createHealth } from './health.js';
import { startInternalHttp, type InternalHttp } from './internal-http.js';
import { createMetrics } from './metrics/metrics.js';

const ask = async (
  port: number,
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<{ status: number | undefined; body: string }> => {
  const request = http.request({ host: '127.0.0.1', port, path, method, headers }).end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
};

describe('the internal port', () => {
  const health = createHealth();
  const metrics = createMetrics();
  let nats = true;
  let internal: InternalHttp;

  beforeAll(async () => {
    health.check('bus', () => (nats ? { ok: true, detail: 'connected' } : { ok: false, detail: 'reconnecting' }));
    metrics.setDefaultLabels({ service: 'test', instance: 'test-1' });
    internal = await startInternalHttp({ host: '127.0.0.1', port: 0 }, health, metrics, {
      service: 'test',
      release: 'r1',
    });
  });
  afterAll(() => internal.close());

  test('readiness follows the checks and says which one is red and why, while liveness stays green', async () => {
    expect(await ask(internal.port, '/readyz')).toEqual({
      status: 200,
      body: '{"ready":true,"checks":{"bus":{"ok":true}}}\n',
    });
    nats = false;
    expect(await ask(internal.port, '/readyz')).toEqual({
      status: 503,
      body: '{"ready":false,"checks":{"bus":{"ok":false,"detail":"reconnecting"}}}\n',
    });
    expect((await ask(internal.port, '/healthz')).status).toBe(200);
  });

  test('people are shown conditions and what apps have to show, as a page or as JSON, with nothing in it that would run', async () => {
    health.show('endpoints', () => [{ endpoint: '<script>x</script>', state: 'resting' }]);
    health.show('nothing', () => []);
    const { status, body } = await ask(internal.port, '/status');
    expect(status).toBe(200);
    expect(body).toContain('<h1>test: not ready</h1>');
    expect(body).toContain('<td>bus</td><td>false</td><td>reconnecting</td>');
    expect(body).toContain('<td>&lt;script&gt;x&lt;/script&gt;</td><td>resting</td>');
    expect(body).toContain('<h2>nothing</h2><p>none</p>');
    const json = await ask(internal.port, '/status', 'GET', { accept: 'application/json' });
    expect(JSON.parse(json.body)).toMatchObject({
      service: 'test',
      release: 'r1',
      ready: false,
      conditions: [{ condition: 'bus', ok: false, why: 'reconnecting' }],
      shown: { endpoints: [{ state: 'resting' }], nothing: [] },
    });
  });

  test('a probe that throws makes readiness red and nothing else', async () => {
    const broken = createHealth();
    broken.check('odd', () => {
      throw new Error('no');
    });
    expect(broken.report()).toEqual({
      ready: false,
      checks: { odd: { ok: false, detail: 'the probe itself failed' } },
    });
  });

  test('metrics carry service and instance, our cells, and the health of the event loop', async () => {
    metrics.counter('waystation_router_plans_total', { outcome: 'planned' }).value += 3;
    const { status, body } = await ask(internal.port, '/metrics');
    expect(status).toBe(200);
    expect(body).toContain('waystation_router_plans_total{outcome="planned",service="test",instance="test-1"} 3');
    expect(body).toMatch(/nodejs_eventloop_lag_p99_seconds\{service="test"/);
    expect(body).toMatch(/process_cpu_seconds_total\{service="test"/);
  });

  test('who asks for OpenMetrics gets them, with the traces that explain a bucket', async () => {
    const cell = metrics.histogram('waystation_router_plan_seconds');
    cell.observe(0.002);
    cell.observe(0.004, 'f'.repeat(32));
    const accept = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3';
    const { body } = await ask(internal.port, '/metrics', 'GET', { accept });
    expect(body).toContain('# TYPE waystation_router_plans counter');
    expect(body).toMatch(/^waystation_router_plans_total\{outcome="planned",.*\} 3$/m);
    expect(body).toMatch(
      /^waystation_router_plan_seconds_bucket\{le="0.005",.*\} 2 # \{trace_id="f{32}"\} 0.004 [\d.]+$/m,
    );
    expect(body).toMatch(/^process_cpu_seconds_total\{/m);
    expect(body.endsWith('# EOF\n')).toBe(true);
    expect((await ask(internal.port, '/metrics')).body).not.toContain('trace_id');
  });

  test.each([
    ['GET', '/', 404],
    ['GET', '/metrics/../x', 404],
    ['POST', '/readyz', 405],
    ['GET', '/readyz?verbose', 503],
    ['GET', '/constructor', 404],
  ])('%s %s is answered with %i', async (method, path, status) => {
    expect((await ask(internal.port, path, method)).status).toBe(status);
  });
});
