// What a stream says of its failures, and how one is closed that ends early, for clients of the same dialect and of others.
import { TAIL_CHARACTERS_MAX } from '@waystation/contracts';
import { findPublicDialect } from '@waystation/dialects';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { TranslatingReader } from '../events/translate-response.js';
import type { ResponseReader } from '../spec.js';
import { openaiResponses } from './openai-responses.js';

const sse = (...events: object[]): Buffer =>
  Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
const created = { type: 'response.created', sequence_number: 0, response: { id: 'resp_1', output: [] } };
const added = {
  type: 'response.output_item.added',
  sequence_number: 1,
  output_index: 0,
  item: { id: 'msg_1', type: 'message', role: 'assistant', content: [] },
};
const delta = (text: string) => ({
  type: 'response.output_text.delta',
  sequence_number: 2,
  output_index: 0,
  content_index: 0,
  delta: text,
});

/** Bytes that a client of Responses gets, by either way. */
const reading = (way: 'pass' | 'translate'): { reader: ResponseReader; wire: () => string } => {
  const { passthrough, translation } = openaiResponses;
  const spoken = findPublicDialect('openai-responses');
  if (passthrough === undefined || translation === undefined || spoken === undefined) throw new Error('missing');
  const writes: Buffer[] = [];
  const sink = (bytes: Buffer): void => void writes.push(Buffer.from(bytes));
  const reader =
    way === 'pass'
      ? passthrough.readResponse(CONFORMANCE_TERMS, sink)
      : new TranslatingReader(translation, CONFORMANCE_TERMS, spoken.writeAnswer(CONFORMANCE_TERMS), sink);
  return { reader, wire: () => Buffer.concat(writes).toString() };
};

describe('a failure', () => {
  it.each([
    [
      'of the response',
      {
        type: 'response.failed',
        response: { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'slow' } },
      },
      'provider_rate_limited',
    ],
    [
      'of the response, without a reason',
      { type: 'response.failed', response: { status: 'failed' } },
      'provider_unavailable',
    ],
    [
      'in an event of its own',
      { type: 'error', code: 'server_error', message: 'The server had an error' },
      'provider_unavailable',
    ],
    ['as others tell it', { error: { message: 'no', code: 429 } }, 'provider_rate_limited'],
    ['of the filter', { type: 'error', code: 'content_policy_violation', message: 'no' }, 'content_policy_violation'],
  ])('%s is told, and nothing comes behind it', (_, event, code) => {
    const { reader, wire } = reading('pass');
    reader.push(sse(created, added, delta('Hel')));
    const before = wire();
    reader.push(sse(event, delta('lo')));
    expect(reader.failure?.code).toBe(code);
    expect(wire()).toBe(before);
  });

  it('is what a body is that the provider never finished', () => {
    const reader = openaiResponses.passthrough?.readResponse({ ...CONFORMANCE_TERMS, stream: false }, () => undefined);
    reader?.push(Buffer.from('{"id":"resp_1","status":"queued","output":[]}'));
    reader?.end();
    expect(reader?.failure?.code).toBe('provider_invalid_response');
  });
});

describe('members that a response always has', () => {
  const ALWAYS = { completed_at: null, frequency_penalty: null, presence_penalty: null, metadata: null, tools: [] };
  const output = [{ id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] }];
  const response = { id: 'resp_1', status: 'completed', output, frequency_penalty: 0.5 };

  it('are filled in where the provider leaves them out of a body, and kept where it does not', () => {
    const writes: Buffer[] = [];
    const terms = { ...CONFORMANCE_TERMS, stream: false };
    const reader = openaiResponses.passthrough?.readResponse(terms, (bytes) => void writes.push(Buffer.from(bytes)));
    reader?.push(Buffer.from(JSON.stringify(response)));
    reader?.end();
    const body = Buffer.concat(writes).toString();
    expect(JSON.parse(body)).toMatchObject({ ...ALWAYS, frequency_penalty: 0.5, output });
    expect(body.match(/"frequency_penalty"/g)).toHaveLength(1);
  });

  it('are filled in wherever a stream carries the response', () => {
    const { reader, wire } = reading('pass');
    reader.push(sse(created, added, delta('a'), { type: 'response.completed', sequence_number: 3, response }));
    const told = `${wire()}${reader.report().tail ?? ''}`.split('\n').filter((line) => line.includes('"response":{'));
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('"frequency_penalty":null');
    for (const line of told) expect(line).toContain('"completed_at":null');
    expect(told[1]).toContain('"frequency_penalty":0.5');
  });
});

it('an answer may be repeated at its end, however long it was', () => {
  const { reader } = reading('pass');
  reader.push(sse(created, added, delta('x')));
  const words = 'x'.repeat(2 * 1024 * 1024);
  const whole = { ...added.item, content: [{ type: 'output_text', text: words }] };
  reader.push(sse({ type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [whole] } }));
  expect([reader.failure, reader.done]).toEqual([undefined, true]);
});

it('an event that is nested too deep to be written again is an invalid response', () => {
  const { reader } = reading('pass');
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  reader.push(Buffer.from(`data: {"type":"response.created","response":{"id":"resp_1","deep":${deep}}}\n\n`));
  expect(reader.failure?.code).toBe('provider_invalid_response');
});

it.each([
  ['a delta of nothing', { type: 'response.output_text.delta', delta: 7 }],
  ['an item that is a list', { type: 'response.output_item.added', output_index: 'x', item: [] }],
  ['a place far away', { ...delta('x'), output_index: 1e9, content_index: -1 }],
  ['a response that is a text', { type: 'response.in_progress', response: 'x' }],
  ['an event of a later version', { type: 'response.dream.delta', delta: 'x' }],
])('%s changes nothing', (_, event) => {
  const { reader } = reading('translate');
  reader.push(sse(created, event, added, delta('x')));
  reader.push(sse({ type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } }));
  expect([reader.failure, reader.done]).toEqual([undefined, true]);
});

describe.each(['pass', 'translate'] as const)('by way of %s', (way) => {
  it('a stream that is cut closes what is open, and its end tells what came', () => {
    const { reader, wire } = reading(way);
    reader.push(
      sse(created, added, delta('Hel'), delta('lo'), {
        type: 'response.output_item.added',
        output_index: 1,
        item: { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'f', arguments: '', status: 'in_progress' },
      }),
    );
    reader.push(sse({ type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"a":' }));
    reader.cut?.();
    const { tail = '' } = reader.report();
    const last = JSON.parse(tail.slice(tail.indexOf('data: ') + 6)) as { response: object };
    expect(last).toMatchObject({
      type: 'response.incomplete',
      response: {
        id: CONFORMANCE_TERMS.generationId,
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [
          { type: 'message', status: 'incomplete', content: [{ type: 'output_text', text: 'Hello' }] },
          { type: 'function_call', status: 'incomplete', call_id: 'call_1', arguments: '{"a":' },
        ],
      },
    });
    expect(tail.endsWith('}}\n\n')).toBe(true);
    expect(wire().match(/event: response.output_item.done/g)).toHaveLength(2);
  });

  it('an end that is too long for the end frame goes out, but for what the bill is put into', () => {
    const { reader, wire } = reading(way);
    const words = 'ü'.repeat(TAIL_CHARACTERS_MAX);
    reader.push(sse(created, added, delta(words)));
    const whole = { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: words }] };
    reader.push(sse({ type: 'response.output_item.done', output_index: 0, item: whole }));
    reader.push(
      sse({
        type: 'response.completed',
        response: { id: 'resp_1', status: 'completed', output: [whole], usage: { input_tokens: 1, output_tokens: 2 } },
      }),
    );
    expect(reader.failure).toBeUndefined();
    const { tail = '' } = reader.report();
    expect(tail.length).toBeLessThan(2_000);
    const spoken = findPublicDialect('openai-responses');
    const bill = { usage: { input: 1, output: 2 }, cost: 5n, promptCost: 2n, completionCost: 3n, byok: false };
    const answer = { generationId: 'gen-1', createdSeconds: 1, model: 'm' };
    const events = `${wire()}${spoken?.streamEnd(answer, bill, tail) ?? ''}`
      .split('\n\n')
      .filter((each) => each !== '');
    expect(events.at(-1)).toBe('data: [DONE]');
    const last = events.at(-2) ?? '';
    expect(JSON.parse(last.slice(last.indexOf('data: ') + 6))).toMatchObject({
      type: 'response.completed',
      response: {
        id: CONFORMANCE_TERMS.generationId,
        output: [{ content: [{ text: words }] }],
        usage: { input_tokens: 1, output_tokens: 2, cost: 5e-12 },
      },
    });
  });
});
