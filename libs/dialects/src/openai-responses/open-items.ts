// The items of an answer while they grow: a message with its parts, a thought, a call. Each tells its own events; where no one listens they only gather.
import { enclose } from '../reasoning/envelope.js';
import { UNKNOWN_FORMAT } from '../reasoning/format.js';
import { present } from '../request/json-shape.js';

/** Writes one event of the stream: type, and members beside type and number. */
export type Tell = (type: string, members: Record<string, unknown>) => void;

type Json = Record<string, unknown>;

interface TextContent extends Json {
  readonly type: 'output_text';
  text: string;
  readonly annotations: unknown[];
  readonly logprobs: unknown[];
}
interface RefusalContent extends Json {
  readonly type: 'refusal';
  refusal: string;
}

export interface Citation {
  readonly url: string;
  readonly title?: string | undefined;
  readonly startIndex?: number | undefined;
  readonly endIndex?: number | undefined;
}

interface Place {
  readonly item_id: string;
  readonly output_index: number;
}

const begin = (item: Json, position: number, tell: Tell): void =>
  tell('response.output_item.added', { output_index: position, item });

const done = (item: Json, position: number, tell: Tell): void =>
  tell('response.output_item.done', { output_index: position, item });

/** What a model says: texts and refusals, in parts. */
export class OpenMessage {
  readonly #tell: Tell;
  readonly #place: Place;
  readonly #parts: (TextContent | RefusalContent)[] = [];
  readonly #open = new Set<number>();
  readonly item: Json;
  #ended = false;

  constructor(id: string, position: number, tell: Tell) {
    this.#tell = tell;
    this.#place = { item_id: id, output_index: position };
    this.item = { id, type: 'message', role: 'assistant', status: 'in_progress', content: this.#parts };
    begin(this.item, position, tell);
  }

  get ended(): boolean {
    return this.#ended;
  }
  get hasOpenParts(): boolean {
    return this.#open.size > 0;
  }

  /** Returns the part's index in the message. */
  begin(kind: 'text' | 'refusal'): number {
    const index = this.#parts.length;
    const part: TextContent | RefusalContent =
      kind === 'text'
        ? { type: 'output_text', text: '', annotations: [], logprobs: [] }
        : { type: 'refusal', refusal: '' };
    this.#parts.push(part);
    this.#open.add(index);
    this.#tell('response.content_part.added', { ...this.#place, content_index: index, part });
    return index;
  }

  say(index: number, delta: string, logprobs: readonly unknown[]): void {
    const part = this.#parts[index];
    if (part === undefined || !this.#open.has(index)) return;
    const where = { ...this.#place, content_index: index };
    if (part.type === 'refusal') {
      part.refusal += delta;
      return this.#tell('response.refusal.delta', { ...where, delta });
    }
    part.text += delta;
    part.logprobs.push(...logprobs);
    this.#tell('response.output_text.delta', { ...where, delta, logprobs });
  }

  cite(index: number, { url, title, startIndex, endIndex }: Citation): void {
    const part = this.#parts[index];
    if (part?.type !== 'output_text') return;
    const annotation = {
      type: 'url_citation',
      url,
      title: title ?? '',
      start_index: startIndex ?? part.text.length,
      end_index: endIndex ?? part.text.length,
    };
    const position = part.annotations.push(annotation) - 1;
    this.#tell('response.output_text.annotation.added', {
      ...this.#place,
      content_index: index,
      annotation_index: position,
      annotation,
    });
  }

  endPart(index: number): void {
    const part = this.#parts[index];
    if (part === undefined || !this.#open.delete(index)) return;
    const where = { ...this.#place, content_index: index };
    if (part.type === 'refusal') this.#tell('response.refusal.done', { ...where, refusal: part.refusal });
    else this.#tell('response.output_text.done', { ...where, text: part.text, logprobs: part.logprobs });
    this.#tell('response.content_part.done', { ...where, part });
  }

  end(status: 'completed' | 'incomplete'): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const index of [...this.#open]) this.endPart(index);
    this.item['status'] = status;
    done(this.item, this.#place.output_index, this.#tell);
  }
}

/** Reasoning of providers that speak this dialect: what they sealed needs no envelope. */
const isOwn = (format: string): boolean => format.endsWith('-responses-v1');

/** What goes back in the one member that every client of this dialect sends back. */
export const encryptedContent = (thought: {
  readonly format: string;
  /** As the provider named it. */
  readonly id: string | undefined;
  readonly signature?: string | undefined;
  readonly encrypted?: string | undefined;
}): string | undefined => {
  const { format, id, signature, encrypted } = thought;
  if (signature === undefined && isOwn(format)) return encrypted;
  return enclose({ format, ...present({ id, signature, encrypted }) });
};

/** What a model thinks: a summary where its provider tells no more, its text otherwise. `format` and `signature` as the reference API extends the item. */
export class OpenThought {
  readonly #tell: Tell;
  readonly #place: Place;
  readonly #summary: boolean;
  readonly #format: string;
  readonly #id: string | undefined;
  readonly #pieces: { readonly type: string; text: string }[] = [];
  readonly item: Json;
  #ended = false;

  /** @param about `id`: the provider's, where it gave one */
  constructor(
    id: string,
    position: number,
    about: { readonly summary: boolean; readonly format: string | undefined; readonly id: string | undefined },
    tell: Tell,
  ) {
    this.#tell = tell;
    this.#place = { item_id: id, output_index: position };
    this.#summary = about.summary;
    this.#format = about.format ?? UNKNOWN_FORMAT;
    this.#id = about.id;
    this.item = {
      id,
      type: 'reasoning',
      summary: about.summary ? this.#pieces : [],
      ...(about.summary ? {} : { content: this.#pieces }),
      format: this.#format,
    };
    begin(this.item, position, tell);
  }

  think(delta: string): void {
    if (this.#ended) return;
    const piece = this.#pieces[0] ?? this.#begin();
    piece.text += delta;
    this.#tell(`response.${this.#words}.delta`, { ...this.#at, delta });
  }

  /** False where what it is sealed with is too long to go along. */
  end(sealed: { signature?: string | undefined; encrypted?: string | undefined }): boolean {
    if (this.#ended) return true;
    this.#ended = true;
    const [piece] = this.#pieces;
    if (piece !== undefined) {
      this.#tell(`response.${this.#words}.done`, { ...this.#at, text: piece.text });
      this.#tell(`response.${this.#part}.done`, { ...this.#at, part: piece });
    }
    if (sealed.signature !== undefined) this.item['signature'] = sealed.signature;
    const { signature, encrypted } = sealed;
    const content = encryptedContent({ format: this.#format, id: this.#id, signature, encrypted });
    if (content !== undefined) this.item['encrypted_content'] = content;
    this.item['status'] = 'completed';
    done(this.item, this.#place.output_index, this.#tell);
    return content !== undefined || (sealed.signature === undefined && sealed.encrypted === undefined);
  }

  #begin(): { readonly type: string; text: string } {
    const piece = { type: this.#summary ? 'summary_text' : 'reasoning_text', text: '' };
    this.#pieces.push(piece);
    this.#tell(`response.${this.#part}.added`, { ...this.#at, part: piece });
    return piece;
  }

  get #at(): Json {
    return { ...this.#place, ...(this.#summary ? { summary_index: 0 } : { content_index: 0 }) };
  }
  get #words(): string {
    return this.#summary ? 'reasoning_summary_text' : 'reasoning_text';
  }
  get #part(): string {
    return this.#summary ? 'reasoning_summary_part' : 'content_part';
  }
}

/** A call of one of the client's tools. */
export class OpenCall {
  readonly #tell: Tell;
  readonly #place: Place;
  readonly item: Json & { arguments: string };
  #ended = false;

  constructor(id: string, position: number, call: { readonly id: string; readonly name: string }, tell: Tell) {
    this.#tell = tell;
    this.#place = { item_id: id, output_index: position };
    this.item = { id, type: 'function_call', status: 'in_progress', call_id: call.id, name: call.name, arguments: '' };
    begin(this.item, position, tell);
  }

  add(delta: string): void {
    if (this.#ended) return;
    this.item.arguments += delta;
    this.#tell('response.function_call_arguments.delta', { ...this.#place, delta });
  }

  end(status: 'completed' | 'incomplete'): void {
    if (this.#ended) return;
    this.#ended = true;
    const { name, arguments: whole } = this.item;
    this.#tell('response.function_call_arguments.done', { ...this.#place, name, arguments: whole });
    this.item['status'] = status;
    done(this.item, this.#place.output_index, this.#tell);
  }
}

/** An item that is known at once. */
export const wholeItem = (item: Json, position: number, tell: Tell): void => {
  begin(item, position, tell);
  done(item, position, tell);
};
