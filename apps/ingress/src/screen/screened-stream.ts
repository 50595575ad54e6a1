// A stream that content filters look at before it goes out. Of every text of it a window is held back, so that what is spread over chunks is found whole; events go out in their order, and
// byte for byte as they came where nothing is taken out. Invariants: nothing goes out that is not clear; what is held back is bounded, and counts as consumed, so that the worker never waits for it.
import type { WaystationError } from '@waystation/contracts';
import {
  spliceJson,
  textsWithin,
  type ChatAnswer,
  type ChatBill,
  type FoundText,
  type JsonEdit,
} from '@waystation/dialects';
import {
  mergeRedactions,
  scanNow,
  withoutRanges,
  type ContentFilter,
  type Match,
  type Redaction,
} from '@waystation/screening';
import type { Delivery } from '../deliver/delivery.js';
import { blockedBy, type Verdicts } from './verdicts.js';

/** So much of a text comes together before it is looked at again. */
const BATCH_CHARACTERS = 64;
/** What stands before a place is its context. */
const CONTEXT_CHARACTERS = 64;
const NOT_CONSUMED = (): void => undefined;
const DATA = Buffer.from('data:');
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** One text that comes in pieces. Places count from its beginning. */
interface Channel {
  readonly pieces: string[];
  length: number;
  /** The part that is still looked at, and where it begins. */
  tail: string;
  tailAt: number;
  lookedTo: number;
  /** By filter: where to look on. */
  readonly from: number[];
  cleared: number;
  redactions: Redaction[];
}

interface Piece {
  readonly channel: Channel;
  readonly from: number;
  readonly found: FoundText;
}

interface Held {
  readonly bytes: Buffer;
  readonly pieces: readonly Piece[];
  /** Of texts that are whole, and of what is left out. */
  readonly edits: readonly JsonEdit[];
  /** It is not for the stream but for its end. */
  readonly isTail: boolean;
}

/** Where the event's JSON begins, if it has any. */
const jsonIn = (event: Buffer): number => {
  let at = event.indexOf(DATA);
  while (at > 0 && event[at - 1] !== NEWLINE) at = event.indexOf(DATA, at + 1);
  if (at < 0) return -1;
  at += DATA.length;
  while (event[at] === SPACE) at += 1;
  return event[at] === 0x7b ? at : -1;
};

/** Behind the empty line that ends the first event; -1 where it is not there yet. */
const endOfEvent = (bytes: Buffer): number => {
  const plain = bytes.indexOf('\n\n');
  const wide = bytes.indexOf('\r\n\r\n');
  if (wide >= 0 && (plain < 0 || wide < plain)) return wide + 4;
  return plain < 0 ? -1 : plain + 2;
};

export interface Screening {
  readonly filters: readonly ContentFilter[];
  readonly verdicts: Verdicts;
  /** Told once: nothing more goes out. */
  readonly blocked: (error: WaystationError) => void;
}

export class ScreenedStream implements Delivery {
  readonly #inner: Delivery;
  readonly #screening: Screening;
  readonly #redacts: boolean;
  #rest: Buffer = Buffer.alloc(0);
  #queue: Held[] = [];
  #channels = new Map<string, Channel>();
  #isBlocked = false;
  #tail: string | undefined;
  #consumed: (totalBytes: number) => void = NOT_CONSUMED;
  #received = 0;
  #released = 0;
  #taken = 0;

  constructor(inner: Delivery, screening: Screening) {
    this.#inner = inner;
    this.#screening = screening;
    this.#redacts = screening.filters.some(({ action }) => action === 'redact');
  }

  get delivered(): boolean {
    return this.#inner.delivered;
  }

  get status(): number {
    return this.#inner.status;
  }

  restart(consumed: (totalBytes: number) => void): void {
    this.#rest = Buffer.alloc(0);
    this.#queue = [];
    this.#channels = new Map();
    this.#received = 0;
    this.#released = 0;
    this.#taken = 0;
    this.#consumed = consumed;
    this.#inner.restart((total) => {
      this.#taken = total;
      this.#report();
    });
  }

  data(part: Buffer): void {
    if (this.#isBlocked) return;
    this.#received += part.length;
    this.#rest = this.#take(Buffer.concat([this.#rest, part]), false);
    this.#look(false);
    this.#release();
    this.#report();
  }

  /** Nothing follows but the end: all that is held back is looked at, and goes out. */
  finish(tail: string | undefined): void {
    if (this.#isBlocked) return;
    const rest = this.#take(this.#rest, false);
    if (rest.length > 0) this.#hold(rest, false);
    this.#rest = Buffer.alloc(0);
    if (tail !== undefined) {
      const last = this.#take(Buffer.from(tail), true);
      if (last.length > 0) this.#hold(last, true);
      this.#tail = '';
    }
    this.#look(true);
    this.#release();
  }

  end(answer: ChatAnswer, bill: ChatBill | undefined, tail: string | undefined, contentType?: string): void {
    this.#inner.end(answer, bill, this.#tail ?? tail, contentType);
  }

  fail(error: WaystationError, answer: ChatAnswer): void {
    // What came before it broke is the client's, too; where nothing went out yet, an error with its own status is worth more.
    if (this.#inner.delivered) this.finish(undefined);
    this.#inner.fail(error, answer);
  }

  /** What is held back is not the reader's fault. */
  #report(): void {
    this.#consumed(this.#received - (this.#released - this.#taken));
  }

  /** Takes whole events; answers what is left. */
  #take(bytes: Buffer, isTail: boolean): Buffer {
    for (;;) {
      const end = endOfEvent(bytes);
      if (end < 0 || this.#isBlocked) return bytes;
      this.#hold(bytes.subarray(0, end), isTail);
      bytes = bytes.subarray(end);
    }
  }

  #hold(event: Buffer, isTail: boolean): void {
    const at = jsonIn(event);
    const found = at < 0 ? undefined : textsWithin(event, undefined, at);
    if (found === undefined) {
      const text = event.toString();
      // What cannot be read cannot be edited either.
      const ranges = this.#lookAtWhole(text);
      if (ranges.length === 0) this.#queue.push({ bytes: event, pieces: [], edits: [], isTail });
      return;
    }
    const pieces: Piece[] = [];
    const edits: JsonEdit[] = [];
    for (const each of found.texts) {
      if (each.isPiece) pieces.push(this.#append(each));
      else {
        const ranges = this.#lookAtWhole(each.text);
        if (ranges.length > 0) edits.push(editOf(each, 0, ranges));
      }
    }
    if (this.#redacts) edits.push(...found.logprobs.map((span) => ({ ...span, replacement: 'null' })));
    this.#queue.push({ bytes: event, pieces, edits, isTail });
  }

  #append(found: FoundText): Piece {
    const channel = this.#channels.get(found.channel) ?? {
      ...{ pieces: [], length: 0, tail: '', tailAt: 0, lookedTo: 0, cleared: 0, redactions: [] },
      from: this.#screening.filters.map(() => 0),
    };
    this.#channels.set(found.channel, channel);
    const from = channel.length;
    channel.pieces.push(found.text);
    channel.tail += found.text;
    channel.length += found.text.length;
    return { channel, from, found };
  }

  /** A text that stands whole in one event: often one that came in pieces before, said again. */
  #lookAtWhole(text: string): Redaction[] {
    for (const channel of this.#channels.values()) {
      if (channel.length !== text.length || channel.pieces.join('') !== text) continue;
      this.#lookAt(channel, true);
      return channel.redactions;
    }
    const ranges: Redaction[] = [];
    for (const filter of this.#screening.filters) {
      if (this.#isBlocked) return ranges;
      for (const match of scanNow(filter.detector, text, 0, true).matches) this.#found(filter, match, 0, ranges);
    }
    return mergeRedactions(ranges);
  }

  #found(filter: ContentFilter, match: Match, at: number, redactions: Redaction[]): void {
    if (this.#isBlocked) return;
    this.#screening.verdicts.add(filter, 'output');
    if (filter.action === 'block') this.#block(filter, match);
    if (filter.action === 'redact')
      redactions.push({ start: match.start + at, end: match.end + at, placeholder: filter.placeholder });
  }

  #block(filter: ContentFilter, match: Match): void {
    this.#isBlocked = true;
    this.#queue = [];
    this.#rest = Buffer.alloc(0);
    this.#screening.blocked(blockedBy(filter, 'output', match));
  }

  #look(isWhole: boolean): void {
    for (const channel of this.#channels.values())
      if (isWhole || channel.length - channel.lookedTo >= BATCH_CHARACTERS) this.#lookAt(channel, isWhole);
  }

  #lookAt(channel: Channel, isWhole: boolean): void {
    for (const [index, filter] of this.#screening.filters.entries()) {
      if (this.#isBlocked) return;
      const from = (channel.from[index] ?? 0) - channel.tailAt;
      const { matches, next, open } = scanNow(filter.detector, channel.tail, from, isWhole);
      for (const match of matches) this.#found(filter, match, channel.tailAt, channel.redactions);
      if (open !== undefined && filter.action === 'block') this.#found(filter, open, channel.tailAt, []);
      channel.from[index] = next + channel.tailAt;
    }
    channel.redactions = mergeRedactions(channel.redactions);
    channel.lookedTo = channel.length;
    channel.cleared = Math.min(...channel.from);
    const keep = Math.max(channel.tailAt, channel.cleared - CONTEXT_CHARACTERS);
    channel.tail = channel.tail.slice(keep - channel.tailAt);
    channel.tailAt = keep;
  }

  #release(): void {
    if (this.#isBlocked) return;
    let ready = 0;
    for (const held of this.#queue) {
      if (!held.pieces.every(({ channel, from, found }) => from + found.text.length <= channel.cleared)) break;
      ready += 1;
      const edits = [...held.edits, ...held.pieces.flatMap(editOfPiece)].sort((one, other) => one.start - other.start);
      const bytes = edits.length === 0 ? held.bytes : spliceJson(held.bytes, edits);
      if (held.isTail) this.#tail = `${this.#tail ?? ''}${bytes.toString()}`;
      else {
        this.#released += bytes.length;
        this.#inner.data(bytes);
      }
    }
    this.#queue.splice(0, ready);
  }
}

const editOf = ({ start, end, text }: FoundText, from: number, ranges: readonly Redaction[]): JsonEdit => {
  const own = ranges.map((range) => ({ ...range, start: range.start - from, end: range.end - from }));
  return { start, end, replacement: JSON.stringify(withoutRanges(text, 0, text.length, own)) };
};

const editOfPiece = ({ channel, from, found }: Piece): JsonEdit[] => {
  const to = from + found.text.length;
  const ranges = channel.redactions.filter(({ start, end }) => start < to && end > from);
  return ranges.length === 0 ? [] : [editOf(found, from, ranges)];
};
