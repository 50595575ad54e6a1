// Bedrock names its errors in a header or the body (`ThrottlingException`), and as exceptions in the middle of a stream. A signature that does not fit is answered with all that was signed: no part of a
// credential may go out with it. https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html,
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html#API_runtime_ConverseStream_Errors
import type { WaystationError } from '@waystation/contracts';
import { recordOf, textOf, type JsonObject } from '../json-shape.js';
import { parseProviderError } from '../provider-error.js';
import type { ErrorResponse } from '../spec.js';
import { readAwsSecret } from './aws-secret.js';

/** What an exception in a stream would have had as its status. */
const STATUSES: Readonly<Record<string, number>> = {
  AccessDeniedException: 403,
  InternalServerException: 500,
  ModelErrorException: 424,
  ModelNotReadyException: 429,
  ModelStreamErrorException: 424,
  ModelTimeoutException: 408,
  ResourceNotFoundException: 404,
  ServiceQuotaExceededException: 400,
  ServiceUnavailableException: 503,
  ThrottlingException: 429,
  ValidationException: 400,
};

/** `com.amazonaws…#ThrottlingException:http://…` is `ThrottlingException`; exceptions of a stream begin with a small letter. */
const nameOf = (told: string): string => {
  const name = (told.split(':')[0] ?? '').split('#').at(-1) ?? '';
  return name.charAt(0).toUpperCase() + name.slice(1);
};

const withoutCredential = (text: string, secret: string | undefined): string => {
  const parts = secret === undefined ? undefined : readAwsSecret(secret);
  if (parts === undefined) return text;
  return [parts.secretAccessKey, parts.sessionToken, parts.accessKeyId]
    .filter((part) => part !== undefined && part.length >= 4)
    .reduce<string>((rest, part) => rest.replaceAll(part ?? '', '[removed]'), text);
};

/** The words of an error in the shape that `provider-error.ts` reads. */
const wordsOf = (type: string | undefined, told: JsonObject, secret: string | undefined): Buffer => {
  const message = textOf(told['message']) ?? textOf(told['Message']) ?? '';
  return Buffer.from(JSON.stringify({ message: withoutCredential(message, secret), ...(type && { code: type }) }));
};

const parsed = (body: Buffer): JsonObject => {
  try {
    return recordOf(JSON.parse(body.toString('utf8')));
  } catch {
    return { message: body.toString('utf8') };
  }
};

export const parseConverseError = (response: ErrorResponse): WaystationError => {
  const told = parsed(response.body);
  const type = response.header('x-amzn-errortype') ?? textOf(told['__type']);
  return parseProviderError({
    ...response,
    body: wordsOf(type === undefined ? undefined : nameOf(type), told, response.secret),
  });
};

/** @param type name of the exception */
export const inBandError = (
  type: string,
  told: JsonObject,
  { providerName, secret }: Pick<ErrorResponse, 'providerName' | 'secret'>,
): WaystationError => {
  const name = nameOf(type);
  return parseProviderError({
    status: STATUSES[name] ?? 502,
    header: () => undefined,
    body: wordsOf(name, told, secret),
    providerName,
    nowMs: 0,
    ...(secret === undefined ? {} : { secret }),
  });
};
