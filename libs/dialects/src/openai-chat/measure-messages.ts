// One walk over the messages: checks their shape, and measures what routing and holds need. Nothing of their text is kept.
import { CHAT_LIMITS } from './chat-request.js';
import { isObject, quote, refuse, typeOf, type JsonObject } from './check-type.js';

export type Modality = 'text' | 'image' | 'audio' | 'video' | 'file';

export interface ContentMeasures {
  /** Characters of media that stand in the body (data URLs, base64): they are no text. */
  mediaCharacters: number;
  images: number;
  /** Content that the body only refers to, so that its tokens cannot be bounded by its bytes. */
  unbounded: boolean;
}

export interface MessageMeasures extends ContentMeasures {
  readonly messageCount: number;
  readonly inputModalities: Modality[];
}

const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

const isData = (url: string): boolean => url.startsWith('data:');

const textOf = (field: string, value: unknown): string =>
  typeof value === 'string' ? value : refuse(field, `Expected string, received ${typeOf(value)}`);

const objectOf = (field: string, value: unknown): JsonObject =>
  isObject(value) ? value : refuse(field, `Expected object, received ${typeOf(value)}`);

/** What each kind of content part means for the measures. Data, so that a new kind is one line. */
const PARTS: ReadonlyMap<
  unknown,
  (part: JsonObject, field: string, into: ContentMeasures, seen: Set<Modality>) => void
> = new Map([
  ['text', (part, field) => void textOf(`${field}.text`, part['text'])],
  ['refusal', (part, field) => void textOf(`${field}.refusal`, part['refusal'])],
  [
    'image_url',
    (part, field, into, seen) => {
      const url = textOf(`${field}.image_url.url`, objectOf(`${field}.image_url`, part['image_url'])['url']);
      seen.add('image');
      into.images += 1;
      if (isData(url)) into.mediaCharacters += url.length;
    },
  ],
  [
    'input_audio',
    (part, field, into, seen) => {
      const data = textOf(`${field}.input_audio.data`, objectOf(`${field}.input_audio`, part['input_audio'])['data']);
      seen.add('audio');
      into.mediaCharacters += data.length;
    },
  ],
  ['video_url', (part, field, into, seen) => video(part, 'video_url', field, into, seen)],
  ['input_video', (part, field, into, seen) => video(part, 'input_video', field, into, seen)],
  [
    'file',
    (part, field, into, seen) => {
      const data = objectOf(`${field}.file`, part['file'])['file_data'];
      seen.add('file');
      into.unbounded = true;
      if (typeof data === 'string') into.mediaCharacters += data.length;
    },
  ],
]);

const video = (part: JsonObject, name: string, field: string, into: ContentMeasures, seen: Set<Modality>): void => {
  const value = part[name];
  const url = textOf(`${field}.${name}.url`, isObject(value) ? value['url'] : value);
  seen.add('video');
  if (isData(url)) into.mediaCharacters += url.length;
  else into.unbounded = true;
};

/** The parts of one content, text alone or a list. @throws WaystationError `invalid_request` */
export const measureContent = (field: string, content: unknown, into: ContentMeasures, seen: Set<Modality>): void => {
  if (typeof content === 'string') return;
  if (!Array.isArray(content)) return refuse(field, `Expected string or array, received ${typeOf(content)}`);
  if (content.length > CHAT_LIMITS.parts)
    return refuse(field, `Array must contain at most ${CHAT_LIMITS.parts} element(s), received ${content.length}`);
  for (let index = 0; index < content.length; index += 1) {
    const at = `${field}[${index}]`;
    const part = objectOf(at, content[index]);
    const measure = PARTS.get(part['type']);
    if (measure === undefined)
      return refuse(
        `${at}.type`,
        `Expected one of ${[...PARTS.keys()].map((type) => `'${String(type)}'`).join(' | ')}, received ${typeof part['type'] === 'string' ? quote(part['type']) : typeOf(part['type'])}`,
      );
    measure(part, at, into, seen);
  }
};

/** @throws WaystationError `invalid_request` that names the message and the field */
export const measureMessages = (messages: unknown): MessageMeasures => {
  if (messages === undefined || messages === null) return refuse('messages', 'Invalid request: messages is required');
  if (!Array.isArray(messages)) return refuse('messages', `Expected array, received ${typeOf(messages)}`);
  if (messages.length === 0) return refuse('messages', 'Array must contain at least 1 element(s)');
  if (messages.length > CHAT_LIMITS.messages)
    return refuse(
      'messages',
      `Array must contain at most ${CHAT_LIMITS.messages} element(s), received ${messages.length}`,
    );

  const seen = new Set<Modality>(['text']);
  const measures = {
    messageCount: messages.length,
    inputModalities: [] as Modality[],
    mediaCharacters: 0,
    images: 0,
    unbounded: false,
  };
  for (let index = 0; index < messages.length; index += 1) {
    const field = `messages[${index}]`;
    const message = objectOf(field, messages[index]);
    const role = message['role'];
    if (!ROLES.has(role))
      return refuse(
        `${field}.role`,
        `Expected 'system' | 'developer' | 'user' | 'assistant' | 'tool', received ${typeof role === 'string' ? quote(role) : typeOf(role)}`,
      );
    const content = message['content'];
    // Only an assistant may say nothing: it may have called tools instead.
    if (content === undefined || content === null) {
      if (role !== 'assistant' && role !== 'function')
        return refuse(`${field}.content`, `Expected string or array, received ${typeOf(content)}`);
    } else measureContent(`${field}.content`, content, measures, seen);
    if (role === 'tool') textOf(`${field}.tool_call_id`, message['tool_call_id']);
    const calls = message['tool_calls'];
    if (calls !== undefined && calls !== null && !Array.isArray(calls))
      return refuse(`${field}.tool_calls`, `Expected array, received ${typeOf(calls)}`);
  }
  measures.inputModalities.push(...seen);
  return measures;
};

const OPENING_CHARACTERS = 2_048;

const opening = (message: JsonObject | undefined): string => {
  const content = message?.['content'];
  if (typeof content === 'string') return `${content.length}:${content.slice(0, OPENING_CHARACTERS)}`;
  if (!Array.isArray(content)) return '';
  const text = content
    .map((part) =>
      isObject(part) && typeof part['text'] === 'string' ? part['text'].slice(0, OPENING_CHARACTERS) : '',
    )
    .join('\n');
  return `${content.length}:${text.slice(0, OPENING_CHARACTERS)}`;
};

/** What stays the same through a conversation: the opening of its first system and its first other message. Only ever hashed. */
export const conversationOpening = (messages: readonly JsonObject[]): string => {
  const isSystem = (message: JsonObject): boolean => message['role'] === 'system' || message['role'] === 'developer';
  return `${opening(messages.find(isSystem))}\n${opening(messages.find((message) => !isSystem(message)))}`;
};
