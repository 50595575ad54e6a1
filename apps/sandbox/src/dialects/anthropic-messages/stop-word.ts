// Why a message ended: https://docs.anthropic.com/en/api/handling-stop-reasons
import type { Reply, ToolCall } from '../../reply/plan-reply.js';

const WORDS = { stop: 'end_turn', length: 'max_tokens', 'tool-calls': 'tool_use', filter: 'refusal' } as const;

export const stopWord = (finish: Reply['finish']): string => WORDS[finish];

/** Ids as they look there. */
export const toolUseId = ({ id }: ToolCall): string => id.replace(/^call_/, 'toolu_');
