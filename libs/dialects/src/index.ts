// Public wire shapes and what they are made of.
export { MESSAGES_FIELDS, MESSAGES_PARAMETERS, OWN_MESSAGES_FIELDS } from './anthropic-messages/messages-fields.js';
export { OWN_RESPONSES_FIELDS, RESPONSES_FIELDS, RESPONSES_PARAMETERS } from './openai-responses/responses-fields.js';
export { cacheMarkerOf } from './request/cache-control.js';
export { namedEvent } from './sse.js';
export { CHAT_FIELDS, CHAT_PARAMETERS, OWN_CHAT_FIELDS } from './json/chat-fields.js';
export {
  byPosition,
  editMembers,
  memberEdits,
  spliceJson,
  type JsonEdit,
  type MemberChanges,
} from './json/edit-members.js';
export { scanArray, scanObject, scanTopLevelFields, walkArray } from './json/scan-top-level.js';
export { skipValue } from './json/skip-value.js';
export { parseArguments, parseHolding } from './json/exact-numbers.js';
export { JSON_DEPTH_MAX } from './json/skip-value.js';
export { CHAT_LIMITS, type ChatRequest, type ReadChatOptions } from './openai-chat/chat-request.js';
export { createContentCounter, type ContentCounter } from './openai-chat/count-content.js';
export { readChatRequest } from './openai-chat/read-chat-request.js';
export { readProviderPreferences, slugOfName } from './openai-chat/read-provider-preferences.js';
export {
  SSE_KEEP_ALIVE,
  chatStreamCut,
  chatStreamEnd,
  chatStreamError,
  chatUsageJson,
  withChatUsage,
  type ChatAnswer,
  type ChatBill,
} from './openai-chat/write-chat-response.js';
export { encryptedDetail, readReasoningDetails, textDetail } from './openai-chat/reasoning-details.js';
export { ENVELOPE_MARK, openEnvelope } from './reasoning/envelope.js';
export { anthropicMessages } from './anthropic-messages/anthropic-messages.js';
export { openAiChat } from './openai-chat/openai-chat.js';
export { openAiCompletions } from './openai-completions/openai-completions.js';
export { openAiResponses } from './openai-responses/openai-responses.js';
export { EMBEDDINGS_FIELDS, embeddings } from './embeddings/embeddings.js';
export { OWN_JOB_FIELDS } from './jobs/read-job.js';
export { RERANK_FIELDS, rerank } from './rerank/rerank.js';
export { pixelsOf, ratioOf } from './images/image-size.js';
export { images } from './images/images.js';
export { SPEECH_FIELDS, speech } from './speech/speech.js';
export { readTranscriptionForm } from './transcriptions/read-form.js';
export { soundLength, type SoundLength } from './transcriptions/sound-length.js';
export { transcriptions } from './transcriptions/transcriptions.js';
export type { StreamJoint } from './continuation/stream-joint.js';
export { withAssistantText } from './continuation/with-assistant-text.js';
export { findPublicDialect } from './registry.js';
export { answerKey, type AnswerQuestion } from './replay/answer-key.js';
export { replayAnswer, type Replay } from './replay/replay-answer.js';
export { createdSecondsOf } from './created-seconds.js';
export { chatFinishReason } from './openai-chat/finish-word.js';
export { textsWithin, PROMPT_ROOTS, type FoundText, type TextsWithin } from './screening/texts-within.js';
export { replaceTexts, type AnswerText } from './plugins/answer-texts.js';
export { findAtPath, type ByteSpan, type Step } from './json/find-at-path.js';
export type { FileNote } from './plugins/answer-notes.js';
export {
  fileNotesIn,
  filesIn,
  replaceFiles,
  type FileShapes,
  type PromptFile,
  type ReadFile,
} from './plugins/prompt-files.js';
export type { Excess } from './plugins/middle-out.js';
export type { Plugins } from './plugins/read-plugins.js';
export type {
  AnswerTerms,
  BodyDialect,
  CallDialect,
  CallReading,
  EventWriter,
  JobDialect,
  JobName,
  PublicDialect,
} from './public-dialect.js';
export { toDialectError, type DialectError, type DialectName } from './to-dialect-error.js';
export { DIALECT_SCHEMAS } from './schema/dialect-schemas.js';
export { ref as schemaRef, type SchemaData } from './schema/schema-data.js';
