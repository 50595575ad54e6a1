// All that crosses a process: subjects, message schemas, ids, frames and the error table.
export { apiKeyLabel, isWellFormedApiKey, newApiKey } from './api-key.js';
export {
  TAIL_CHARACTERS_MAX,
  AttemptRun,
  attemptEnd,
  attemptRunRequest,
  type AttemptEnd,
  type AttemptRunRequest,
  type FieldSpan,
} from './attempt.js';
export {
  BillingDeadLettersReplay,
  BillingFocusExport,
  BillingGenerationStory,
  BillingLedgerRebuild,
  BillingReconcileImport,
  BillingReconcileReport,
  BillingStatementGet,
  BillingUsageQuery,
  USAGE_DIMENSIONS,
  USAGE_METRICS,
  type UsageDimension,
  type UsageMetric,
} from './books.js';
export {
  defineRpc,
  defineSignal,
  defineStream,
  type Permission,
  type RpcContract,
  type SignalContract,
  type StreamContract,
} from './contract.js';
export {
  ERRORS,
  WaystationError,
  errorFromWire,
  isErrorCode,
  toWaystationError,
  type ErrorCode,
  type ErrorDetails,
  type ErrorRow,
  type ErrorWire,
  type Fault,
  type RetryClass,
} from './errors.js';
export {
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  decodeFrame,
  encodeFrame,
  writeFrameHeader,
  type Frame,
  type FrameKind,
} from './frame.js';
export { HOT_METADATA_BYTES_MAX, decodeHotMessage, encodeHotMessage } from './hot-message.js';
export {
  ControlGuardrailAssign,
  ControlGuardrailAssignments,
  ControlGuardrailCreate,
  ControlGuardrailDelete,
  ControlGuardrailGet,
  ControlGuardrailList,
  ControlGuardrailUpdate,
  GUARDRAILS_PER_CALL_MAX,
  type GuardrailAssignment,
  type GuardrailEntry,
  type GuardrailSettings,
} from './guardrails.js';
export { attemptIdOf, newGenerationId, unixOfGeneration, uuidOfDigest } from './ids.js';
export {
  attemptFinished,
  attemptProgressed,
  attemptStarted,
  generationFinished,
  generationRecorded,
  journalBatch,
  moneyLine,
  trailLine,
  type AttemptFinished,
  type GenerationFinished,
  type GenerationRecorded,
  type JournalBatch,
  type MoneyLine,
  type TrailLine,
} from './journal.js';
export {
  LeaseGrant,
  LeaseRenew,
  LeaseReturn,
  leaseRefusal,
  leaseTerms,
  quotaRef,
  type LeaseGrantRequest,
  type LeaseRefusal,
  type LeaseReply,
  type QuotaRef,
} from './lease.js';
export {
  BillingCreditsGet,
  BillingCreditsGrant,
  BillingGenerationExplain,
  BillingKeyUsage,
  BillingLedgerVerify,
  BillingPricesPut,
  ControlKeyCreate,
  ControlKeyDelete,
  ControlKeyList,
  ControlKeyUpdate,
  LoggingGenerationGet,
  LoggingGenerationList,
  principal,
  type Principal,
} from './management.js';
export { BillingQuotaUse, ControlLimitDelete, ControlLimitList, ControlLimitPut } from './limits.js';
export {
  LIMITS_MAX,
  LIMIT_METRICS,
  LIMIT_SCOPES,
  LIMIT_WINDOWS,
  limitName,
  limitSpec,
  type LimitName,
  type LimitSpec,
} from './limit-spec.js';
export {
  ControlMemberCreate,
  ControlMemberGet,
  ControlMemberList,
  ControlMemberRemove,
  ControlMemberUpdate,
  EMAIL_CHARACTERS_MAX,
  MEMBERS_PER_CALL_MAX,
  MEMBER_ROLES,
  type MemberEntry,
} from './members.js';
export { formatUsd, parseUsd, percentOf, ppmOfPercent } from './money-text.js';
export { ControlSurchargesGet, ControlSurchargesPut, type Surcharges } from './surcharges.js';
export {
  BillingAutotopupGet,
  BillingAutotopupPut,
  BillingStripeEvent,
  BillingTopupCreate,
  BillingTopupGet,
  BillingTopupList,
  BillingTopupRefund,
  ControlAuditAppend,
  ControlSuspensionPut,
  ControlWorkspaceSuspend,
  WEBHOOK_BYTES_MAX,
  type AutoTopup,
  type AutoTopupState,
  type TopupOrder,
} from './payments.js';
export {
  BillingPricesList,
  BillingRerateApply,
  BillingReratePlan,
  BillingRerateReport,
  BillingRerateStop,
  rerateSelection,
  type DatedPrice,
  type RerateDifference,
  type RerateRun,
  type RerateSelection,
  type RerateTotals,
} from './price-book.js';
export { priceVector, type PriceRates, type PriceVector } from './price.js';
export { quickParse } from './quick-parse.js';
export {
  EXCLUSION_RULES,
  RoutePlan,
  plannedAttempt,
  providerPreferences,
  routeFeatures,
  routePlanReply,
  routePlanRequest,
  type ExclusionRule,
  type PlannedAttempt,
  type ProviderPreferences,
  type RouteFeatures,
  type RoutePlanReply,
  type RoutePlanRequest,
} from './route.js';
export { SURCHARGE_PPM_MAX, identity, leaseVector, usage, type Identity, type LeaseVector } from './scalars.js';
export {
  Alive,
  AttemptCancel,
  AttemptCredit,
  AttemptHeld,
  AttemptNeed,
  AttemptSettled,
  HealthCounters,
  LeaseRecall,
} from './signals.js';
export {
  SNAPSHOT_KEYS,
  affinityEntry,
  credentialEntry,
  endpointEntry,
  headEntry,
  idempotencyEntry,
  keyEntry,
  modelEntry,
  policyEntry,
  providerEntry,
  workspaceEntry,
  type CredentialEntry,
  type EndpointEntry,
  type HeadEntry,
  type IdempotencyEntry,
  type KeyEntry,
  type ModelEntry,
  type PolicyEntry,
  type ProviderEntry,
  type Suspension,
  type WorkspaceEntry,
} from './snapshot.js';
export { BUCKETS, QUEUE_GROUPS, STREAMS, SUBJECTS, subjectToken, type BucketName } from './subjects.js';
export { BillingWitnessesDisagreements } from './witnesses.js';
