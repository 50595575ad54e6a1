import { otlpCollector, type ExportedSpan } from '@waystation/testing';
import { batchSpan, beginTrace, isTracing, span, startTelemetry, tellPast } from './telemetry.js';

const AT = 1_700_000_000_000;
const TRACE = 'a'.repeat(32);
const PARENT = `00-${TRACE}-${'b'.repeat(16)}-01`;

/** What is exported of the work, by name. */
const traced = async (work: () => unknown, ratio = 1): Promise<Record<string, ExportedSpan>> => {
  const { url, spans, paths, close } = await otlpCollector();
  const telemetry = await startTelemetry({ endpoint: `${url}/`, service: 's', release: 'r', ratio });
  await work();
  await telemetry.close(20_000);
  close();
  expect(paths.every((path) => path === '/v1/traces')).toBe(true);
  expect(isTracing()).toBe(false);
  return Object.fromEntries(spans.map((each) => [each.name, each]));
};

describe('tracing', () => {
  test('without an endpoint a span is nothing but its function', async () => {
    const telemetry = await startTelemetry({ endpoint: undefined, service: 's', release: 'r' });
    expect(telemetry.enabled).toBe(false);
    expect(isTracing()).toBe(false);
    expect(span('x', {}, (own) => own)).toBeUndefined();
    expect(beginTrace('x', {})).toBeUndefined();
    expect(await batchSpan('x', {}, [{ traceparent: PARENT }], () => Promise.resolve(3))).toBe(3);
    await telemetry.close(100);
  });

  test('spans nest across awaits below the trace of the caller, and tell failures by code only', async () => {
    const byName = await traced(async () => {
      const root = beginTrace('outer', { model: 'm' }, PARENT);
      const answer = await root?.run(async () => {
        await Promise.resolve();
        await expect(
          span('failing', {}, () => Promise.reject(Object.assign(new Error('the prompt'), { code: 'no_worker' }))),
        ).rejects.toThrow('the prompt');
        expect(() =>
          span('throwing', {}, () => {
            throw new Error('at once');
          }),
        ).toThrow('at once');
        return span('inner', {}, () => 42);
      });
      expect(answer).toBe(42);
      root?.end();
      root?.end('late');
    });
    expect(Object.keys(byName).sort()).toEqual(['failing', 'inner', 'outer', 'throwing']);
    expect(byName['outer']).toMatchObject({ traceId: TRACE, parentSpanId: 'b'.repeat(16), status: { code: 0 } });
    for (const name of ['inner', 'failing', 'throwing'])
      expect(byName[name]).toMatchObject({ traceId: TRACE, parentSpanId: byName['outer']?.spanId });
    expect(byName['failing']?.status).toEqual({ code: 2, message: 'no_worker' });
    expect(JSON.stringify(byName)).not.toContain('the prompt');
  });

  test('outside of a trace there is no span: nobody decided to keep one', async () => {
    expect(await traced(() => span('alone', {}, (own) => expect(own).toBeUndefined()))).toEqual({});
  });

  test.each([
    [0, undefined, false],
    [1, undefined, true],
    [0, PARENT, true],
    [1, PARENT.replace(/01$/, '00'), false],
    [1, 'no context at all', true],
    [0, 'no context at all', false],
  ])('with a ratio of %d, a request with the context %p is traced: %p', async (ratio, traceparent, expected) => {
    const byName = await traced(() => beginTrace('root', {}, traceparent)?.end(), ratio);
    expect(byName['root'] !== undefined).toBe(expected);
  });

  test('a batch is a span of each trace that its items come from, and fails with all of them', async () => {
    const other = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
    const items = [{ traceparent: PARENT }, {}, { traceparent: other }, { traceparent: PARENT }];
    const { url, spans, close } = await otlpCollector();
    const telemetry = await startTelemetry({ endpoint: url, service: 's', release: 'r' });
    await expect(
      batchSpan('settle', {}, items, () => Promise.reject(Object.assign(new Error('x'), { code: '40001' }))),
    ).rejects.toThrow('x');
    await telemetry.close(20_000);
    close();
    expect(spans.map(({ traceId, parentSpanId, status }) => [traceId, parentSpanId, status.message])).toEqual([
      [TRACE, 'b'.repeat(16), '40001'],
      ['c'.repeat(32), 'd'.repeat(16), '40001'],
    ]);
  });

  test('what is over can be told with its own times', async () => {
    const past = { kind: 'internal', attributes: {}, startMs: AT, endMs: AT + 2_000 } as const;
    const child = { ...past, name: 'child', startMs: AT + 1_000, errorCode: 'provider_timeout' };
    const byName = await traced(() => tellPast({ ...past, name: 'whole', children: [child] }), 0);
    expect(byName['whole']).toMatchObject({ startTimeUnixNano: `${AT}000000`, endTimeUnixNano: `${AT + 2_000}000000` });
    expect(byName['child']).toMatchObject({
      parentSpanId: byName['whole']?.spanId,
      startTimeUnixNano: `${AT + 1_000}000000`,
      status: { code: 2, message: 'provider_timeout' },
    });
  });
});
