// From the message of the ingress to a request that can be sent: provider, credential and dialect put together. Nothing has been sent when it throws.
import { hash } from 'node:crypto';
import { WaystationError, type AttemptRunRequest } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import {
  authorize,
  type Credential,
  type ProviderDialect,
  type ResponseTerms,
  type UpstreamMessage,
  type UpstreamTarget,
} from '@waystation/providers';
import type { Credentials } from '../site/credentials.js';
import type { Sites } from '../site/sites.js';

export interface PreparedCall {
  readonly dialect: ProviderDialect;
  readonly target: UpstreamTarget;
  readonly message: UpstreamMessage;
  readonly terms: ResponseTerms;
  readonly warnings: readonly Warning[];
}

const NO_CREDENTIAL: Credential = { kind: 'none', secret: '' };
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
 * @throws WaystationError `provider_unavailable`, `provider_auth`, `malformed_json`; `no_worker` where this worker cannot translate between the dialects
 */
export const prepareCall = (
  request: AttemptRunRequest,
  body: Buffer,
  sites: Sites,
  credentials: Credentials,
): PreparedCall => {
  const { attempt, identity } = request;
  const { dialect, target, headers, quirks, entry } = sites.of(attempt.provider);
  if (request.frames !== 'passthrough' || !dialect.passes.has(request.dialect)) {
    throw new WaystationError(
      'no_worker',
      `No worker here translates ${request.dialect} to the dialect of ${attempt.providerName}.`,
    );
  }
  const credentialId = attempt.credentialId ?? entry.credentialId;
  const credential = credentialId === undefined ? NO_CREDENTIAL : credentials.open(credentialId, attempt.providerName);
  const authorization = authorize(credential);
  const upstream = dialect.buildRequest({
    body,
    ...(request.spans.length === 0 ? {} : { spans: request.spans }),
    stream: request.stream,
    upstreamModel: attempt.upstreamModel,
    ...(request.outputCap === undefined ? {} : { outputCap: request.outputCap }),
    dropParameters: attempt.dropParameters ?? [],
    ...(identity.endUserId === undefined ? {} : { endUser: standInOf(identity.workspaceId, identity.endUserId) }),
    quirks,
  });
  return {
    dialect,
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
      tokensMax: { input: attempt.context, output: Math.max(attempt.context, attempt.maxOutput ?? 0) },
      quirks,
      secret: credential.secret,
    },
    warnings: upstream.warnings,
  };
};
