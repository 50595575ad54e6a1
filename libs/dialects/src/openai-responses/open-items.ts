// The items of an answer while they grow: a message with its parts, a thought, a call. Each tells its own events; where no one listens they only gather.
// Events are written as JSON text, since every piece of a stream is one: what is the same in all of an item's events is text that was made once.
import { enclose } from '../reasoning/envelope.js';
import { UNKNOWN_FORMAT } from '../reasoning/format.js';
import { present } from '../request/json-shape.js';

/** Writes one event of the stream: type, and the members beside type and number, as JSON text without braces. */
export type Tell = (type: string, members: string) => void;
/** Undefined where no one listens: then nothing is written either. */
type MaybeTell = Tell | undefined;

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

const json = JSON.stringify;

/** Where an item is, as members of its events. */
const placeOf = (id: string, position: number): string => `"item_id":${json(id)},"output_index":${position}`;

const begin = (item: Json, position: number, tell: MaybeTell): void =>
  tell?.('response.output_item.added', `"output_index":${position},"item":${json(item)}`);

const done = (item: Json, position: number, tell: MaybeTell): void =>
  tell?.('response.output_item.done', `"output_index":${position},"item":${json(item)}`);

/** What a model says: texts and refusals, in parts. */
export class OpenMessage {
  readonly #tell: MaybeTell;
  readonly #position: number;
  readonly #place: string;
  readonly #parts: (TextContent | RefusalContent)[] = [];
  readonly #open = new Set<number>();
  readonly item: Json;
  #ended = false;

  constructor(id: string, position: number, tell: MaybeTell) {
    this.#tell = tell;
    this.#position = position;
    this.#place = placeOf(id, position);
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
    this.#tell?.('response.content_part.added', `${this.#partPlace(index)},"part":${json(part)}`);
    return index;
  }

  say(index: number, delta: string, logprobs: readonly unknown[]): void {
    const part = this.#parts[index];
    if (part === undefined || !this.#open.has(index)) return;
    if (part.type === 'refusal') {
      part.refusal += delta;
      return this.#tell?.('response.refusal.delta', `${this.#partPlace(index)},"delta":${json(delta)}`);
    }
    part.text += delta;
    part.logprobs.push(...logprobs);
    this.#tell?.(
      'response.output_text.delta',
      `${this.#partPlace(index)},"delta":${json(delta)},"logprobs":${json(logprobs)}`,
    );
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
    this.#tell?.(
      'response.output_text.annotation.added',
      `${this.#partPlace(index)},"annotation_index":${position},"annotation":${json(annotation)}`,
    );
  }

  endPart(index: number): void {
    const part = this.#parts[index];
    if (part === undefined || !this.#open.delete(index)) return;
    const where = this.#partPlace(index);
    if (part.type === 'refusal') this.#tell?.('response.refusal.done', `${where},"refusal":${json(part.refusal)}`);
    else
      this.#tell?.('response.output_text.done', `${where},"text":${json(part.text)},"logprobs":${json(part.logprobs)}`);
    this.#tell?.('response.content_part.done', `${where},"part":${json(part)}`);
  }

  end(status: 'completed' | 'incomplete'): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const index of [...this.#open]) this.endPart(index);
    this.item['status'] = status;
    done(this.item, this.#position, this.#tell);
  }

  #partPlace(index: number): string {
    return `${this.#place},"content_index":${index}`;
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
  readonly #tell: MaybeTell;
  readonly #position: number;
  /** Of its one piece. */
  readonly #at: string;
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
    tell: MaybeTell,
  ) {
    this.#tell = tell;
    this.#position = position;
    this.#at = `${placeOf(id, position)},"${about.summary ? 'summary_index' : 'content_index'}":0`;
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
    this.#tell?.(`response.${this.#words}.delta`, `${this.#at},"delta":${json(delta)}`);
  }

  /** False where what it is sealed with is too long to go along. */
  end(sealed: { signature?: string | undefined; encrypted?: string | undefined }): boolean {
    if (this.#ended) return true;
    this.#ended = true;
    const [piece] = this.#pieces;
    if (piece !== undefined) {
      this.#tell?.(`response.${this.#words}.done`, `${this.#at},"text":${json(piece.text)}`);
      this.#tell?.(`response.${this.#part}.done`, `${this.#at},"part":${json(piece)}`);
    }
    if (sealed.signature !== undefined) this.item['signature'] = sealed.signature;
    const { signature, encrypted } = sealed;
    const content = encryptedContent({ format: this.#format, id: this.#id, signature, encrypted });
    if (content !== undefined) this.item['encrypted_content'] = content;
    this.item['status'] = 'completed';
    done(this.item, this.#position, this.#tell);
    return content !== undefined || (sealed.signature === undefined && sealed.encrypted === undefined);
  }

  #begin(): { readonly type: string; text: string } {
    const piece = { type: this.#summary ? 'summary_text' : 'reasoning_text', text: '' };
    this.#pieces.push(piece);
    this.#tell?.(`response.${this.#part}.added`, `${this.#at},"part":${json(piece)}`);
    return piece;
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
  readonly #tell: MaybeTell;
  readonly #position: number;
  readonly #place: string;
  readonly item: Json & { arguments: string };
  #ended = false;

  constructor(id: string, position: number, call: { readonly id: string; readonly name: string }, tell: MaybeTell) {
    this.#tell = tell;
    this.#position = position;
    this.#place = placeOf(id, position);
    this.item = { id, type: 'function_call', status: 'in_progress', call_id: call.id, name: call.name, arguments: '' };
    begin(this.item, position, tell);
  }

  add(delta: string): void {
    if (this.#ended) return;
    this.item.arguments += delta;
    this.#tell?.('response.function_call_arguments.delta', `${this.#place},"delta":${json(delta)}`);
  }

  end(status: 'completed' | 'incomplete'): void {
    if (this.#ended) return;
    this.#ended = true;
    const { name, arguments: whole } = this.item;
    this.#tell?.(
      'response.function_call_arguments.done',
      `${this.#place},"name":${json(name)},"arguments":${json(whole)}`,
    );
    this.item['status'] = status;
    done(this.item, this.#position, this.#tell);
  }
}

/** An item that is known at once. */
export const wholeItem = (item: Json, position: number, tell: MaybeTell): void => {
  begin(item, position, tell);
  done(item, position, tell);
};
