// A conversation as Converse wants it: instructions apart, turns of user and assistant that alternate, results of tools as the user's, a cache point behind what is to be cached.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
import { hash } from 'node:crypto';
import { parseArguments } from '@waystation/dialects';
import type { AssistantPart, CacheMarker, Message, TextPart, ToolResultPart, UserPart } from '@waystation/generation';
import { isRecord } from '../json-shape.js';
import type { Losses } from '../losses.js';
import type { Quirks } from '../spec.js';
import { audioBlock, documentBlock, imageBlock, videoBlock } from './media-blocks.js';
import { isOwnReasoning } from './reasoning-format.js';

type Json = Record<string, unknown>;

export interface Context {
  readonly losses: Losses;
  readonly quirks: Quirks;
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html#prompt-caching-models: others refuse cache points. */
export const takesCachePoints = ({ family }: Quirks): boolean => family === 'claude' || family === 'nova';

/** Only Claude keeps an hour. */
export const cachePoint = (cache: CacheMarker | undefined, { losses, quirks }: Context): Json[] => {
  if (cache === undefined) return [];
  if (!takesCachePoints(quirks)) {
    losses.lose('cache_control', 'The endpoint takes no cache markers; they were left out.');
    return [];
  }
  return [
    { cachePoint: { type: 'default', ...(cache.ttl === '1h' && quirks['family'] === 'claude' ? { ttl: '1h' } : {}) } },
  ];
};

/** Blocks of nothing but white space are refused there. */
const textBlock = (text: string, { losses }: Context): Json[] => {
  if (text.trim() !== '') return [{ text }];
  if (text !== '') losses.lose('messages', 'A text of nothing but white space was left out.');
  return [];
};

const textWithCache = (part: TextPart, context: Context): Json[] => {
  const text = textBlock(part.text, context);
  return text.length === 0 ? [] : [...text, ...cachePoint(part.cache, context)];
};

const userBlocks = (part: UserPart, context: Context): Json[] => {
  switch (part.type) {
    case 'text':
      return textWithCache(part, context);
    case 'image':
      return [imageBlock(part), ...cachePoint(part.cache, context)];
    case 'file':
      return [documentBlock(part), ...cachePoint(part.cache, context)];
    case 'audio':
      return [audioBlock(part)];
    case 'video':
      return [videoBlock(part)];
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html */
const TOOL_ID_CHARS_MAX = 64;

const toolId = (id: string): string => {
  const clean = id.replace(/[^a-zA-Z0-9_-]/g, '_') || 'call';
  return clean.length <= TOOL_ID_CHARS_MAX ? clean : `call_${hash('sha256', id).slice(0, 32)}`;
};

const inputOf = (argumentsJson: string, { losses }: Context): unknown => {
  try {
    const parsed: unknown = argumentsJson === '' ? {} : parseArguments(argumentsJson);
    if (isRecord(parsed)) return parsed;
  } catch {
    // told below
  }
  losses.lose('messages', 'Arguments of an earlier tool call are no JSON object: they were given as text.');
  return { arguments: argumentsJson };
};

const assistantBlocks = (part: AssistantPart, context: Context): Json[] => {
  switch (part.type) {
    case 'text':
      return textWithCache(part, context);
    case 'refusal':
      return textBlock(part.text, context);
    case 'reasoning': {
      const own = isOwnReasoning(part, context.quirks);
      if (own && part.encrypted !== undefined) return [{ reasoningContent: { redactedContent: part.encrypted } }];
      if (own && part.signature !== undefined)
        return [{ reasoningContent: { reasoningText: { text: part.text, signature: part.signature } } }];
      context.losses.lose('reasoning', 'Reasoning of an earlier turn has no signature of this model; it was left out.');
      return [];
    }
    case 'tool-call':
      if (part.signature !== undefined) context.losses.loseCallSignature();
      return [
        { toolUse: { toolUseId: toolId(part.id), name: part.name, input: inputOf(part.argumentsJson, context) } },
      ];
    case 'image':
    case 'audio':
      context.losses.lose('messages', `The endpoint takes no ${part.type} of an assistant; it was left out.`);
      return [];
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

/** A result holds no cache points: what is marked inside is marked behind it. */
const resultBlocks = (result: ToolResultPart, context: Context): Json[] => {
  const content = result.content.flatMap((part): Json[] => {
    if (part.type === 'text') return textBlock(part.text, context);
    return [part.type === 'image' ? imageBlock(part) : documentBlock(part)];
  });
  const marker = result.cache ?? result.content.findLast(({ cache }) => cache !== undefined)?.cache;
  return [
    {
      toolResult: {
        toolUseId: toolId(result.callId),
        content: content.length === 0 ? [{ text: '(no output)' }] : content,
        ...(result.isError === true ? { status: 'error' } : {}),
      },
    },
    ...cachePoint(marker, context),
  ];
};

export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: Json[];
}

const turnOf = (message: Message, context: Context): Turn => {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: message.content.flatMap((part) => userBlocks(part, context)) };
    case 'assistant':
      return { role: 'assistant', content: message.content.flatMap((part) => assistantBlocks(part, context)) };
    case 'tool':
      return { role: 'user', content: message.content.flatMap((part) => resultBlocks(part, context)) };
    case 'system':
    case 'developer':
      context.losses.lose(
        'messages',
        'Instructions in the middle of a conversation were given as a message of the user.',
      );
      return { role: 'user', content: message.content.flatMap((part) => textWithCache(part, context)) };
    default: {
      const unreachable: never = message;
      return unreachable;
    }
  }
};

/** What stands behind another of the same role joins it. */
const turnsOf = (messages: readonly Message[], context: Context): Turn[] => {
  const turns: Turn[] = [];
  for (const message of messages) {
    const turn = turnOf(message, context);
    if (turn.content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === turn.role) last.content.push(...turn.content);
    else turns.push(turn);
  }
  return turns;
};

export interface Conversation {
  readonly system: readonly Json[];
  readonly turns: readonly Turn[];
}

export const conversationOf = (messages: readonly Message[], context: Context): Conversation => {
  const system: Json[] = [];
  let at = 0;
  for (; at < messages.length; at += 1) {
    const message = messages[at];
    if (message?.role !== 'system' && message?.role !== 'developer') break;
    system.push(...message.content.flatMap((part) => textWithCache(part, context)));
  }
  return { system, turns: turnsOf(messages.slice(at), context) };
};
