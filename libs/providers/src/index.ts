// How providers are spoken to: the spec of a dialect, the dialects, and the only HTTP client towards providers.
export { authorize, type Authorization, type Credential } from './kit/authorize.js';
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
export { TranslatingReader } from './events/translate-response.js';
export { fitCall } from './fit-call.js';
export { PROVIDER_DIALECTS, findProviderDialect, usualCredential } from './registry.js';
export {
  ERROR_BODY_BYTES_MAX,
  RESPONSE_LIMITS,
  type ByteSink,
  type ErrorResponse,
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
