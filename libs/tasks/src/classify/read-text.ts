// The text of a request that tells what it is about: its last question, and its instructions. Pure, and bounded whatever the request is.
import { isJson, type PresetDialect } from '../presets/preset-words.js';
import { systemTextOf } from '../presets/system-text.js';

export interface RequestText {
  readonly question: string;
  readonly instructions: string;
}

const QUESTION_CHARACTERS_MAX = 16_384;
const INSTRUCTIONS_CHARACTERS_MAX = 4_096;

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (isJson(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join(' ')
    .trim();
};

const lastQuestion = (messages: unknown): string => {
  if (typeof messages === 'string') return messages;
  if (!Array.isArray(messages)) return '';
  for (const message of (messages as unknown[]).toReversed()) {
    if (!isJson(message) || message['role'] !== 'user') continue;
    const text = textOf(message['content']);
    if (text !== '') return text;
  }
  return '';
};

/** `body`: of a dialect, or of a legacy completion, whose prompt is the question. */
export const readText = (dialect: PresetDialect | 'openai-completions', body: unknown): RequestText => {
  if (!isJson(body)) return { question: '', instructions: '' };
  const asked = body['messages'] ?? body['input'] ?? body['prompt'];
  const instructions = dialect === 'openai-completions' ? undefined : systemTextOf(dialect, body);
  return {
    question: lastQuestion(asked).slice(0, QUESTION_CHARACTERS_MAX),
    instructions: (instructions ?? '').slice(0, INSTRUCTIONS_CHARACTERS_MAX),
  };
};
