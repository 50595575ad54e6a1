// How providers are spoken to: the spec of a dialect, the dialects, and the only HTTP client towards providers.
export { authorize, type Authorization, type Credential } from './kit/authorize.js';
export { ClientCertificate, type ClientCertificateFiles, type ClientIdentity } from './kit/client-certificate.js';
export { addressRefused, isPublicAddress, refusePrivateLiteral } from './kit/guard-address.js';
export {
  createUpstreamClient,
  type ProxiedNames,
  type UpstreamCall,
  type UpstreamClient,
  type UpstreamHead,
  type UpstreamListener,
  type UpstreamMessage,
  type UpstreamProxy,
  type UpstreamTarget,
  type UpstreamTimeouts,
  type UpstreamTls,
} from './kit/upstream-client.js';
export { isTlsFailure } from './kit/transport-error.js';
export { scrub } from './provider-error.js';
export { isDeliberatelyEmpty } from './failures.js';
export { readAwsSecret, type AwsSecret } from './bedrock-converse/aws-secret.js';
export { TranslatingReader } from './events/translate-response.js';
export { fitCall } from './fit-call.js';
export { JobReader } from './jobs/job-reader.js';
export { PROVIDER_DIALECTS, findProviderDialect, usualCredential } from './registry.js';
export {
  TOKEN_ENDPOINTS,
  isTokenKind,
  readGrant,
  type Grant,
  type TokenEndpoints,
  type TokenKind,
} from './token/grant.js';
export { requestToken, type TokenTerms } from './token/request-token.js';
export { TokenSource, type Token } from './token/token-source.js';
export {
  ERROR_BODY_BYTES_MAX,
  RESPONSE_LIMITS,
  type ByteSink,
  type AskedJob,
  type ErrorResponse,
  type Job,
  type JobRequest,
  type Passthrough,
  type PassthroughRequest,
  type ProviderDialect,
  type Quirks,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
  type TranslatedRequest,
  type Translation,
  type UpstreamRequest,
} from './spec.js';
