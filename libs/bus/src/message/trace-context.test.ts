// Trace context passes through messages when there is a tracer, and costs nothing visible when there is none.
import { context, trace, type ContextManager } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { activeTraceparent, withTraceparent } from './trace-context.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('without a tracer there is no traceparent, and work runs all the same', () => {
  expect(activeTraceparent()).toBeUndefined();
  expect(withTraceparent(PARENT, () => 5)).toBe(5);
});

describe('with a tracer', () => {
  const manager: ContextManager = new AsyncLocalStorageContextManager();
  beforeAll(() => {
    manager.enable();
    context.setGlobalContextManager(manager);
  });
  afterAll(() => {
    context.disable();
    trace.disable();
  });

  test('work runs under the span of the caller, across awaits', async () => {
    const seen = await withTraceparent(PARENT, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return activeTraceparent();
    });
    expect(seen).toBe(PARENT);
    expect(activeTraceparent()).toBeUndefined();
  });

  test.each(['', 'junk', PARENT.toUpperCase(), `${PARENT}-01`])('%j is ignored', (bad) => {
    expect(withTraceparent(bad, activeTraceparent)).toBeUndefined();
  });
});
