// An answer of every kind of block, as a client puts it together from the events of a stream, and as a body: both are the same response.
import type { GenerationEvent } from '@waystation/generation';
import { enclose } from '../reasoning/envelope.js';
import { ResponsesAnswer } from './write-responses-answer.js';

const terms = { generationId: 'gen-1700000000-abc', model: 'lab/small', providerName: 'P' };

type Json = Record<string, unknown>;
interface Wire {
  readonly type: string;
  readonly sequence_number: number;
  readonly output_index: number;
  readonly content_index: number;
  readonly summary_index: number;
  readonly delta: string;
  readonly item: Json;
  readonly part: Json;
  readonly annotation: unknown;
  readonly response: { readonly status: string; readonly output: Json[]; readonly [name: string]: unknown };
}

const written = (
  events: readonly GenerationEvent[],
  end: 'end' | 'cut' = 'end',
): { wire: Wire[]; body: Wire['response'] } => {
  const streamed = new ResponsesAnswer({ ...terms, stream: true });
  const whole = new ResponsesAnswer({ ...terms, stream: false });
  for (const event of events) for (const writer of [streamed, whole]) writer.event(event);
  const tail = streamed[end]() ?? '';
  expect(whole[end]()).toBeUndefined();
  const wire = `${streamed.take().toString()}${tail}`
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice(event.indexOf('data: ') + 6)) as Wire);
  return { wire, body: JSON.parse(whole.take().toString()) as Wire['response'] };
};

const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);

/** As OpenAI's own client gathers a response: items as they are added, grown by deltas, replaced when they are done. */
const gathered = (wire: readonly Wire[]): { grown: Json[]; done: Json[] } => {
  const grown: Json[] = [];
  const done: Json[] = [];
  for (const event of wire) {
    const item = grown[event.output_index] ?? {};
    const part = list(item['content'])[event.content_index] ?? {};
    const append = (to: Json, name: string): void => void (to[name] = `${String(to[name])}${event.delta}`);
    switch (event.type) {
      case 'response.output_item.added':
        expect(event.output_index).toBe(grown.length);
        grown.push(structuredClone(event.item));
        break;
      case 'response.content_part.added':
        item['content'] = [...list(item['content']), structuredClone(event.part)];
        break;
      case 'response.reasoning_summary_part.added':
        item['summary'] = [...list(item['summary']), structuredClone(event.part)];
        break;
      case 'response.output_text.delta':
      case 'response.reasoning_text.delta':
        append(part, 'text');
        break;
      case 'response.refusal.delta':
        append(part, 'refusal');
        break;
      case 'response.reasoning_summary_text.delta':
        append(list(item['summary'])[event.summary_index] ?? {}, 'text');
        break;
      case 'response.function_call_arguments.delta':
        append(item, 'arguments');
        break;
      case 'response.output_text.annotation.added':
        part['annotations'] = [...list(part['annotations']), event.annotation];
        break;
      case 'response.output_item.done':
        done[event.output_index] = event.item;
        break;
      default:
    }
  }
  return { grown, done };
};

const AT_THE_END: ReadonlySet<string> = new Set(['status', 'encrypted_content', 'signature']);

/** Without what only the end of an item tells. */
const grownPart = (item: Json): Json =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !AT_THE_END.has(name)));

const everything: GenerationEvent[] = [
  { type: 'start', upstreamId: 'x' },
  { type: 'reasoning-start', index: 0, format: 'openai-responses-v1', id: 'rs_up', summary: true },
  { type: 'reasoning-delta', index: 0, text: 'I look' },
  { type: 'reasoning-delta', index: 0, text: ' first.' },
  { type: 'reasoning-end', index: 0, encrypted: 'gAAA' },
  { type: 'reasoning-start', index: 1 },
  { type: 'reasoning-delta', index: 1, text: 'hm' },
  { type: 'reasoning-end', index: 1, signature: 'sig' },
  { type: 'text-start', index: 2 },
  { type: 'text-delta', index: 2, text: 'It is ' },
  { type: 'text-delta', index: 2, text: 'warm.' },
  { type: 'citation', index: 2, url: 'https://example.com', title: 'W', startIndex: 0, endIndex: 5 },
  { type: 'text-end', index: 2 },
  { type: 'text-start', index: 3 },
  { type: 'text-delta', index: 3, text: 'And so on.' },
  // A call begins while the text is not over.
  { type: 'tool-call-start', index: 4, id: 'call_1', name: 'f', signature: 'seal', format: 'google-gemini-v1' },
  { type: 'tool-call-delta', index: 4, argumentsDelta: '{"a":' },
  { type: 'text-delta', index: 3, text: ' And on.' },
  { type: 'tool-call-delta', index: 4, argumentsDelta: '1}' },
  { type: 'text-end', index: 3 },
  { type: 'tool-call-end', index: 4 },
  { type: 'image', index: 5, mediaType: 'image/png', base64: 'AAAA' },
  { type: 'refusal-delta', index: 6, text: 'No' },
  { type: 'refusal-delta', index: 6, text: ' more.' },
  { type: 'finish', reason: 'tool-calls' },
];

const expected = [
  {
    type: 'reasoning',
    id: 'rs_up',
    format: 'openai-responses-v1',
    summary: [{ type: 'summary_text', text: 'I look first.' }],
    encrypted_content: 'gAAA',
  },
  {
    type: 'reasoning',
    summary: [],
    content: [{ type: 'reasoning_text', text: 'hm' }],
    signature: 'sig',
    encrypted_content: enclose({ format: 'unknown', signature: 'sig' }),
    format: 'unknown',
  },
  {
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [
      {
        type: 'output_text',
        text: 'It is warm.',
        annotations: [{ type: 'url_citation', url: 'https://example.com', title: 'W', start_index: 0, end_index: 5 }],
      },
      { type: 'output_text', text: 'And so on. And on.' },
    ],
  },
  {
    type: 'reasoning',
    id: 'call_1',
    encrypted_content: enclose({ format: 'google-gemini-v1', id: 'call_1', encrypted: 'seal' }),
    format: 'google-gemini-v1',
  },
  { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}', status: 'completed' },
  { type: 'image_generation_call', result: 'AAAA' },
];

describe('an answer of everything', () => {
  const { wire, body } = written(everything);
  const last = wire.at(-1);

  it('is one response, streamed or not', () => {
    expect(body).toMatchObject({
      id: terms.generationId,
      created_at: 1_700_000_000,
      model: 'lab/small',
      provider: 'P',
    });
    expect(body.output.slice(0, 6)).toMatchObject(expected);
    expect(last).toMatchObject({ type: 'response.completed', response: body });
  });

  it('begins with the response, and numbers its events', () => {
    expect(wire.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
    expect(wire[0]?.response).toMatchObject({ status: 'in_progress', output: [] });
    expect(wire.map((event) => event.sequence_number)).toEqual(wire.map((_, index) => index));
  });

  it('is the same put together from its pieces', () => {
    const { grown, done } = gathered(wire);
    expect(done).toEqual(body.output);
    expect(grown.map(grownPart)).toEqual(body.output.map(grownPart));
  });

  it('has each item and part begun once and ended once', () => {
    const count = (type: string): number => wire.filter((event) => event.type === type).length;
    expect(count('response.output_item.added')).toBe(body.output.length);
    expect(count('response.output_item.done')).toBe(body.output.length);
    expect(count('response.content_part.added')).toBe(count('response.content_part.done'));
    expect(count('response.reasoning_summary_part.added')).toBe(count('response.reasoning_summary_part.done'));
  });
});

it('a refusal is a part of the message', () => {
  const { body } = written([
    { type: 'refusal-delta', index: 0, text: 'No' },
    { type: 'refusal-delta', index: 0, text: '.' },
    { type: 'finish', reason: 'stop' },
  ]);
  expect(body.output).toMatchObject([
    { type: 'message', status: 'completed', content: [{ type: 'refusal', refusal: 'No.' }] },
  ]);
});

it.each([
  ['length', 'max_output_tokens'],
  ['content-filter', 'content_filter'],
] as const)('a finish by %s is incomplete, by %s', (reason, word) => {
  const { wire, body } = written([
    { type: 'text-start', index: 0 },
    { type: 'text-delta', index: 0, text: 'x' },
    { type: 'finish', reason },
  ]);
  expect(body).toMatchObject({ status: 'incomplete', incomplete_details: { reason: word } });
  expect(body.output).toMatchObject([{ status: 'incomplete' }]);
  expect(wire.at(-1)?.type).toBe('response.incomplete');
});

it('an answer that is cut closes what is open', () => {
  const { wire, body } = written(everything.slice(0, 17), 'cut');
  expect(body).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  expect(body.output.at(-1)).toMatchObject({ type: 'function_call', status: 'incomplete', arguments: '{"a":' });
  expect(gathered(wire).done).toEqual(body.output);
});
