// What a trace says of an attempt: names, counts and codes.
import type { Attributes } from '@opentelemetry/api';
import type { AttemptRunRequest } from '@waystation/contracts';
import { inputTokens, outputTokens } from '@waystation/generation';
import { operationOf } from '@waystation/runtime';
import type { RelayResult } from './attempt/relay.js';

export const beginningOf = ({ attemptId, attempt, dialect }: AttemptRunRequest): Attributes => ({
  'gen_ai.operation.name': operationOf(dialect),
  'gen_ai.provider.name': attempt.provider,
  'gen_ai.request.model': attempt.upstreamModel,
  'waystation.attempt.id': attemptId,
  'waystation.endpoint.id': attempt.endpointId,
});

export const endingOf = ({ report, outcome, upstreamStatus, timeToFirstTokenMs }: RelayResult): Attributes => ({
  'gen_ai.usage.input_tokens': inputTokens(report.usage),
  'gen_ai.usage.output_tokens': outputTokens(report.usage),
  'waystation.outcome': outcome,
  ...(report.finishReason === undefined ? {} : { 'gen_ai.response.finish_reasons': [report.finishReason] }),
  ...(upstreamStatus === undefined ? {} : { 'http.response.status_code': upstreamStatus }),
  ...(timeToFirstTokenMs === undefined ? {} : { 'gen_ai.response.time_to_first_chunk': timeToFirstTokenMs / 1000 }),
});
