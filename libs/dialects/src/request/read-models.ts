// The models that a request names.
import { CHAT_LIMITS } from '../openai-chat/chat-request.js';
import { aListOf, aStringOf, checkOptional, type JsonObject } from '../openai-chat/check-type.js';

const aModel = aStringOf(CHAT_LIMITS.modelCharacters);

/** `model` first, then `models`, each once. */
export const readModels = (body: JsonObject): string[] => {
  checkOptional('model', body['model'], aModel);
  checkOptional('models', body['models'], aListOf(aModel, CHAT_LIMITS.models - 1));
  const first = body['model'] as string | null | undefined;
  const others = (body['models'] as string[] | null | undefined) ?? [];
  if (typeof first !== 'string') return [...new Set(others)];
  return others.length === 0 ? [first] : [...new Set([first, ...others])];
};
