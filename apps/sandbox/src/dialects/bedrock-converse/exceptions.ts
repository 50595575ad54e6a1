// Bedrock's exceptions by status: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
const EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
};

export const exceptionOf = (status: number): string =>
  EXCEPTIONS[status] ?? (status < 500 ? 'ValidationException' : 'ServiceUnavailableException');

/** Inside a stream the same names begin with a small letter: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html */
export const streamExceptionOf = (status: number): string => {
  const name = exceptionOf(status);
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
};
