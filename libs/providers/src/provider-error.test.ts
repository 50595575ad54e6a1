// Refusals as providers write them, to our codes. One a line, with its source.
import { parseInBandError, parseProviderError, retryAfterMs } from './provider-error.js';

const parse = (status: number, body: unknown, headers: Record<string, string> = {}, secret?: string) =>
  parseProviderError({
    status,
    header: (name) => headers[name],
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    providerName: 'Lab',
    nowMs: Date.parse('2026-01-01T00:00:00Z'),
    ...(secret === undefined ? {} : { secret }),
  });

describe('parseProviderError', () => {
  it.each([
    // https://platform.openai.com/docs/guides/error-codes/api-errors
    [
      401,
      { error: { message: 'Incorrect API key provided', type: 'invalid_request_error', code: 'invalid_api_key' } },
      'provider_auth',
    ],
    [403, { error: { message: 'Country not supported' } }, 'provider_auth'],
    [
      429,
      { error: { message: 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' } },
      'provider_rate_limited',
    ],
    [
      429,
      { error: { message: 'You exceeded your current quota', code: 'insufficient_quota' } },
      'provider_rate_limited',
    ],
    [500, { error: { message: 'The server had an error', type: 'server_error' } }, 'provider_unavailable'],
    [503, { error: { message: 'The engine is currently overloaded' } }, 'provider_overloaded'],
    [
      400,
      {
        error: {
          message: "This model's maximum context length is 128000 tokens.",
          type: 'invalid_request_error',
          code: 'context_length_exceeded',
        },
      },
      'context_length_exceeded',
    ],
    [
      400,
      {
        error: {
          message: 'Invalid schema for function',
          type: 'invalid_request_error',
          code: 'invalid_function_parameters',
        },
      },
      'provider_rejected',
    ],
    [404, { error: { message: 'The model `x` does not exist', code: 'model_not_found' } }, 'provider_unavailable'],
    // https://docs.vllm.ai: errors are flat
    [
      400,
      {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens",
        type: 'BadRequestError',
        code: 400,
      },
      'context_length_exceeded',
    ],
    // https://docs.mistral.ai/api: validation errors
    [422, { detail: [{ loc: ['body', 'messages'], msg: 'Field required' }] }, 'provider_rejected'],
    // https://api-docs.deepseek.com/quick_start/error_codes
    [402, { error: { message: 'Insufficient Balance' } }, 'provider_auth'],
    // https://console.groq.com/docs/errors
    [498, { error: { message: 'Flex tier capacity exceeded' } }, 'provider_overloaded'],
    [413, { error: { message: 'Request too large for model' } }, 'provider_rejected'],
    // https://docs.anthropic.com/en/api/errors
    [529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'provider_overloaded'],
    [400, { error: { message: 'blocked', code: 'content_filter' } }, 'content_policy_violation'],
    [408, '', 'provider_timeout'],
    [504, '<html>gateway timeout</html>', 'provider_timeout'],
    [524, '', 'provider_timeout'],
    [502, '<html>', 'provider_unavailable'],
    [302, '', 'provider_invalid_response'],
    [400, [{ error: { code: 400, message: 'API key not valid' } }], 'provider_rejected'],
    [418, 'null', 'provider_rejected'],
  ])('%i %j is %s', (status, body, code) => {
    expect(parse(status, body).code).toBe(code);
  });

  it('keeps the provider’s words in the details and out of the message', () => {
    const error = parse(400, { error: { message: 'canary words of the prompt', code: 'bad' } });
    expect(error.message).not.toContain('canary');
    expect(error.details).toMatchObject({ provider_name: 'Lab', provider_code: 'bad', upstream_status: 400 });
    expect(error.details?.['raw']).toContain('canary words');
  });

  it('removes addresses, keys, the credential and control characters, and cuts what is long', () => {
    const raw = String(
      parse(
        401,
        `{"error":{"message":"key sk-proj-abcdef123456 at https://api.example.com/v1?x=1 s3cr3t!\\u0000\u0007 ${'x'.repeat(5_000)}"}}`,
        {},
        's3cr3t!',
      ).details?.['raw'],
    );
    expect(raw).not.toMatch(/sk-proj|example\.com|s3cr3t/);
    // eslint-disable-next-line no-control-regex -- that there are none is what is tested
    expect(raw).not.toMatch(/[\u0000-\u0008]/);
    expect(raw.length).toBeLessThanOrEqual(2_000);
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after': '99999999' }, 86_400_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('reads %j as %s ms', (headers: Record<string, string>, ms) => {
    expect(retryAfterMs((name) => headers[name], Date.parse('2026-01-01T00:00:00Z'))).toBe(ms);
  });

  it.each([
    ['{"error":{"message":"x","code":429}}', 'provider_rate_limited'],
    ['{"error":{"message":"x","code":"server_error"}}', 'provider_unavailable'],
    ['{"error":"x"}', 'provider_unavailable'],
    ['{"error":{"type":"overloaded_error"}}', 'provider_overloaded'],
    ['{"object":"error","message":"too many tokens","code":400}', 'context_length_exceeded'],
  ])('in band: %s is %s', (text, code) => {
    expect(parseInBandError(text, { providerName: 'Lab' }).code).toBe(code);
  });
});
