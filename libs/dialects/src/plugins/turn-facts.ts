// What compression has to know of an item of a conversation, by dialect.
import type { JsonObject } from '../openai-chat/check-type.js';
import { objectsOf } from '../request/json-shape.js';
import type { TurnFacts } from './middle-out.js';

const idsOf = (...values: unknown[]): string[] => values.filter((value) => typeof value === 'string');
const isSystem = (item: JsonObject): boolean => item['role'] === 'system' || item['role'] === 'developer';

export const chatFacts = (message: JsonObject): TurnFacts => ({
  fixed: isSystem(message),
  calls: idsOf(message['tool_call_id'], ...objectsOf(message['tool_calls']).map((call) => call['id'])),
  withNext: false,
});

export const messagesFacts = (message: JsonObject): TurnFacts => ({
  fixed: isSystem(message),
  calls: objectsOf(message['content']).flatMap((block) =>
    idsOf(block['type'] === 'tool_use' ? block['id'] : undefined, block['tool_use_id']),
  ),
  withNext: false,
});

export const responsesFacts = (item: JsonObject): TurnFacts => ({
  fixed: isSystem(item),
  calls: idsOf(item['call_id']),
  // Thoughts come before what was thought of, and are refused without it.
  withNext: item['type'] === 'reasoning',
});
