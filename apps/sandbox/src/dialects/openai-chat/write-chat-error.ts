// OpenAI's error body: https://platform.openai.com/docs/guides/error-codes
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  529: 'overloaded_error',
};
const CODES: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 429: 'rate_limit_exceeded' };

export const writeChatError = (status: number, message: string, code?: string): string =>
  JSON.stringify({
    error: { message, type: TYPES[status] ?? 'server_error', param: null, code: code ?? CODES[status] ?? null },
  });
