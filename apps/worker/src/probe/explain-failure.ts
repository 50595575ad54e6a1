// At which step of the way a probe ended, and what its operator can do about it. The error itself is in words for clients, who get to see no address and no answer.
import {
  PROBE_ANSWER_CHARACTERS_MAX,
  type ProbeProblem,
  type ProbeStep,
  type WaystationError,
} from '@waystation/contracts';
import { isTlsFailure, scrub } from '@waystation/providers';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const NETWORK: Readonly<Record<string, ProbeStep>> = {
  private_address: 'address',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ECONNREFUSED: 'connection',
  EHOSTUNREACH: 'connection',
  ENETUNREACH: 'connection',
  ECONNRESET: 'connection',
  PROXY_FAILED: 'proxy',
  PROXY_REFUSED: 'proxy',
  PROXY_AUTHENTICATION: 'proxy',
  CONNECT_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  FIRST_BYTE_TIMEOUT: 'timeout',
  IDLE_TIMEOUT: 'timeout',
};

const ofStatus = (status: number): ProbeStep | undefined => {
  if (status === 401 || status === 402 || status === 403) return 'credential';
  if (status === 404 || status === 405) return 'model';
  if (status === 408 || status === 504) return 'timeout';
  if (status === 429) return 'rate-limit';
  if (status >= 500) return 'provider';
  return status >= 400 ? 'request' : undefined;
};

const BY_CODE: Readonly<Record<string, ProbeStep>> = {
  provider_auth: 'credential',
  provider_rate_limited: 'rate-limit',
  provider_overloaded: 'provider',
  provider_timeout: 'timeout',
  provider_rejected: 'request',
  context_length_exceeded: 'request',
  invalid_request: 'request',
  no_worker: 'request',
  provider_invalid_response: 'answer',
  provider_stream_broken: 'answer',
  provider_empty: 'answer',
};

/** Of a failure before, in or behind the response. @param status of the response; undefined where none came */
export const stepOf = ({ code, details }: WaystationError, status: number | undefined): ProbeStep => {
  const reason = textOf(details?.['reason']);
  const network = NETWORK[reason];
  if (network !== undefined) return network;
  if (isTlsFailure(reason)) return 'tls';
  return (
    (status === undefined ? undefined : ofStatus(status)) ??
    BY_CODE[code] ??
    (status === undefined ? 'connection' : 'answer')
  );
};

const REMEDIES: Readonly<Record<ProbeStep, string>> = {
  address:
    'The host is a private or local address, which only hosts that WAYSTATION_PRIVATE_HOSTS of control names may be; name it there, or use a public one.',
  dns: 'The host name of baseUrl does not resolve where the workers run. Check its spelling.',
  connection: 'Nobody takes the connection at baseUrl. Check host and port, and whether the server runs.',
  proxy: 'The proxy of the workers does not let it through. Check HTTPS_PROXY and NO_PROXY.',
  tls: 'The server could not prove its identity. Check https or http in baseUrl, or give the workers its authority with WAYSTATION_WORKER_CA_FILE; where it asks for a client certificate, name one in WAYSTATION_WORKER_CLIENT_CERTIFICATES.',
  timeout: 'No answer came in time. Check baseUrl, and whether the model is loaded.',
  credential:
    'The credential is refused. Check apiKey, and auth where the key is not sent as the dialect usually does.',
  model: 'There is no such model, or nothing at this path. Check upstreamModel, and the path of baseUrl.',
  request: 'The request is refused. Check dialect, apis and quirks.',
  'rate-limit': 'Too many requests are made with this credential. Try again later.',
  provider: 'The provider fails. Try again later.',
  answer: 'The answer is not what the dialect says. Check dialect, apis, and the path of baseUrl.',
  worker: 'No worker could ask.',
};

export interface FailedProbe {
  readonly error: WaystationError;
  readonly api: string;
  readonly streamed: boolean;
  /** Undefined where no response came. */
  readonly status: number | undefined;
  /** The beginning of what came. */
  readonly answer: Buffer;
  readonly secret: string;
}

const PROBLEM_CHARACTERS_MAX = 1_024;

export const explainFailure = ({ error, api, streamed, status, answer, secret }: FailedProbe): ProbeProblem => {
  const step = stepOf(error, status);
  const text = scrub(answer.toString('utf8'), secret).slice(0, PROBE_ANSWER_CHARACTERS_MAX);
  return {
    step,
    message: `${error.message} ${REMEDIES[step]}`.slice(0, PROBLEM_CHARACTERS_MAX),
    api,
    streamed,
    ...(status === undefined ? {} : { upstreamStatus: status }),
    ...(text === '' ? {} : { answer: text }),
  };
};
