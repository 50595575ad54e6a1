// One walk over the input items: checks their shape, and measures what routing and holds need. Nothing of their text is kept.
import { CHAT_LIMITS } from '../openai-chat/chat-request.js';
import { isObject, quote, refuse, typeOf, type JsonObject } from '../openai-chat/check-type.js';

type Modality = 'text' | 'image' | 'audio' | 'video' | 'file';

export interface InputMeasures {
  messageCount: number;
  mediaCharacters: number;
  images: number;
  unbounded: boolean;
  readonly seen: Set<Modality>;
}

const ROLES: ReadonlySet<unknown> = new Set(['user', 'assistant', 'system', 'developer']);

const aText = (field: string, value: unknown): string =>
  typeof value === 'string' ? value : refuse(field, `Expected string, received ${typeOf(value)}`);

const dataCharacters = (value: unknown): number =>
  typeof value === 'string' && value.startsWith('data:') ? value.length : 0;

const measurePart = (part: unknown, field: string, into: InputMeasures): void => {
  if (!isObject(part)) return refuse(field, `Expected object, received ${typeOf(part)}`);
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
      return void aText(`${field}.text`, part['text']);
    case 'refusal':
      return void aText(`${field}.refusal`, part['refusal']);
    case 'input_image':
      if (typeof part['file_id'] !== 'string') aText(`${field}.image_url`, part['image_url']);
      into.seen.add('image');
      into.images += 1;
      into.mediaCharacters += dataCharacters(part['image_url']);
      return;
    case 'input_file':
      if (!['file_id', 'file_url', 'file_data'].some((name) => typeof part[name] === 'string'))
        return refuse(field, 'Expected one of file_data, file_url, file_id as a string');
      into.seen.add('file');
      into.unbounded = true;
      if (typeof part['file_data'] === 'string') into.mediaCharacters += part['file_data'].length;
      return;
    case 'input_audio': {
      const audio = isObject(part['input_audio']) ? part['input_audio'] : {};
      into.seen.add('audio');
      into.mediaCharacters += aText(`${field}.input_audio.data`, audio['data']).length;
      return;
    }
    case 'input_video': {
      const url = aText(`${field}.video_url`, part['video_url']);
      into.seen.add('video');
      if (url.startsWith('data:')) into.mediaCharacters += url.length;
      else into.unbounded = true;
      return;
    }
    default:
      return refuse(
        `${field}.type`,
        `Expected one of 'input_text' | 'input_image' | 'input_file' | 'input_audio' | 'input_video' | 'output_text' | 'refusal', received ${typeof part['type'] === 'string' ? quote(part['type']) : typeOf(part['type'])}`,
      );
  }
};

const measureParts = (content: unknown, field: string, into: InputMeasures): void => {
  if (typeof content === 'string') return;
  if (!Array.isArray(content)) return refuse(field, `Expected string or array, received ${typeOf(content)}`);
  if (content.length > CHAT_LIMITS.parts)
    return refuse(field, `Array must contain at most ${CHAT_LIMITS.parts} element(s), received ${content.length}`);
  for (const [index, part] of (content as unknown[]).entries()) measurePart(part, `${field}[${index}]`, into);
};

const measureMessage = (item: JsonObject, field: string, into: InputMeasures): void => {
  const { role, content } = item;
  if (!ROLES.has(role))
    return refuse(
      `${field}.role`,
      `Expected 'user' | 'assistant' | 'system' | 'developer', received ${typeof role === 'string' ? quote(role) : typeOf(role)}`,
    );
  into.messageCount += 1;
  // Only an assistant may have said nothing.
  if ((content === null || content === undefined) && role === 'assistant') return;
  measureParts(content, `${field}.content`, into);
};

const measureItem = (item: unknown, field: string, into: InputMeasures): void => {
  if (!isObject(item)) return refuse(field, `Expected object, received ${typeOf(item)}`);
  const { type } = item;
  switch (type) {
    case undefined:
    case null:
    case 'message':
      return measureMessage(item, field, into);
    case 'function_call':
      for (const name of ['call_id', 'name', 'arguments']) aText(`${field}.${name}`, item[name]);
      into.messageCount += 1;
      return;
    case 'function_call_output':
      aText(`${field}.call_id`, item['call_id']);
      into.messageCount += 1;
      return measureParts(item['output'], `${field}.output`, into);
    case 'reasoning':
      if (item['summary'] !== undefined && item['summary'] !== null && !Array.isArray(item['summary']))
        return refuse(`${field}.summary`, `Expected array, received ${typeOf(item['summary'])}`);
      return;
    case 'item_reference':
      return refuse(`${field}.type`, "nothing is stored here that 'item_reference' could name; send the item itself");
    default:
      if (typeof type !== 'string') return refuse(`${field}.type`, `Expected string, received ${typeOf(type)}`);
      into.messageCount += 1;
  }
};

/** @throws WaystationError `invalid_request` that names the item and the field */
export const measureInput = (input: unknown): InputMeasures => {
  const into: InputMeasures = {
    messageCount: 0,
    mediaCharacters: 0,
    images: 0,
    unbounded: false,
    seen: new Set(['text']),
  };
  if (input === undefined || input === null) return refuse('input', 'Invalid request: input is required');
  if (typeof input === 'string') return { ...into, messageCount: 1 };
  if (!Array.isArray(input)) return refuse('input', `Expected string or array, received ${typeOf(input)}`);
  if (input.length === 0) return refuse('input', 'Array must contain at least 1 element(s)');
  if (input.length > CHAT_LIMITS.messages)
    return refuse('input', `Array must contain at most ${CHAT_LIMITS.messages} element(s), received ${input.length}`);
  for (const [index, item] of (input as unknown[]).entries()) measureItem(item, `input[${index}]`, into);
  return into;
};
