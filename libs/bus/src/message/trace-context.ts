// W3C trace context through messages. Without a tracer there is no active span, and all of this costs one call.
import { ROOT_CONTEXT, context, trace } from '@opentelemetry/api';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** `traceparent` of the active span, if there is one. */
export const activeTraceparent = (): string | undefined => {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined) return undefined;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
};

/** Runs the work as a child of the caller's span. */
export const withTraceparent = <Result>(traceparent: string | undefined, work: () => Result): Result => {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match === null) return work();
  const parent = {
    traceId: match[1] as string,
    spanId: match[2] as string,
    traceFlags: Number.parseInt(match[3] as string, 16),
    isRemote: true,
  };
  return context.with(trace.setSpanContext(ROOT_CONTEXT, parent), work);
};
