// Google's error body: https://ai.google.dev/gemini-api/docs/troubleshooting, https://cloud.google.com/apis/design/errors
const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

export const writeGeminiError = (status: number, message: string, _code?: string, retryAfterS?: number): string =>
  JSON.stringify({
    error: {
      code: status,
      message,
      status: STATUSES[status] ?? (status < 500 ? 'FAILED_PRECONDITION' : 'UNAVAILABLE'),
      ...(retryAfterS === undefined
        ? {}
        : { details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfterS}s` }] }),
    },
  });
