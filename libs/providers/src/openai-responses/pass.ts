// What of a Responses answer is ours when it passes: id, model and provider of the response, wherever an event carries it, and its usage, which waits for the bill.
// An answer that is cut is closed out of what passed by.
import { editMembers, namedEvent, scanTopLevelFields } from '@waystation/dialects';
import type { Passing } from '../events/passing-reader.js';
import { isRecord, numberOf, recordOf, textOf, type JsonObject } from '../json-shape.js';
import type { ResponseTerms } from '../spec.js';

const HEAD: readonly string[] = ['id', 'model', 'provider'];
/** Members that the reference API, section 4.1, always has, and clients that validate ask for. Providers leave some of them out; then they say what clients read as "not set". */
export const RESPONSE_MEMBERS: JsonObject = {
  completed_at: null,
  error: null,
  incomplete_details: null,
  instructions: null,
  metadata: null,
  temperature: null,
  top_p: null,
  presence_penalty: null,
  frequency_penalty: null,
  parallel_tool_calls: true,
  tool_choice: 'auto',
  tools: [],
};
const SCANNED: ReadonlySet<string> = new Set([...HEAD, ...Object.keys(RESPONSE_MEMBERS)]);
const WITH_RESPONSE: ReadonlySet<unknown> = new Set(['response.created', 'response.in_progress', 'response.queued']);
const LAST: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete']);
/** Where the pieces of an item that is being written stand, by the event that brings them. */
const GROWING: Readonly<Record<string, 'text' | 'refusal' | 'arguments' | 'summary'>> = {
  'response.output_text.delta': 'text',
  'response.refusal.delta': 'refusal',
  'response.function_call_arguments.delta': 'arguments',
  'response.reasoning_summary_text.delta': 'summary',
};

interface Growing {
  readonly item: JsonObject;
  readonly parts: Map<number, { readonly kind: 'text' | 'refusal'; words: string }>;
  summary: string;
  argumentsJson: string;
}

/** An item that is left unfinished, as far as it came. */
const unfinished = ({ item, parts, summary, argumentsJson }: Growing): JsonObject => {
  switch (item['type']) {
    case 'message':
      return {
        ...item,
        status: 'incomplete',
        content: [...parts.values()].map(({ kind, words }) =>
          kind === 'text'
            ? { type: 'output_text', text: words, annotations: [], logprobs: [] }
            : { type: 'refusal', refusal: words },
        ),
      };
    case 'function_call':
      return { ...item, status: 'incomplete', arguments: argumentsJson };
    case 'reasoning':
      return summary === '' ? item : { ...item, summary: [{ type: 'summary_text', text: summary }] };
    default:
      return item;
  }
};

const without = (object: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));

export const responsesPassing = ({ generationId, model, providerName }: ResponseTerms): Passing => {
  const own = { id: generationId, model, provider: providerName };
  const open = new Map<number, Growing>();
  const done = new Map<number, JsonObject>();
  let head: JsonObject = {};
  let sequence = 0;

  const ours = (value: JsonObject): string =>
    JSON.stringify({
      ...value,
      response: { ...RESPONSE_MEMBERS, ...without(recordOf(value['response']), 'usage'), ...own },
    });

  const grow = (value: JsonObject): void => {
    const kind = GROWING[textOf(value['type']) ?? ''];
    const growing = open.get(numberOf(value['output_index']) ?? 0);
    const delta = textOf(value['delta']);
    if (kind === undefined || growing === undefined || delta === undefined) return;
    if (kind === 'arguments') growing.argumentsJson += delta;
    else if (kind === 'summary') growing.summary += delta;
    else {
      const at = numberOf(value['content_index']) ?? 0;
      const part = growing.parts.get(at);
      if (part === undefined) growing.parts.set(at, { kind, words: delta });
      else part.words += delta;
    }
  };

  return {
    event(value) {
      sequence = numberOf(value['sequence_number']) ?? sequence;
      const position = numberOf(value['output_index']) ?? 0;
      if (WITH_RESPONSE.has(value['type'])) {
        head = recordOf(value['response']);
        return { json: ours(value) };
      }
      if (LAST.has(value['type'])) return { json: ours(value), waits: true };
      if (value['type'] === 'response.output_item.added')
        open.set(position, { item: recordOf(value['item']), parts: new Map(), summary: '', argumentsJson: '' });
      else if (value['type'] === 'response.output_item.done') {
        open.delete(position);
        done.set(position, recordOf(value['item']));
      } else grow(value);
      return isRecord(value['response']) ? { json: ours(value) } : 'pass';
    },
    body(bytes) {
      const spans = scanTopLevelFields(bytes, SCANNED) ?? [];
      const there = new Set(spans.map(({ key }) => key));
      const ours: JsonObject = { ...RESPONSE_MEMBERS, ...own };
      const json = (key: string): string => JSON.stringify(ours[key]);
      return editMembers(bytes, {
        replace: spans.filter(({ key }) => HEAD.includes(key)).map((span) => ({ span, json: json(span.key) })),
        insert: [...SCANNED].filter((key) => !there.has(key)).map((key) => ({ key, json: json(key) })),
      });
    },
    cut() {
      const close = [...open].map(([position, growing]) => {
        const item = unfinished(growing);
        done.set(position, item);
        sequence += 1;
        const type = 'response.output_item.done';
        return namedEvent(type, JSON.stringify({ type, sequence_number: sequence, output_index: position, item }));
      });
      const output = [...done].sort(([a], [b]) => a - b).map(([, item]) => item);
      const response = {
        ...RESPONSE_MEMBERS,
        ...without(head, 'usage'),
        ...own,
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output,
      };
      const type = 'response.incomplete';
      return {
        close,
        tail: namedEvent(type, JSON.stringify({ type, sequence_number: sequence + 1, response })),
      };
    },
  };
};
