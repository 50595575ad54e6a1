// OpenAI's words for why a completion ended.
import type { Reply } from '../../reply/plan-reply.js';

const WORDS = { stop: 'stop', length: 'length', 'tool-calls': 'tool_calls', filter: 'content_filter' } as const;

export const finishWord = (finish: Reply['finish']): string => WORDS[finish];
