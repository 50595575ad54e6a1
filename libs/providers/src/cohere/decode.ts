// What Cohere's chat answers, as canonical events. Contents, tool calls and citations count their indexes each for themselves; a plan for tools has none and is what the model thought of them.
// https://docs.cohere.com/reference/chat-stream, https://docs.cohere.com/v2/docs/streaming
import type { WaystationError } from '@waystation/contracts';
import type { BodyDecoder, DecodeTerms, Decoding, Emit, StreamDecoder } from '../events/decoder.js';
import { sseFraming } from '../events/sse-framing.js';
import { numberOf, present, recordOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import { convertUsage } from './convert-usage.js';
import { mapFinishReason } from './map-finish-reason.js';

type Kind = 'text' | 'reasoning' | 'tool';

interface Block {
  readonly index: number;
  readonly kind: Kind;
}

/** Blocks by the provider's name for them; our indexes count on, so that one never means two. */
class Blocks {
  readonly #open = new Map<string, Block>();
  #next = 0;

  text(name: string, text: string | undefined, emit: Emit): void {
    const { index } = this.#of(name, 'text', emit);
    if (text !== undefined) emit({ type: 'text-delta', index, text });
  }

  thought(name: string, text: string | undefined, emit: Emit): void {
    const { index } = this.#of(name, 'reasoning', emit);
    if (text !== undefined) emit({ type: 'reasoning-delta', index, text });
  }

  tool(name: string, told: JsonObject, emit: Emit): void {
    this.end(name, emit);
    const index = this.#next++;
    const called = recordOf(told['function']);
    this.#open.set(name, { index, kind: 'tool' });
    emit({
      type: 'tool-call-start',
      index,
      id: textOf(told['id']) ?? `call_${index}`,
      name: textOf(called['name']) ?? '',
    });
    this.arguments(name, textOf(called['arguments']), emit);
  }

  arguments(name: string, piece: string | undefined, emit: Emit): void {
    const block = this.#open.get(name);
    if (block?.kind === 'tool' && piece !== undefined)
      emit({ type: 'tool-call-delta', index: block.index, argumentsDelta: piece });
  }

  /** Sources that the client has no address of, its own documents and tools, are not told. */
  citation(name: string, told: JsonObject, emit: Emit): void {
    for (const source of recordsOf(told['sources'])) {
      const document = recordOf(source['document']);
      const url = textOf(document['url']);
      if (url === undefined) continue;
      emit({
        type: 'citation',
        index: this.#open.get(name)?.index ?? 0,
        url,
        ...present({
          title: textOf(document['title']),
          content: textOf(told['text']),
          startIndex: numberOf(told['start']),
          endIndex: numberOf(told['end']),
        }),
      });
    }
  }

  end(name: string, emit: Emit): void {
    const block = this.#open.get(name);
    if (block === undefined) return;
    this.#open.delete(name);
    const { index, kind } = block;
    switch (kind) {
      case 'text':
        return emit({ type: 'text-end', index });
      case 'reasoning':
        return emit({ type: 'reasoning-end', index });
      case 'tool':
        return emit({ type: 'tool-call-end', index });
      default: {
        const unreachable: never = kind;
        return unreachable;
      }
    }
  }

  endAll(emit: Emit): void {
    for (const name of [...this.#open.keys()]) this.end(name, emit);
  }

  #of(name: string, kind: 'text' | 'reasoning', emit: Emit): Block {
    const open = this.#open.get(name);
    if (open?.kind === kind) return open;
    this.end(name, emit);
    const block = { index: this.#next++, kind };
    this.#open.set(name, block);
    emit({ type: `${kind}-start`, index: block.index });
    return block;
  }
}

const PLAN = 'plan';
const contentName = (index: number): string => `content ${index}`;
const toolName = (index: number): string => `tool ${index}`;

/** A piece of content: texts and thoughts are told apart by the member that holds them. */
const tellContent = (name: string, content: JsonObject, blocks: Blocks, emit: Emit): void => {
  const { text, thinking } = content;
  if (typeof thinking === 'string') blocks.thought(name, textOf(thinking), emit);
  else if (typeof text === 'string') blocks.text(name, textOf(text), emit);
};

const tellEnd = (told: JsonObject, terms: DecodeTerms, emit: Emit): WaystationError | undefined => {
  const usage = convertUsage(told['usage']);
  if (Object.keys(usage).length > 0) emit({ type: 'usage', usage, source: 'provider' });
  const error = textOf(told['error']);
  return error === undefined ? undefined : parseInBandError(JSON.stringify({ message: error }), terms);
};

class CohereDecoder implements StreamDecoder {
  readonly #terms: DecodeTerms;
  readonly #blocks = new Blocks();
  #reason: string | undefined;
  done = false;

  constructor(terms: DecodeTerms) {
    this.#terms = terms;
  }

  event(value: JsonObject, emit: Emit): WaystationError | undefined {
    const delta = recordOf(value['delta']);
    const message = recordOf(delta['message']);
    const index = numberOf(value['index']) ?? 0;
    switch (value['type']) {
      case 'message-start':
        emit({ type: 'start', ...present({ upstreamId: textOf(value['id']) }) });
        return undefined;
      case 'content-start':
      case 'content-delta':
        // What was planned is over when there is something to say.
        this.#blocks.end(PLAN, emit);
        tellContent(contentName(index), recordOf(message['content']), this.#blocks, emit);
        return undefined;
      case 'content-end':
        this.#blocks.end(contentName(index), emit);
        return undefined;
      case 'tool-plan-delta': {
        const plan = textOf(message['tool_plan']);
        if (plan !== undefined) this.#blocks.thought(PLAN, plan, emit);
        return undefined;
      }
      case 'tool-call-start':
        this.#blocks.end(PLAN, emit);
        this.#blocks.tool(toolName(index), recordOf(message['tool_calls']), emit);
        return undefined;
      case 'tool-call-delta': {
        const called = recordOf(recordOf(message['tool_calls'])['function']);
        this.#blocks.arguments(toolName(index), textOf(called['arguments']), emit);
        return undefined;
      }
      case 'tool-call-end':
        this.#blocks.end(toolName(index), emit);
        return undefined;
      case 'citation-start': {
        const citation = recordOf(message['citations']);
        this.#blocks.citation(contentName(numberOf(citation['content_index']) ?? 0), citation, emit);
        return undefined;
      }
      case 'message-end':
        this.done = true;
        this.#reason = textOf(delta['finish_reason']);
        return tellEnd(delta, this.#terms, emit);
      default:
        // citation-end, debug, and events of later versions; an error of a gateway in front has no type
        return value['type'] === undefined && textOf(value['message']) !== undefined
          ? parseInBandError(JSON.stringify(value), this.#terms)
          : undefined;
    }
  }

  end(emit: Emit): void {
    if (this.#reason === undefined) return;
    this.#blocks.endAll(emit);
    emit({ type: 'finish', reason: mapFinishReason(this.#reason), nativeReason: this.#reason });
  }
}

const decodeBody =
  (terms: DecodeTerms): BodyDecoder =>
  (answer, emit) => {
    const blocks = new Blocks();
    emit({ type: 'start', ...present({ upstreamId: textOf(answer['id']) }) });
    const message = recordOf(answer['message']);
    const plan = textOf(message['tool_plan']);
    if (plan !== undefined) blocks.thought(PLAN, plan, emit);
    for (const [at, content] of recordsOf(message['content']).entries())
      tellContent(contentName(at), content, blocks, emit);
    for (const citation of recordsOf(message['citations']))
      blocks.citation(contentName(numberOf(citation['content_index']) ?? 0), citation, emit);
    for (const [at, called] of recordsOf(message['tool_calls']).entries()) blocks.tool(toolName(at), called, emit);
    blocks.endAll(emit);
    const failure = tellEnd(answer, terms, emit);
    const reason = textOf(answer['finish_reason']);
    if (reason !== undefined) emit({ type: 'finish', reason: mapFinishReason(reason), nativeReason: reason });
    return failure;
  };

export const cohereDecoding: Decoding = {
  framing: sseFraming,
  // Not in the reference, but what Cohere's own client ends at: https://github.com/cohere-ai/cohere-typescript, `streamTerminator`.
  endMarker: '[DONE]',
  stream: (terms) => new CohereDecoder(terms),
  body: decodeBody,
};
