// What Converse and ConverseStream answer, as canonical events. Only tools announce their blocks; texts and thoughts begin with their first piece.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
// Image blocks of an answer are not read: no model of the documents makes any through Converse.
import type { WaystationError } from '@waystation/contracts';
import type { BodyDecoder, DecodeTerms, Decoding, Emit, StreamDecoder } from '../events/decoder.js';
import { isRecord, numberOf, present, recordOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { convertUsage } from './convert-usage.js';
import { eventStreamFraming } from './event-stream.js';
import { mapStopReason } from './map-stop-reason.js';
import { inBandError } from './parse-error.js';
import { CLAUDE_FORMAT } from './reasoning-format.js';

type Kind = 'text' | 'reasoning' | 'tool';

const kindOf = (delta: JsonObject): Kind | undefined => {
  if (textOf(delta['text']) !== undefined) return 'text';
  return isRecord(delta['reasoningContent']) ? 'reasoning' : undefined;
};

/** Base64 of the bytes of both. */
const joined = (before: string | undefined, piece: string): string =>
  before === undefined
    ? piece
    : Buffer.concat([Buffer.from(before, 'base64'), Buffer.from(piece, 'base64')]).toString('base64');

const citation = (index: number, told: JsonObject, emit: Emit): void => {
  const url = textOf(recordOf(recordOf(told['location'])['web'])['url']);
  if (url === undefined) return;
  const content = recordsOf(told['sourceContent'])
    .map(({ text }) => textOf(text) ?? '')
    .join('');
  emit({ type: 'citation', index, url, ...present({ title: textOf(told['title']), content: textOf(content) }) });
};

/** Follows one block from its beginning to its end. */
class Block {
  readonly kind: Kind;
  readonly #index: number;
  #signature: string | undefined;
  #redacted: string | undefined;

  private constructor(kind: Kind, index: number) {
    this.kind = kind;
    this.#index = index;
  }

  static text(index: number, emit: Emit): Block {
    emit({ type: 'text-start', index });
    return new Block('text', index);
  }

  static reasoning(index: number, format: string | undefined, emit: Emit): Block {
    emit({ type: 'reasoning-start', index, ...present({ format }) });
    return new Block('reasoning', index);
  }

  static tool(index: number, told: JsonObject, emit: Emit): Block {
    emit({
      type: 'tool-call-start',
      index,
      id: textOf(told['toolUseId']) ?? `call_${index}`,
      name: textOf(told['name']) ?? '',
    });
    return new Block('tool', index);
  }

  delta(told: JsonObject, emit: Emit): void {
    const index = this.#index;
    if (isRecord(told['citation'])) citation(index, told['citation'], emit);
    switch (this.kind) {
      case 'text': {
        const text = textOf(told['text']);
        if (text !== undefined) emit({ type: 'text-delta', index, text });
        return;
      }
      case 'reasoning': {
        const { text, signature, redactedContent } = recordOf(told['reasoningContent']);
        const thought = textOf(text);
        if (thought !== undefined) emit({ type: 'reasoning-delta', index, text: thought });
        const [signed, redacted] = [textOf(signature), textOf(redactedContent)];
        if (signed !== undefined) this.#signature = (this.#signature ?? '') + signed;
        if (redacted !== undefined) this.#redacted = joined(this.#redacted, redacted);
        return;
      }
      case 'tool': {
        const piece = textOf(recordOf(told['toolUse'])['input']);
        if (piece !== undefined) emit({ type: 'tool-call-delta', index, argumentsDelta: piece });
        return;
      }
      default: {
        const unreachable: never = this.kind;
        return unreachable;
      }
    }
  }

  end(emit: Emit): void {
    const index = this.#index;
    switch (this.kind) {
      case 'text':
        return emit({ type: 'text-end', index });
      case 'reasoning':
        return emit({
          type: 'reasoning-end',
          index,
          ...present({ signature: this.#signature, encrypted: this.#redacted }),
        });
      case 'tool':
        return emit({ type: 'tool-call-end', index });
      default: {
        const unreachable: never = this.kind;
        return unreachable;
      }
    }
  }
}

/** Blocks by the provider's index; ours count on, so that one index never means two blocks. */
class Blocks {
  readonly #format: string | undefined;
  readonly #open = new Map<number, Block>();
  #next = 0;

  constructor({ quirks }: DecodeTerms) {
    this.#format = quirks['family'] === 'claude' ? CLAUDE_FORMAT : undefined;
  }

  start(at: number, told: JsonObject, emit: Emit): void {
    const tool = told['toolUse'];
    // Tools that AWS runs itself are its own affair.
    if (!isRecord(tool) || tool['type'] === 'server_tool_use') return;
    this.stop(at, emit);
    this.#open.set(at, Block.tool(this.#next++, tool, emit));
  }

  delta(at: number, told: JsonObject, emit: Emit): void {
    const kind = kindOf(told);
    let block = this.#open.get(at);
    if (kind !== undefined && block?.kind !== kind) {
      this.stop(at, emit);
      const index = this.#next++;
      block = kind === 'text' ? Block.text(index, emit) : Block.reasoning(index, this.#format, emit);
      this.#open.set(at, block);
    }
    block?.delta(told, emit);
  }

  stop(at: number, emit: Emit): void {
    this.#open.get(at)?.end(emit);
    this.#open.delete(at);
  }

  end(emit: Emit): void {
    for (const at of [...this.#open.keys()]) this.stop(at, emit);
  }
}

const tellUsage = (metadata: JsonObject, emit: Emit): void => {
  const usage = convertUsage(metadata['usage']);
  if (Object.keys(usage).length === 0) return;
  emit({
    type: 'usage',
    usage,
    source: 'provider',
    ...present({ serviceTier: textOf(recordOf(metadata['serviceTier'])['type']) }),
  });
};

class ConverseDecoder implements StreamDecoder {
  readonly #terms: DecodeTerms;
  readonly #blocks: Blocks;
  #stop: string | undefined;
  #counted = false;

  constructor(terms: DecodeTerms) {
    this.#terms = terms;
    this.#blocks = new Blocks(terms);
  }

  /** Either may be the last: the documents show the counts behind the stop, models on other hosts tell them before. */
  get done(): boolean {
    return this.#stop !== undefined && this.#counted;
  }

  event(value: JsonObject, emit: Emit): WaystationError | undefined {
    for (const [name, told] of Object.entries(value)) {
      const failure = this.#one(name, recordOf(told), emit);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  end(emit: Emit): void {
    if (this.#stop === undefined) return;
    this.#blocks.end(emit);
    emit({ type: 'finish', reason: mapStopReason(this.#stop), nativeReason: this.#stop });
  }

  #one(name: string, told: JsonObject, emit: Emit): WaystationError | undefined {
    const at = numberOf(told['contentBlockIndex']) ?? 0;
    switch (name) {
      case 'messageStart':
        emit({ type: 'start' });
        return undefined;
      case 'contentBlockStart':
        this.#blocks.start(at, recordOf(told['start']), emit);
        return undefined;
      case 'contentBlockDelta':
        this.#blocks.delta(at, recordOf(told['delta']), emit);
        return undefined;
      case 'contentBlockStop':
        this.#blocks.stop(at, emit);
        return undefined;
      case 'messageStop':
        this.#stop = textOf(told['stopReason']) ?? this.#stop;
        return undefined;
      case 'metadata':
        this.#counted = true;
        tellUsage(told, emit);
        return undefined;
      case 'error':
        return inBandError(textOf(told['code']) ?? 'error', told, this.#terms);
      default:
        return name.endsWith('Exception') ? inBandError(name, told, this.#terms) : undefined;
    }
  }
}

/** A block of a whole message, as the pieces that a stream would tell it in. */
const tellBlock = (at: number, told: JsonObject, blocks: Blocks, emit: Emit): void => {
  const { toolUse, reasoningContent, citationsContent } = told;
  if (isRecord(toolUse)) {
    blocks.start(at, { toolUse }, emit);
    blocks.delta(at, { toolUse: { input: JSON.stringify(recordOf(toolUse['input'])) } }, emit);
  } else if (isRecord(reasoningContent)) {
    const { reasoningText, redactedContent } = reasoningContent;
    blocks.delta(at, { reasoningContent: { ...recordOf(reasoningText), redactedContent } }, emit);
  } else if (isRecord(citationsContent)) {
    for (const { text } of recordsOf(citationsContent['content'])) blocks.delta(at, { text }, emit);
    for (const each of recordsOf(citationsContent['citations'])) blocks.delta(at, { citation: each }, emit);
  } else blocks.delta(at, { text: told['text'] }, emit);
  blocks.stop(at, emit);
};

const decodeBody =
  (terms: DecodeTerms): BodyDecoder =>
  (answer, emit) => {
    const blocks = new Blocks(terms);
    emit({ type: 'start' });
    tellUsage(answer, emit);
    const message = recordOf(recordOf(answer['output'])['message']);
    for (const [at, told] of recordsOf(message['content']).entries()) tellBlock(at, told, blocks, emit);
    const stop = textOf(answer['stopReason']);
    if (stop !== undefined) emit({ type: 'finish', reason: mapStopReason(stop), nativeReason: stop });
    return undefined;
  };

export const converseDecoding: Decoding = {
  framing: eventStreamFraming,
  argumentMembers: new Set(['input']),
  stream: (terms) => new ConverseDecoder(terms),
  body: decodeBody,
};
