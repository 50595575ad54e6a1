// A Responses answer out of canonical events, as a stream or as one body: both gather the same items, a stream tells of each step besides.
// What closes a stream waits for the bill; a body's usage is put in by whoever has it. https://platform.openai.com/docs/api-reference/responses-streaming
import type { GenerationEvent, Warning } from '@waystation/generation';
import { createdSecondsOf } from '../created-seconds.js';
import { AnswerLosses } from '../answer-losses.js';
import type { AnswerTerms, EventWriter } from '../public-dialect.js';
import { namedEvent } from '../sse.js';
import { UNKNOWN_FORMAT } from '../reasoning/format.js';
import { OpenCall, OpenMessage, OpenThought, encryptedContent, wholeItem, type Tell } from './open-items.js';
import { responseEvent, responseJson, type ResponseHead } from './responses-json.js';

/** Where a block of events goes. */
type Block =
  | { readonly kind: 'part'; readonly message: OpenMessage; readonly index: number }
  | { readonly kind: 'thought'; readonly thought: OpenThought }
  | { readonly kind: 'call'; readonly call: OpenCall };

/** As chat completions tell them: `{content: […]}`. */
const logprobsOf = (told: unknown): readonly unknown[] => {
  const content = typeof told === 'object' && told !== null && 'content' in told ? told.content : undefined;
  return Array.isArray(content) ? (content as unknown[]) : [];
};

const GEN = 'gen-';

export class ResponsesAnswer implements EventWriter {
  readonly #head: ResponseHead;
  readonly #stream: boolean;
  readonly #tell: Tell | undefined;
  readonly #idEnd: string;
  readonly #losses = new AnswerLosses();
  #text = '';
  #sequence = 0;
  #begun = false;
  readonly #output: Record<string, unknown>[] = [];
  readonly #blocks = new Map<number, Block>();
  /** Takes further texts and refusals until another kind of item begins. */
  #message: OpenMessage | undefined;
  #refusal: { readonly message: OpenMessage; readonly index: number } | undefined;
  /** Of the last text: where a citation of a block that nobody knows belongs. */
  #lastText: { readonly message: OpenMessage; readonly index: number } | undefined;
  #incomplete: string | undefined;

  constructor({ generationId, model, providerName, stream }: AnswerTerms) {
    this.#head = { id: generationId, createdAt: createdSecondsOf(generationId), model, provider: providerName };
    this.#idEnd = generationId.startsWith(GEN) ? generationId.slice(GEN.length) : generationId;
    this.#stream = stream;
    if (stream)
      this.#tell = (type, members) => {
        this.#text += namedEvent(type, `{"type":"${type}","sequence_number":${this.#sequence++},${members}}`);
      };
  }

  get warnings(): readonly Warning[] {
    return this.#losses.warnings;
  }

  event(event: GenerationEvent): void {
    this.#begin();
    switch (event.type) {
      case 'text-start': {
        const message = this.#openMessage();
        this.#endRefusal();
        const part = { message, index: message.begin('text') };
        this.#lastText = part;
        return void this.#blocks.set(event.index, { kind: 'part', ...part });
      }
      case 'text-delta': {
        const block = this.#blocks.get(event.index);
        if (block?.kind === 'part') block.message.say(block.index, event.text, logprobsOf(event.logprobs));
        return;
      }
      case 'text-end': {
        const block = this.#blocks.get(event.index);
        if (block?.kind === 'part') block.message.endPart(block.index);
        return;
      }
      case 'refusal-delta':
        return this.#refuse(event.text);
      case 'citation': {
        const block = this.#blocks.get(event.index);
        const part = block?.kind === 'part' ? block : this.#lastText;
        return part?.message.cite(part.index, event);
      }
      case 'reasoning-start': {
        const about = { summary: event.summary === true, format: event.format, id: event.id };
        const thought = this.#add(event.id ?? this.#id('rs'), (id, at, tell) => new OpenThought(id, at, about, tell));
        return void this.#blocks.set(event.index, { kind: 'thought', thought });
      }
      case 'reasoning-delta': {
        const block = this.#blocks.get(event.index);
        if (block?.kind === 'thought') block.thought.think(event.text);
        return;
      }
      case 'reasoning-end': {
        const block = this.#blocks.get(event.index);
        if (block?.kind === 'thought' && !block.thought.end(event)) this.#losses.lose('signatures of reasoning');
        return;
      }
      case 'tool-call-start': {
        if (event.signature !== undefined) this.#seal(event.id, event.signature, event.format);
        const call = this.#add(this.#id('fc'), (id, at, tell) => new OpenCall(id, at, event, tell));
        return void this.#blocks.set(event.index, { kind: 'call', call });
      }
      case 'tool-call-delta': {
        const block = this.#blocks.get(event.index);
        if (block?.kind === 'call') block.call.add(event.argumentsDelta);
        return;
      }
      case 'tool-call-end': {
        const block = this.#blocks.get(event.index);
        if (block?.kind === 'call') block.call.end('completed');
        return;
      }
      case 'image':
        return this.#whole({
          id: this.#id('ig'),
          type: 'image_generation_call',
          status: 'completed',
          result: event.base64,
        });
      case 'finish':
        if (event.reason === 'length') this.#incomplete = 'max_output_tokens';
        if (event.reason === 'content-filter') this.#incomplete = 'content_filter';
        return;
      // Answers of this dialect hold neither sound nor files.
      case 'audio-start':
        return this.#losses.lose('sound');
      case 'file':
        return this.#losses.lose('files');
      case 'audio-delta':
      case 'audio-end':
      case 'start':
      case 'warning':
      case 'usage':
      case 'error':
        return;
      default: {
        const unreachable: never = event;
        return unreachable;
      }
    }
  }

  take(): Buffer {
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    return bytes;
  }

  end(): string | undefined {
    this.#begin();
    this.#endItems(this.#incomplete === undefined ? 'completed' : 'incomplete');
    const status = this.#incomplete === undefined ? 'completed' : 'incomplete';
    const json = responseJson(this.#head, { status, output: this.#output, incompleteReason: this.#incomplete });
    if (this.#stream) return responseEvent(`response.${status}`, this.#sequence++, json);
    this.#text = json;
    return undefined;
  }

  cut(): string | undefined {
    this.#incomplete = 'max_output_tokens';
    return this.end();
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (!this.#stream) return;
    const json = responseJson(this.#head, { status: 'in_progress' });
    for (const type of ['response.created', 'response.in_progress'])
      this.#text += responseEvent(type, this.#sequence++, json);
  }

  #id(kind: string): string {
    return `${kind}_${this.#idEnd}_${this.#output.length}`;
  }

  #openMessage(): OpenMessage {
    if (this.#message === undefined || this.#message.ended) {
      const position = this.#output.length;
      this.#message = new OpenMessage(this.#id('msg'), position, this.#tell);
      this.#output.push(this.#message.item);
    }
    return this.#message;
  }

  /** Another item begins: the message before it is over, unless the two interleave. */
  #add<T extends { readonly item: Record<string, unknown> }>(
    id: string,
    make: (id: string, position: number, tell: Tell | undefined) => T,
  ): T {
    this.#leaveMessage();
    const made = make(id, this.#output.length, this.#tell);
    this.#output.push(made.item);
    return made;
  }

  #whole(item: Record<string, unknown>): void {
    this.#leaveMessage();
    wholeItem(item, this.#output.length, this.#tell);
    this.#output.push(item);
  }

  #leaveMessage(): void {
    this.#endRefusal();
    if (this.#message?.hasOpenParts === false) this.#message.end('completed');
  }

  #refuse(text: string): void {
    if (this.#refusal === undefined) {
      const message = this.#openMessage();
      this.#refusal = { message, index: message.begin('refusal') };
    }
    this.#refusal.message.say(this.#refusal.index, text, []);
  }

  #endRefusal(): void {
    this.#refusal?.message.endPart(this.#refusal.index);
    this.#refusal = undefined;
  }

  /** What must go back with a call has no place in the call's item: a thought with the call's id carries it, as in `reasoning_details` of chat completions. */
  #seal(callId: string, signature: string, format = UNKNOWN_FORMAT): void {
    const content = encryptedContent({ format, id: callId, encrypted: signature });
    if (content === undefined) return this.#losses.lose('signatures of reasoning');
    this.#whole({
      id: callId,
      type: 'reasoning',
      summary: [],
      encrypted_content: content,
      format,
      status: 'completed',
    });
  }

  #endItems(status: 'completed' | 'incomplete'): void {
    for (const block of this.#blocks.values()) {
      if (block.kind === 'call') block.call.end(status);
      else if (block.kind === 'thought') block.thought.end({});
      else block.message.end(status);
    }
    this.#refusal?.message.end(status);
  }
}
