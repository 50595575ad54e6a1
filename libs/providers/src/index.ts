// How providers are spoken to: the spec of a dialect, the dialects, and the only HTTP client towards providers.
export { authorize, type Authorization, type Credential } from './kit/authorize.js';
export { addressRefused, isPublicAddress, refusePrivateLiteral } from './kit/guard-address.js';
export {
  createUpstreamClient,
  type UpstreamCall,
  type UpstreamClient,
  type UpstreamHead,
  type UpstreamListener,
  type UpstreamMessage,
  type UpstreamTarget,
  type UpstreamTimeouts,
  type UpstreamTls,
} from './kit/upstream-client.js';
export { PROVIDER_DIALECTS, findProviderDialect } from './registry.js';
export {
  ERROR_BODY_BYTES_MAX,
  RESPONSE_LIMITS,
  type ErrorResponse,
  type PassthroughRequest,
  type ProviderDialect,
  type Quirks,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
  type UpstreamRequest,
} from './spec.js';
