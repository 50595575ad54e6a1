// The plugin context-compression: a conversation that is too long is shortened out of its middle. Pure.
// Invariants: system messages are kept as they are; the first and the last turn are kept, in part at least; a call of a tool and its results stay together or go together; what is
// kept whole keeps its bytes. The caller measures the result: what was counted here is near to it, and not the measure.
import { spliceJson } from '../json/edit-members.js';
import { scanArray } from '../json/scan-top-level.js';
import { findAtPath, type ByteSpan } from '../json/find-at-path.js';
import { isObject, type JsonObject } from '../openai-chat/check-type.js';
import { BYTES_PER_TOKEN_ESTIMATE, IMAGE_TOKENS_ESTIMATE } from '../request/measure-tokens.js';

/** By how much it is too long. */
export interface Excess {
  /** As `inputTokensEstimate` counts. */
  readonly tokens: number;
  /** The most messages, where an endpoint takes no more than so many. */
  readonly messagesMax?: number | undefined;
}

/** What has to be known of an item of a conversation, in whatever dialect. */
export interface TurnFacts {
  /** Never taken out, never cut. */
  readonly fixed: boolean;
  /** Ids of calls that it makes or answers. */
  readonly calls: readonly string[];
  /** It belongs to the item behind it, as thoughts do. */
  readonly withNext: boolean;
}

interface Item {
  readonly span: ByteSpan;
  readonly value: JsonObject;
  readonly facts: TurnFacts;
  /** Bytes that count as text, images as so much text. */
  weight: number;
  cut: boolean;
}

/** Items that stay together. */
interface Unit {
  readonly items: Item[];
  readonly fixed: boolean;
}

/** No text is cut to less. */
const TEXT_BYTES_MIN = 96;
const MARK = ' … ';
const MEDIA: ReadonlySet<string> = new Set(['data', 'url', 'image_url', 'file_data']);
const IMAGES: ReadonlySet<unknown> = new Set(['image', 'image_url', 'input_image']);
/** Their texts are signed, or are no words. */
const UNTOUCHED: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking', 'reasoning', 'refusal', 'tool_use']);

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const weightBesides = (value: unknown, key = ''): number => {
  if (typeof value === 'string')
    return MEDIA.has(key) && (value.startsWith('data:') || key === 'data' || key === 'file_data') ? -value.length : 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + weightBesides(each), 0);
  if (!isObject(value)) return 0;
  let sum = IMAGES.has(value['type']) ? IMAGE_TOKENS_ESTIMATE * BYTES_PER_TOKEN_ESTIMATE : 0;
  for (const [name, each] of Object.entries(value)) sum += weightBesides(each, name);
  return sum;
};

const unitsOf = (items: readonly Item[]): Unit[] => {
  /** For each item, the last one that it must stay with. */
  const reach = items.map((item, index) => (item.facts.withNext && index + 1 < items.length ? index + 1 : index));
  const firstOf = new Map<string, number>();
  items.forEach(({ facts }, index) => {
    for (const id of facts.calls) {
      const first = firstOf.get(id);
      if (first === undefined) firstOf.set(id, index);
      else reach[first] = Math.max(reach[first] ?? first, index);
    }
  });
  const units: Unit[] = [];
  let end = -1;
  let open: Item[] = [];
  items.forEach((item, index) => {
    if (index > end && open.length > 0) {
      units.push({ items: open, fixed: open.some(({ facts }) => facts.fixed) });
      open = [];
    }
    open.push(item);
    end = Math.max(end, reach[index] ?? index);
  });
  if (open.length > 0) units.push({ items: open, fixed: open.some(({ facts }) => facts.fixed) });
  return units;
};

interface Text {
  readonly item: Item;
  readonly bytes: number;
  readonly read: string;
  readonly write: (text: string) => void;
}

const textsIn = (item: Item, holder: unknown): Text[] => {
  if (Array.isArray(holder)) return holder.flatMap((each) => textsIn(item, each));
  if (!isObject(holder) || UNTOUCHED.has(holder['type'])) return [];
  return ['content', 'text', 'output'].flatMap((name) => {
    const read = holder[name];
    if (typeof read !== 'string') return textsIn(item, read);
    const write = (text: string): void => void Object.assign(holder, { [name]: text });
    return [{ item, bytes: jsonBytes(read), read, write }];
  });
};

const isHalf = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
};

/** The text with its middle left out, so that it has so many bytes of JSON at most. */
export const cutText = (text: string, bytesMax: number): string => {
  let keep = Math.floor((text.length * bytesMax) / Math.max(1, jsonBytes(text)));
  for (;;) {
    let head = Math.ceil(keep / 2);
    if (isHalf(text, head)) head -= 1;
    let tail = text.length - Math.floor(keep / 2);
    if (isHalf(text, tail)) tail += 1;
    const cut = `${text.slice(0, head)}${MARK}${text.slice(tail)}`;
    const over = jsonBytes(cut) - bytesMax;
    if (over <= 0 || keep <= 0) return cut;
    keep -= Math.max(1, Math.min(over, Math.ceil(keep / 8)));
  }
};

/** Cuts the longest texts until so many bytes less are left; false, and nothing is cut, where they are too short for that. */
const cutTexts = (texts: readonly Text[], excess: number): boolean => {
  const saved = (level: number): number => texts.reduce((sum, { bytes }) => sum + Math.max(0, bytes - level), 0);
  if (saved(TEXT_BYTES_MIN) < excess) return false;
  let low = TEXT_BYTES_MIN;
  let high = texts.reduce((most, { bytes }) => Math.max(most, bytes), low);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (saved(middle) >= excess) low = middle;
    else high = middle - 1;
  }
  for (const { item, bytes, read, write } of texts) {
    if (bytes <= low) continue;
    write(cutText(read, low));
    item.cut = true;
  }
  return true;
};

const weightOf = ({ items }: Unit): number => items.reduce((sum, { weight }) => sum + weight, 0);
const textsOf = ({ items }: Unit): Text[] => items.flatMap((item) => textsIn(item, item.value));

/** The middle first, then outward; never a unit that is fixed, nor the first or last of the others. */
const outward = (units: readonly Unit[]): Unit[] => {
  const loose = units.filter(({ fixed }) => !fixed);
  const middle = (loose.length - 1) / 2;
  return loose
    .map((unit, index) => ({ unit, away: Math.abs(index - middle) }))
    .slice(1, -1)
    .sort((a, b) => a.away - b.away)
    .map(({ unit }) => unit);
};

/** What is left; undefined where it cannot be short enough. */
const shorten = (units: readonly Unit[], { tokens, messagesMax }: Excess): readonly Unit[] | undefined => {
  let excess = tokens * BYTES_PER_TOKEN_ESTIMATE;
  let messages = units.reduce((sum, { items }) => sum + items.length, 0) - (messagesMax ?? Infinity);
  const gone = new Set<Unit>();
  for (const unit of outward(units)) {
    if (excess <= 0 && messages <= 0) break;
    const weight = weightOf(unit);
    if (messages <= 0 && weight > excess && cutTexts(textsOf(unit), excess)) {
      excess = 0;
      break;
    }
    gone.add(unit);
    excess -= weight;
    messages -= unit.items.length;
  }
  const left = units.filter((unit) => !gone.has(unit));
  if (messages > 0) return undefined;
  return excess <= 0 || cutTexts(left.filter(({ fixed }) => !fixed).flatMap(textsOf), excess) ? left : undefined;
};

/**
 * The body with a shorter conversation; undefined where no shorter one would do.
 * @param list the name of the field that holds it: a list of items, or a text
 */
export const middleOut = (
  body: Buffer,
  list: string,
  factsOf: (item: JsonObject) => TurnFacts,
  excess: Excess,
): Buffer | undefined => {
  const [span] = findAtPath(body, [list]);
  if (span === undefined) return undefined;
  const spans = scanArray(body, span.start, 1);
  if (spans === undefined) return shortenText(body, span, excess);
  const items = spans.map((each): Item => {
    const value: unknown = JSON.parse(body.toString('utf8', each.start, each.end));
    const checked = isObject(value) ? value : {}; // checked at the edge
    const weight = each.end - each.start + 1 + weightBesides(checked);
    return { span: each, value: checked, facts: factsOf(checked), weight, cut: false };
  });
  const left = shorten(unitsOf(items), excess);
  if (left === undefined) return undefined;
  const kept = left.flatMap(({ items: each }) => each);
  const replacement = kept
    .map(({ cut, value, span: at }) => (cut ? JSON.stringify(value) : body.toString('utf8', at.start, at.end)))
    .join(',');
  return spliceJson(body, [{ ...span, replacement: `[${replacement}]` }]);
};

const shortenText = (body: Buffer, span: ByteSpan, { tokens }: Excess): Buffer | undefined => {
  const text: unknown = JSON.parse(body.toString('utf8', span.start, span.end));
  const left = span.end - span.start - tokens * BYTES_PER_TOKEN_ESTIMATE;
  if (typeof text !== 'string' || left < TEXT_BYTES_MIN) return undefined;
  return spliceJson(body, [{ ...span, replacement: JSON.stringify(cutText(text, left)) }]);
};
