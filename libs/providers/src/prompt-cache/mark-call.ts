// A canonical call with marks for the provider's prompt cache in it, where its client asks for them. Every dialect that reads marks builds its request from the result; the others never see it.
import type { CacheMarker, FunctionTool, GenerationCall, Message, Tool, ToolResultPart } from '@waystation/generation';
import type { Quirks } from '../spec.js';
import { cacheTokensMinOf, placeMarkers, type Piece } from './place-markers.js';

type Ttl = CacheMarker['ttl'];
type Part = Message['content'][number];
type CallPiece = Piece<Part | Tool>;

/** What an image or a file comes to at least, as if it were text. */
const MEDIA_BYTES = 3_000;

const lengthOf = (value: object): number => Buffer.byteLength(JSON.stringify(value));

const bytesOfPart = (part: Part): number => {
  switch (part.type) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return Buffer.byteLength(part.text);
    case 'tool-call':
      return Buffer.byteLength(part.argumentsJson);
    case 'tool-result':
      return part.content.reduce((sum, each) => sum + bytesOfPart(each), 0);
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return MEDIA_BYTES;
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

const hasText = (part: ToolResultPart['content'][number]): boolean => part.type !== 'text' || part.text.trim() !== '';

const canBeMarked = (part: Part): boolean => {
  switch (part.type) {
    case 'text':
      return part.text.trim() !== '';
    case 'image':
    case 'file':
      return true;
    case 'tool-result':
      return part.content.some(hasText);
    case 'audio':
    case 'video':
    case 'reasoning':
    case 'tool-call':
    case 'refusal':
      return false;
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

const ownMark = ({ cache }: { readonly cache?: CacheMarker }): Ttl[] => (cache === undefined ? [] : [cache.ttl]);

const marksOf = (part: Part): Ttl[] => {
  switch (part.type) {
    case 'text':
    case 'image':
    case 'file':
      return ownMark(part);
    case 'tool-result':
      return [...part.content.flatMap((each) => ownMark(each)), ...ownMark(part)];
    case 'audio':
    case 'video':
    case 'reasoning':
    case 'tool-call':
    case 'refusal':
      return [];
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

const toolPiece = (tool: Tool): CallPiece => ({
  section: 'tools',
  isAnswer: false,
  bytes: tool.type === 'function' ? lengthOf([tool.name, tool.description, tool.parameters]) : lengthOf(tool.config),
  canBeMarked: tool.type === 'function',
  marks: tool.type === 'function' ? ownMark(tool) : [],
  handle: tool,
});

const isInstruction = ({ role }: Message): boolean => role === 'system' || role === 'developer';

const piecesOf = ({ tools = [], messages }: GenerationCall): CallPiece[] => {
  const firstSaid = messages.findIndex((message) => !isInstruction(message));
  return [
    ...tools.map(toolPiece),
    ...messages.flatMap((message, at) =>
      message.content.map((part): CallPiece => ({
        section: firstSaid < 0 || at < firstSaid ? 'instructions' : 'conversation',
        isAnswer: message.role === 'assistant',
        bytes: bytesOfPart(part),
        canBeMarked: canBeMarked(part),
        marks: marksOf(part),
        handle: part,
      })),
    ),
  ];
};

/** The same call where its client does not ask, or there is nothing to mark. */
export const markCall = (
  call: GenerationCall,
  quirks: Quirks,
  { marksTools }: { readonly marksTools: boolean },
): GenerationCall => {
  if (call.promptCache === undefined) return call;
  const placed = placeMarkers(piecesOf(call), {
    ttl: call.promptCache.ttl,
    tokensMin: cacheTokensMinOf(quirks),
    marksTools,
  });
  if (placed.size === 0) return call;
  const marked = <Each extends Part | FunctionTool>(each: Each): Each => {
    const ttl = placed.get(each);
    return ttl === undefined ? each : { ...each, cache: { ttl } };
  };
  const markedMessage = (message: Message): Message => {
    switch (message.role) {
      case 'system':
      case 'developer':
        return { ...message, content: message.content.map(marked) };
      case 'user':
        return { ...message, content: message.content.map(marked) };
      case 'tool':
        return { ...message, content: message.content.map(marked) };
      case 'assistant':
        return message;
      default: {
        const unreachable: never = message;
        return unreachable;
      }
    }
  };
  return {
    ...call,
    ...(call.tools === undefined
      ? {}
      : { tools: call.tools.map((tool) => (tool.type === 'function' ? marked(tool) : tool)) }),
    messages: call.messages.map(markedMessage),
  };
};
