// What the people who run it can see of the running system: one trace of a generation through every process, and the figures that are promised.
import { otlpCollector, type ExportedSpan, type OtlpCollector } from '@waystation/testing';
import { METRIC_TABLE, type MetricRow } from '@waystation/runtime';
import { shapeOfEnvironment } from './config.ts';
import { ask, complete, say } from './support/ask.ts';
import { services } from './support/metrics.ts';
import { story } from './support/story.ts';
import { useSystem } from './support/use-system.ts';
import { until } from './support/wait.ts';

const CANARY = 'canary-7c02 what nobody else may read';
const TRACED = (traceId: string): Record<string, string> => ({ traceparent: `00-${traceId}-${'1'.repeat(16)}-01` });
/** Of prom-client, and named by dashboards or alerts. */
const PROCESS_METRICS = [
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_gc_duration_seconds',
];
const WITHIN_MS = 20_000;

let collector: OtlpCollector;
const system = useSystem(async () => {
  collector = await otlpCollector();
  // Only what its caller traces is.
  return { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '0' } };
});
afterAll(() => collector.close());

const spansOf = (traceId: string): readonly ExportedSpan[] =>
  collector.spans.filter((each) => each.traceId === traceId);

const named = (spans: readonly ExportedSpan[], name: string): ExportedSpan => {
  const found = spans.filter((span) => span.name === name);
  if (found.length === 0) throw new Error(`no span ${name} among ${spans.map((span) => span.name).join(', ')}`);
  return found[0] as ExportedSpan;
};

const scrape = async (process: string): Promise<string> =>
  (await fetch(`${system().internalUrl(process)}/metrics`)).text();

/** Names as a query would write them: histograms by their series too. */
const namesIn = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? ''));

describe('one generation', () => {
  story(
    'is one trace through ingress, router, worker, billing and logging, with nothing in it that was said',
    system,
    async (random) => {
      const traceId = Array.from({ length: 32 }, () => random.whole(1, 15).toString(16)).join('');
      const { status, headers, text } = await complete(
        system(),
        { ...say(CANARY), stream: false },
        { headers: TRACED(traceId) },
      );
      expect(status).toBe(200);
      const generationId = headers.get('x-generation-id');
      const wanted = ['settle', 'record', 'route.plan', 'generation'];
      const spans = await until('its spans have come', WITHIN_MS, async () => {
        const there = spansOf(traceId);
        return wanted.every((name) => there.some((span) => span.name === name)) ? there : undefined;
      });

      const edge = named(spans, 'POST /api/v1/chat/completions');
      const generation = named(spans, 'generation');
      const attempt = named(spans, `chat ${String(generation.attributes['gen_ai.response.model'])}`);
      const plan = named(spans, 'route.plan');
      expect(edge.parentSpanId).toBe('1'.repeat(16));
      expect(generation.parentSpanId).toBe(edge.spanId);
      expect(plan.parentSpanId).toBe(generation.spanId);
      expect(attempt).toMatchObject({ parentSpanId: generation.spanId, kind: 3 });
      const ids = new Set([generation.spanId, attempt.spanId]);
      for (const name of ['settle', 'record']) expect(ids).toContain(named(spans, name).parentSpanId);
      expect(spans.every(({ status: told }) => told.code !== 2)).toBe(true);

      const split = { generation: 'ingress', plan: 'router', attempt: 'worker', settle: 'billing', record: 'logging' };
      const fused = {
        generation: 'data-plane',
        plan: 'data-plane',
        attempt: 'data-plane',
        settle: 'back-office',
        record: 'back-office',
      };
      expect({
        generation: generation.service,
        plan: plan.service,
        attempt: attempt.service,
        settle: named(spans, 'settle').service,
        record: named(spans, 'record').service,
      }).toEqual(shapeOfEnvironment() === 'split' ? split : fused);

      expect(generation.attributes).toMatchObject({
        'gen_ai.operation.name': 'chat',
        'gen_ai.response.id': generationId,
        'waystation.generation.id': generationId,
        'gen_ai.response.finish_reasons': ['stop'],
      });
      for (const key of [
        'gen_ai.provider.name',
        'gen_ai.request.model',
        'gen_ai.usage.input_tokens',
        'gen_ai.usage.output_tokens',
      ]) {
        expect(generation.attributes).toHaveProperty([key]);
        expect(attempt.attributes).toHaveProperty([key]);
      }
      const said =
        (JSON.parse(text) as { choices: { message: { content: string } }[] }).choices[0]?.message.content ?? '';
      expect(said.length).toBeGreaterThan(0);
      expect(collector.bytes()).not.toContain(CANARY);
      expect(collector.bytes()).not.toContain(said);
      expect(collector.bytes()).not.toContain(system().apiKey);
    },
  );

  story('that nobody traces leaves no span', system, async () => {
    // Of those some spans may still be on their way.
    const before = new Set(collector.spans.map(({ traceId }) => traceId));
    const later = '2'.repeat(32);
    expect((await complete(system(), say('untraced'))).status).toBe(200);
    const { status } = await ask(system(), 'GET', '/api/v1/models', undefined, { headers: TRACED(later) });
    expect(status).toBe(200);
    // What comes later than the other has had its time.
    await until('a later request is told', WITHIN_MS, () => (spansOf(later).length > 0 ? true : undefined));
    const since = collector.spans.map(({ traceId }) => traceId).filter((traceId) => !before.has(traceId));
    expect(since).toEqual([later]);
  });
});

describe('the figures', () => {
  story('that the table promises are there, each with its type, and no others of ours', system, async () => {
    expect((await complete(system(), { ...say('count me'), stream: true })).status).toBe(200);
    const processes = [...services(system()), 'sandbox'];
    const there = (await Promise.all(processes.map(scrape))).join('\n');
    for (const [name, row] of Object.entries<MetricRow>(METRIC_TABLE))
      expect(there).toContain(`# TYPE ${name} ${row.type}\n`);
    for (const name of PROCESS_METRICS) expect(there).toContain(`# TYPE ${name} `);
    const ours = [...namesIn(there)].filter((name) => /^(waystation|gen_ai)_/.test(name));
    expect(ours.filter((name) => !(name in METRIC_TABLE))).toEqual([]);
  });

  story('explain a bucket by a trace, for who asks for OpenMetrics', system, async () => {
    const traceId = '3'.repeat(32);
    expect((await complete(system(), say('explain me'), { headers: TRACED(traceId) })).status).toBe(200);
    const wanted = new RegExp(`gen_ai_server_request_duration_seconds_bucket.*trace_id="${traceId}"`);
    await until('the trace stands at a bucket', WITHIN_MS, async () => {
      const response = await fetch(`${system().internalUrl('ingress')}/metrics`, {
        headers: { accept: 'application/openmetrics-text; version=1.0.0' },
      });
      return wanted.test(await response.text()) ? true : undefined;
    });
  });
});

describe('the page of status', () => {
  story('says of every process whether it is ready, and at the ingress who else was heard', system, async () => {
    for (const name of services(system())) {
      const page = await fetch(`${system().internalUrl(name)}/status`);
      expect(page.headers.get('content-type')).toContain('text/html');
      const text = await page.text();
      expect(text).toContain(': ready</h1>');
      expect(text).not.toContain(system().apiKey);
    }
    const status = (await (
      await fetch(`${system().internalUrl('ingress')}/status`, { headers: { accept: 'application/json' } })
    ).json()) as { shown: { processes: { apps: string }[]; bus: { state: string }[] } };
    const apps = status.shown.processes.flatMap((process) => process.apps.split(' '));
    expect(apps).toEqual(expect.arrayContaining(['ingress', 'router', 'worker', 'billing', 'logging', 'control']));
    expect(status.shown.bus).toMatchObject([{ state: 'connected' }]);
  });
});
