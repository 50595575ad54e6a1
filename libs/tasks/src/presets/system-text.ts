// Where a dialect has its system prompt: the text in a body, and a body with one. Pure.
import { isJson, type Json, type PresetDialect } from './preset-words.js';

const SYSTEM_ROLES: ReadonlySet<unknown> = new Set(['system', 'developer']);

const textOf = (content: unknown): string | undefined => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  return content
    .map((part: unknown) => (isJson(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('');
};

const inMessages = (messages: unknown): string | undefined => {
  const own = Array.isArray(messages)
    ? messages.filter((message: unknown): message is Json => isJson(message) && SYSTEM_ROLES.has(message['role']))
    : [];
  return own.length === 0 ? undefined : own.map(({ content }) => textOf(content) ?? '').join('\n\n');
};

/** Undefined where there is none. */
export const systemTextOf = (dialect: PresetDialect, body: Json): string | undefined => {
  switch (dialect) {
    case 'openai-chat':
      return inMessages(body['messages']);
    case 'anthropic-messages':
      return textOf(body['system']);
    case 'openai-responses':
      return textOf(body['instructions']) ?? inMessages(body['input']);
    default:
      return dialect satisfies never;
  }
};

/** The body with this system prompt, which it must not have one of its own beside. */
export const withSystemText = (dialect: PresetDialect, body: Json, text: string): Json => {
  switch (dialect) {
    case 'openai-chat':
      return Array.isArray(body['messages'])
        ? { ...body, messages: [{ role: 'system', content: text }, ...(body['messages'] as unknown[])] }
        : body;
    case 'anthropic-messages':
      return { ...body, system: text };
    case 'openai-responses':
      return { ...body, instructions: text };
    default:
      return dialect satisfies never;
  }
};
