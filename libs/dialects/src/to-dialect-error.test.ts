import { ERRORS, WaystationError, type ErrorCode } from '@waystation/contracts';
import { toDialectError } from './to-dialect-error.js';

const convert = (error: WaystationError) => {
  const converted = toDialectError(error, 'openai-chat');
  return { ...converted, json: JSON.parse(converted.body) as unknown };
};

describe('an error in the OpenAI dialect', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])(
    '%s has the status of the table as its code, and its stable type',
    (code) => {
      const { status, json } = convert(new WaystationError(code, 'what was wrong'));
      expect(status).toBe(ERRORS[code].status);
      expect(json).toEqual({
        error: {
          code: status,
          message: 'what was wrong',
          metadata: { error_type: ERRORS[code].type, waystation_code: code },
        },
      });
    },
  );

  it('tells its details in snake case, availability beside the message, and when to come back', () => {
    const error = new WaystationError('no_endpoints', 'No endpoints found for a/b.', {
      details: {
        previousErrors: [{ providerName: 'Lab' }],
        asked: 12n,
        availability: { code: 'no_endpoints', excludedBy: ['max_price'], requestedModels: ['a/b'] },
      },
      retryAfterMs: 1200,
    });
    const { json, retryAfterSeconds } = convert(error);
    expect(retryAfterSeconds).toBe(2);
    expect(json).toEqual({
      error: {
        code: 404,
        message: 'No endpoints found for a/b.',
        metadata: {
          error_type: 'not_found',
          waystation_code: 'no_endpoints',
          previous_errors: [{ provider_name: 'Lab' }],
          asked: '12',
        },
        availability: { code: 'no_endpoints', excluded_by: ['max_price'], requested_models: ['a/b'], retry_after: 2 },
      },
    });
  });

  it('tells a rate that was exceeded in headers, and only a rate', () => {
    const quota = { limit: '30', left: '2', resetsAt: '2026-08-06T12:01:00.000Z' };
    const rate = new WaystationError('rate_limited', 'Too many.', { details: { quota }, retryAfterMs: 50_000 });
    expect(convert(rate)).toMatchObject({
      status: 429,
      retryAfterSeconds: 50,
      rateLimitHeaders: [
        'x-ratelimit-limit',
        '30',
        'x-ratelimit-remaining',
        '2',
        'x-ratelimit-reset',
        String(Date.UTC(2026, 7, 6, 12, 1)),
      ],
    });
    expect(
      convert(new WaystationError('limit_exceeded', 'Too much.', { details: { quota } })).rateLimitHeaders,
    ).toBeUndefined();
  });

  it('gives away neither cause nor stack', () => {
    const { body } = convert(
      new WaystationError('internal', 'An internal error occurred.', { cause: new Error('postgres://secret') }),
    );
    expect(body).not.toContain('secret');
    expect(body).not.toContain('at ');
  });
});
