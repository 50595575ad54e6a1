// The language every other lib speaks: the canonical call, its events, usage and finish reasons. No dependency, no I/O.
export {
  PIECE_CLASSES,
  USAGE_CLASSES,
  inputTokens,
  outputTokens,
  type Usage,
  type UsageClass,
  type UsageSource,
} from './usage.js';
export { FINISH_REASONS, OUTCOMES, type FinishReason, type Outcome } from './finish.js';
export { isMeaningful, type GenerationEvent, type Warning } from './event.js';
export type {
  AssistantPart,
  AudioPart,
  CacheMarker,
  FilePart,
  FunctionTool,
  GenerationCall,
  ImagePart,
  MediaSource,
  Message,
  Modality,
  ProviderTool,
  ReasoningEffort,
  ReasoningOptions,
  ReasoningPart,
  RefusalPart,
  ResponseFormat,
  Sampling,
  TextPart,
  Tool,
  ToolCallPart,
  ToolChoice,
  ToolResultPart,
  UserPart,
  VideoPart,
} from './call.js';
