// What people can see of a generation from outside: its figures by model, and its trace.
import { WaystationError } from '@waystation/contracts';
import { otlpCollector, type ExportedSpan, type OtlpCollector } from '@waystation/testing';
import { startTelemetry, type Telemetry } from '@waystation/runtime';
import { chunk, completion, inferenceKey, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

const CANARY = 'canary-9d1f prompt';
let ingress: TestIngress;
let beating: NodeJS.Timeout;
const beat = (): void =>
  ingress.bus.sendSignal('alive', {
    ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
  });
beforeEach(async () => {
  ingress = await startIngress();
  beating = setInterval(beat, 10);
  beat();
});
afterEach(async () => {
  clearInterval(beating);
  await ingress.close();
});

const ask = async (more: object = {}, headers: Record<string, string> = {}): Promise<Response> => {
  const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, ...headers },
    body: JSON.stringify({ model: 'lab/small', messages: [{ role: 'user', content: CANARY }], ...more }),
  });
  await response.text();
  return response;
};

const refusePlans = (): void =>
  void ingress.bus.rpc.set('route.plan', () => {
    throw new WaystationError('model_not_found', 'no such model');
  });

const figures = async (): Promise<(line: string) => number> => {
  const text = await ingress.context.metrics.registry.metrics();
  return (start) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(start))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

describe('what is counted of a generation', () => {
  test('are its time, tokens and credits by model, provider and workspace', async () => {
    ingress.bus.worker = serving([completion('x')]);
    await ask();
    const figure = await figures();
    const labels = 'gen_ai_operation_name="chat",gen_ai_provider_name="alpha",gen_ai_request_model="lab/small"';
    expect(figure(`gen_ai_server_request_duration_seconds_count{${labels},key_class="station",error_type=""}`)).toBe(1);
    expect(figure(`gen_ai_server_time_to_first_token_seconds_count{${labels}}`)).toBe(1);
    expect(figure('waystation_workspace_requests_total{')).toBe(1);
    expect(figure('waystation_workspace_tokens_total{')).toBeGreaterThan(0);
    const spend = figure('waystation_spend_usd_total{');
    expect(spend).toBeGreaterThan(0);
    expect(figure('waystation_workspace_spend_usd_total{')).toBe(spend);
    for (const stage of ['plan', 'hold', 'attempts'])
      expect(figure(`waystation_ingress_stage_seconds_count{stage="${stage}"}`)).toBe(1);
    expect(figure('waystation_ingress_fallbacks_total')).toBe(0);
  });

  test('are fallbacks, and the outcome of every try', async () => {
    ingress.bus.worker = (stream, ordinal) =>
      ordinal === 0
        ? stream.reader.fail(new WaystationError('provider_unavailable', 'down'))
        : serving([completion('x')])(stream, ordinal);
    await ask();
    const figure = await figures();
    expect(figure('waystation_ingress_fallbacks_total')).toBe(1);
    expect(figure('waystation_ingress_attempts_total{outcome="failed-before-output"}')).toBe(1);
    expect(figure('waystation_ingress_attempts_total{outcome="completed"}')).toBe(1);
  });

  test('are refusals before anything was tried, by their code and without a model that a client made up', async () => {
    refusePlans();
    await ask({ model: 'made/up' });
    const figure = await figures();
    expect(
      figure(
        'gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat",gen_ai_provider_name="none",gen_ai_request_model="none",key_class="none",error_type="model_not_found"}',
      ),
    ).toBe(1);
    expect(await ingress.context.metrics.registry.metrics()).not.toContain('made/up');
  });

  test('are the gaps between frames of a stream', async () => {
    ingress.bus.worker = serving([chunk('a'), chunk('b'), chunk('c')]);
    await ask({ stream: true });
    const figure = await figures();
    expect(figure('waystation_ingress_frame_gap_seconds_count')).toBe(2);
  });
});

describe('its trace', () => {
  let collector: OtlpCollector;
  let telemetry: Telemetry;
  const tracing = async (ratio: number): Promise<void> => {
    collector = await otlpCollector();
    telemetry = await startTelemetry({ endpoint: collector.url, service: 'ingress', release: 'r', ratio });
  };
  const exported = async (): Promise<readonly ExportedSpan[]> => {
    await telemetry.close(20_000);
    collector.close();
    expect(collector.bytes()).not.toContain(CANARY);
    return collector.spans;
  };

  test("goes on from the client's, with what was asked and what came of it, and explains a bucket", async () => {
    await tracing(0);
    const traceId = 'a'.repeat(32);
    ingress.bus.worker = serving([completion('x')]);
    await ask({ max_tokens: 99 }, { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` });
    const spans = await exported();
    const edge = spans.find(({ name }) => name === 'POST /api/v1/chat/completions');
    const generation = spans.find(({ name }) => name === 'generation');
    expect(edge).toMatchObject({ traceId, parentSpanId: 'b'.repeat(16), kind: 2 });
    expect(edge?.attributes).toMatchObject({ 'http.response.status_code': 200 });
    expect(generation).toMatchObject({ traceId, parentSpanId: edge?.spanId, status: { code: 0 } });
    expect(generation?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'lab/small',
      'gen_ai.request.max_tokens': 99,
      'gen_ai.response.model': 'lab/small',
      'gen_ai.provider.name': 'alpha',
      'waystation.attempts': 1,
    });
    expect(Number(generation?.attributes['gen_ai.usage.output_tokens'])).toBeGreaterThan(0);
    expect(await ingress.context.metrics.openMetrics.metrics()).toMatch(
      new RegExp(`gen_ai_server_request_duration_seconds_bucket\\{.*trace_id="${traceId}"`),
    );
  });

  test('is not there where nobody chose it and all went well', async () => {
    await tracing(0);
    ingress.bus.worker = serving([completion('x')]);
    await ask();
    expect(await exported()).toEqual([]);
  });

  test('is told after the fact where a provider failed, with each try, even if another one served', async () => {
    await tracing(0);
    ingress.bus.worker = (stream, ordinal) =>
      ordinal === 0
        ? stream.reader.fail(new WaystationError('provider_unavailable', `it said: ${CANARY}`))
        : serving([completion('x')])(stream, ordinal);
    await ask();
    const spans = await exported();
    const root = spans.find(({ name }) => name === 'generation');
    expect(root?.attributes).toMatchObject({ 'waystation.told': 'after the fact', 'waystation.attempts': 2 });
    const tries = spans.filter(({ name }) => name === 'chat lab/small');
    expect(tries.map(({ parentSpanId }) => parentSpanId)).toEqual([root?.spanId, root?.spanId]);
    expect(tries.map(({ status }) => status.message)).toEqual(['provider_unavailable', undefined]);
    expect(tries.map(({ attributes }) => attributes['gen_ai.provider.name'])).toEqual(['alpha', 'beta']);
    expect(spans.map(({ name }) => name)).toEqual(expect.arrayContaining(['plan', 'hold']));
  });

  test("is not told of what a client did wrong: that is the client's to see", async () => {
    await tracing(0);
    refusePlans();
    await ask({ model: 'made/up' });
    expect(await exported()).toEqual([]);
  });
});
