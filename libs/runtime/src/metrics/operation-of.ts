// What OpenTelemetry calls the operation of a request. https://github.com/open-telemetry/semantic-conventions-genai

const OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['completions', 'text_completion'],
  ['openai-completions', 'text_completion'],
  ['embeddings', 'embeddings'],
  ['rerank', 'rerank'],
  ['images', 'generate_content'],
  ['speech', 'generate_content'],
  ['transcriptions', 'generate_content'],
]);

/** @param api of a request, or the dialect that its client speaks */
export const operationOf = (api: string): string => OPERATIONS.get(api) ?? 'chat';
