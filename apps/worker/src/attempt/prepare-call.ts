// From the message of the ingress to a request that can be sent: provider, credential and dialect put together. Nothing has been sent when it throws.
import { hash } from 'node:crypto';
import { WaystationError, type AttemptRunRequest, type PlannedAttempt } from '@waystation/contracts';
import { findPublicDialect } from '@waystation/dialects';
import type { Warning } from '@waystation/generation';
import {
  JobReader,
  TranslatingReader,
  authorize,
  fitCall,
  type Authorization,
  type ByteSink,
  type Credential,
  type ProviderDialect,
  type Quirks,
  type ResponseReader,
  type ResponseTerms,
  type UpstreamMessage,
  type UpstreamRequest,
  type UpstreamTarget,
} from '@waystation/providers';
import type { Credentials, OpenedCredential } from '../site/credentials.js';
import type { Site, Sites } from '../site/sites.js';

export interface PreparedCall {
  /** Reads a successful response as bytes of the client's dialect. */
  readonly read: (terms: ResponseTerms, sink: ByteSink) => ResponseReader;
  readonly parseError: ProviderDialect['parseError'];
  readonly target: UpstreamTarget;
  readonly message: UpstreamMessage;
  readonly terms: ResponseTerms;
  readonly warnings: readonly Warning[];
}

/** What of an attempt its request is made of. */
export type CallTerms = Pick<
  AttemptRunRequest,
  'generationId' | 'identity' | 'dialect' | 'stream' | 'spans' | 'outputCap' | 'inputTokensEstimate' | 'inputs'
> & {
  readonly attempt: Pick<
    PlannedAttempt,
    'model' | 'provider' | 'providerName' | 'upstreamModel' | 'context' | 'maxOutput' | 'quirks' | 'dropParameters'
  >;
};

const NO_CREDENTIAL: OpenedCredential = { credential: { kind: 'none', secret: '' } };
const STAND_IN_CHARS = 32;

/** What the provider gets to see of the client's end user: stable, and of no use to anyone else. */
const standInOf = (workspaceId: string, endUserId: string): string =>
  `user-${hash('sha256', `${workspaceId}\n${endUserId}`).slice(0, STAND_IN_CHARS)}`;

/** The dialect's estimate where it has one, never above the ingress's; computed once, since progress is told again and again. */
const estimateOf = (most: number, ofDialect: () => number | undefined): (() => number) => {
  let known: number | undefined;
  return () => (known ??= Math.min(most, ofDialect() ?? most));
};

/**
 * How the request is asked, and how its answer is read: the client's bytes where the endpoint speaks its dialect or has its job, by way of the canonical call
 * otherwise.
 */
interface Way {
  readonly upstream: UpstreamRequest;
  readonly warnings: readonly Warning[];
  readonly read: PreparedCall['read'];
}

const wayOf = (request: CallTerms, body: Buffer, dialect: ProviderDialect, quirks: Quirks): Way => {
  const { attempt, identity, outputCap } = request;
  const { passthrough, translation } = dialect;
  const { upstreamModel, dropParameters = [] } = attempt;
  const endUser = identity.endUserId === undefined ? undefined : standInOf(identity.workspaceId, identity.endUserId);
  const spans = request.spans.length === 0 ? undefined : request.spans;
  if (passthrough?.dialects.has(request.dialect) === true) {
    const { stream } = request;
    const asked = { body, spans, stream, upstreamModel, outputCap, dropParameters, endUser, quirks };
    const upstream = passthrough.buildRequest(asked);
    return { upstream, warnings: upstream.warnings, read: passthrough.readResponse };
  }
  const job = dialect.jobs?.get(request.dialect);
  if (job !== undefined) {
    const asked = job({ body, spans, upstreamModel, endUser, quirks });
    const { upstream } = asked;
    return { upstream, warnings: upstream.warnings, read: (terms, sink) => new JobReader(asked, terms, sink) };
  }
  const spoken = findPublicDialect(request.dialect);
  if (translation === undefined || spoken === undefined)
    throw new WaystationError('no_worker', `No worker here can ask ${attempt.providerName} for ${request.dialect}.`);
  const reading = spoken.readCall(body);
  const fitted = fitCall(reading.call, { dropParameters, ...(outputCap === undefined ? {} : { outputCap }) });
  const upstream = translation.buildRequest({
    upstreamModel,
    endUser,
    quirks,
    call: fitted.call,
    ...(attempt.maxOutput === undefined ? {} : { outputTokensMax: attempt.maxOutput }),
  });
  return {
    upstream,
    warnings: [...reading.warnings, ...fitted.warnings, ...upstream.warnings],
    read: (terms, sink) =>
      new TranslatingReader(
        translation,
        terms,
        spoken.writeAnswer({ ...terms, echo: reading.echo, nowMs: Date.now }),
        sink,
      ),
  };
};

/**
 * A signature covers the whole request; every other credential is put beside it.
 * @throws WaystationError `provider_auth` where the dialect cannot make the signature that the credential is for
 */
const authorizationOf = (
  dialect: ProviderDialect,
  upstream: UpstreamRequest,
  { target, headers }: Site,
  credential: Credential,
): Authorization => {
  if (credential.kind !== 'aws') return authorize(credential);
  if (dialect.sign === undefined)
    throw new WaystationError(
      'provider_auth',
      `The credential of ${target.providerName} is of the kind aws, which the dialect ${dialect.name} cannot sign with. The operator has to set another.`,
      { details: { provider_name: target.providerName } },
    );
  const { protocol, host, pathname } = target.url;
  const hostAt = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  const named = hostAt < 0 ? host : headers[hostAt + 1];
  const url = new URL(`${protocol}//${named}${pathname.replace(/\/$/, '')}${upstream.path}`);
  return { headers: dialect.sign(upstream, url, credential.secret, Date.now()), query: '' };
};

/**
 * What the attempt is to be presented with. A promise only where a token has to be asked for first.
 * @throws WaystationError `provider_unavailable`, `provider_auth`
 */
export const credentialFor = (
  { attempt, identity }: AttemptRunRequest,
  sites: Sites,
  credentials: Credentials,
): OpenedCredential | Promise<OpenedCredential> => {
  const { provider, providerName, byok } = attempt;
  const id = attempt.credentialId ?? (byok ? '' : sites.of(provider).entry.credentialId);
  if (id === undefined) return NO_CREDENTIAL;
  if (!byok) return credentials.open({ id, provider, providerName });
  const { baseUrl } = sites.of(provider).entry;
  return credentials.open({ id, provider, providerName, ownedBy: identity.workspaceId, baseUrl });
};

/**
 * @throws WaystationError `provider_unavailable`, `malformed_json`, `invalid_request`; `no_worker` where the provider's dialect has no way to answer the client's
 */
export const prepareCall = (
  request: CallTerms,
  body: Buffer,
  sites: Sites,
  { credential, baseUrl }: OpenedCredential,
): PreparedCall => {
  const { attempt, inputs = 1 } = request;
  const site = baseUrl === undefined ? sites.of(attempt.provider) : sites.at(attempt.provider, baseUrl);
  const { dialect, target, headers, quirks: ofProvider } = site;
  const quirks = attempt.quirks === undefined ? ofProvider : { ...ofProvider, ...attempt.quirks };
  const { upstream, warnings, read } = wayOf(request, body, dialect, quirks);
  const authorization = authorizationOf(dialect, upstream, site, credential);
  return {
    read,
    parseError: dialect.parseError,
    target,
    message: {
      path: upstream.path,
      query: authorization.query,
      headers: [...upstream.headers, ...headers, ...authorization.headers],
      body: upstream.body,
    },
    terms: {
      stream: request.stream,
      generationId: request.generationId,
      model: attempt.model,
      providerName: attempt.providerName,
      choices: upstream.choices,
      inputTokensEstimate: estimateOf(request.inputTokensEstimate, upstream.estimateInputTokens),
      tokensMax: {
        input: attempt.context * inputs,
        output: Math.max(attempt.context, attempt.maxOutput ?? 0) * inputs,
      },
      quirks,
      secret: credential.secret,
    },
    warnings,
  };
};
