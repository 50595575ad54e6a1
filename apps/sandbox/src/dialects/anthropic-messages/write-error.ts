// Anthropic's error envelope: https://docs.anthropic.com/en/api/errors
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

export const writeMessagesError = (status: number, message: string): string =>
  JSON.stringify({
    type: 'error',
    error: { type: TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'), message },
  });
