// Generations in every other dialect than chat completions, over real HTTP with a scripted worker: stream, body, errors, and the cost where the dialect has its place.
import { WaystationError } from '@waystation/contracts';
import { openAiResponses } from '@waystation/dialects';
import OpenAI from 'openai';
import { inferenceKey, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
let beating: NodeJS.Timeout;
beforeEach(async () => {
  ingress = await startIngress();
  beating = setInterval(beat, 10);
  beat();
});
afterEach(async () => {
  clearInterval(beating);
  await ingress.close();
});

/** A worker is alive. */
const beat = (): void =>
  ingress.bus.sendSignal('alive', {
    v: 1,
    instance: 'worker-test0001',
    services: ['worker'],
    release: 'test',
    sentAt: 0,
  });

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

interface Event {
  readonly name: string | undefined;
  readonly data: Record<string, unknown>;
}
const eventsOf = (wire: string): Event[] =>
  wire
    .split('\n\n')
    .filter((event) => event.includes('data: ') && !event.includes('[DONE]'))
    .map((event) => ({
      name: /^event: (.*)$/m.exec(event)?.[1],
      data: JSON.parse(event.slice(event.indexOf('data: ') + 6)) as Record<string, unknown>,
    }));

const named = (type: string, members: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;

/** What the worker sends of a small answer, what it leaves to the bill, and the same as a body. */
interface Spoken {
  readonly path: string;
  readonly request: object;
  readonly pieces: readonly string[];
  readonly tail?: string;
  readonly body: object;
  /** 10 tokens in at $1, 5 out at $2 a million. */
  readonly usage: object;
  /** Where the last event that carries it holds the usage. */
  readonly usageIn: (events: readonly Event[]) => unknown;
  readonly endMarker: boolean;
  /** An error before the answer. */
  readonly invalid: { readonly body: object; readonly expected: object };
  /** A failure of the provider before any output, and after some. */
  readonly failed: { readonly body: object; readonly lastEvent: object };
}

const responseOf = (status: string, rest: object = {}): object => ({
  id: 'gen',
  object: 'response',
  status,
  output: [],
  ...rest,
});
const said = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'Hello', annotations: [] }],
};

const MESSAGES: Spoken = {
  path: 'messages',
  request: { model: 'lab/small', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] },
  pieces: [
    named('message_start', { message: { id: 'gen', type: 'message', role: 'assistant', content: [] } }),
    named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    named('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello' } }),
    named('content_block_stop', { index: 0 }),
  ],
  tail:
    named('message_delta', { delta: { stop_reason: 'max_tokens', stop_sequence: null }, usage: { output_tokens: 0 } }) +
    named('message_stop', {}),
  body: {
    id: 'gen',
    type: 'message',
    role: 'assistant',
    content: [{ type: 'text', text: 'Hello' }],
    stop_reason: 'end_turn',
  },
  usage: { input_tokens: 10, output_tokens: 5, cost: 0.00002, is_byok: false },
  usageIn: (events) => events.find(({ name }) => name === 'message_delta')?.data['usage'],
  endMarker: false,
  invalid: {
    body: { model: 'lab/small', max_tokens: 0, messages: [{ role: 'user', content: 'Hello' }] },
    expected: { type: 'error', error: { type: 'invalid_request_error', error_type: 'invalid_request' } },
  },
  failed: {
    body: { type: 'error', error: { type: 'overloaded_error', error_type: 'provider_overloaded' } },
    lastEvent: { name: 'error', data: { type: 'error', error: { type: 'overloaded_error' } } },
  },
};

const RESPONSES: Spoken = {
  path: 'responses',
  request: { model: 'lab/small', input: 'Hello' },
  pieces: [
    named('response.created', { sequence_number: 0, response: responseOf('in_progress') }),
    named('response.output_item.added', { sequence_number: 1, output_index: 0, item: { ...said, content: [] } }),
    named('response.content_part.added', {
      sequence_number: 2,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      part: { type: 'output_text', text: '', annotations: [] },
    }),
    named('response.output_text.delta', {
      sequence_number: 3,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: 'Hello',
    }),
    named('response.output_item.done', { sequence_number: 4, output_index: 0, item: said }),
  ],
  tail: named('response.completed', { sequence_number: 5, response: responseOf('completed', { output: [said] }) }),
  body: responseOf('completed', { output: [said] }),
  usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15, cost: 0.00002, is_byok: false },
  usageIn: (events) => (events.at(-1)?.data['response'] as { usage?: unknown } | undefined)?.usage,
  endMarker: true,
  invalid: {
    body: { model: 'lab/small', input: 'Hello', store: true },
    expected: {
      error: { code: 'invalid_prompt', message: 'store: responses are not stored here; send false, or leave it out' },
      error_type: 'invalid_request',
    },
  },
  failed: {
    body: { error: { code: 'server_error' }, error_type: 'provider_overloaded' },
    lastEvent: {
      name: 'response.failed',
      data: { response: { status: 'failed', error: { code: 'server_error' }, error_type: 'provider_overloaded' } },
    },
  },
};

const textChunk = (text: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'gen', object: 'text_completion', choices: [{ index: 0, text, finish_reason: finish }] })}\n\n`;

const COMPLETIONS: Spoken = {
  path: 'completions',
  request: { model: 'lab/small', prompt: 'Hello' },
  pieces: [textChunk('Hello'), textChunk('', 'stop')],
  body: { id: 'gen', object: 'text_completion', choices: [{ index: 0, text: 'Hello', finish_reason: 'stop' }] },
  usage: { prompt_tokens: 10, completion_tokens: 5, cost: 0.00002, is_byok: false },
  usageIn: (events) => events.at(-1)?.data['usage'],
  endMarker: true,
  invalid: {
    body: { model: 'lab/small', prompt: ['a', 'b'] },
    expected: { error: { code: 400, metadata: { error_type: 'invalid_request' } } },
  },
  failed: {
    body: { error: { code: 503, metadata: { error_type: 'provider_overloaded' } } },
    lastEvent: { data: { object: 'text_completion', error: { code: 503 }, choices: [{ finish_reason: 'error' }] } },
  },
};

const overloaded = (): WaystationError => new WaystationError('provider_overloaded', 'ALPHA is overloaded.');

describe.each([
  ['Messages', 'anthropic-messages', MESSAGES],
  ['Responses', 'openai-responses', RESPONSES],
  ['legacy completions', 'openai-completions', COMPLETIONS],
])('%s', (_, dialect, spoken) => {
  const ending = spoken.tail === undefined ? {} : { tail: spoken.tail };

  it('streams what the worker says, and ends with usage and exact cost', async () => {
    ingress.bus.worker = serving(spoken.pieces, ending);
    const response = await post(spoken.path, { ...spoken.request, stream: true });
    const wire = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(wire.startsWith(spoken.pieces.join(''))).toBe(true);
    expect(spoken.usageIn(eventsOf(wire))).toMatchObject(spoken.usage);
    expect(wire.endsWith('data: [DONE]\n\n')).toBe(spoken.endMarker);
    expect(ingress.bus.streams[0]?.request.dialect).toBe(dialect);
    expect(ingress.bus.trailLines[0]).toMatchObject({ costPicodollars: '20000000', httpStatus: 200, stream: true });
  });

  it('ends well without usage while that is not known', async () => {
    ingress.bus.worker = serving(spoken.pieces, { ...ending, usage: 'pending' });
    const wire = await (await post(spoken.path, { ...spoken.request, stream: true })).text();
    expect(wire).not.toContain('"cost"');
    expect(wire.startsWith(spoken.pieces.join(''))).toBe(true);
    expect(wire.endsWith('data: [DONE]\n\n')).toBe(spoken.endMarker);
  });

  it('ends well where no more could be held for it, with what came so far paid', async () => {
    ingress.bus.worker = serving(spoken.pieces, { ...ending, cutShort: true, finishReason: 'length' });
    const wire = await (await post(spoken.path, { ...spoken.request, stream: true })).text();
    expect(wire.startsWith(spoken.pieces.join(''))).toBe(true);
    expect(spoken.usageIn(eventsOf(wire))).toMatchObject(spoken.usage);
    expect(wire.endsWith('data: [DONE]\n\n')).toBe(spoken.endMarker);
    expect(ingress.bus.trailLines[0]?.warnings).toEqual([expect.objectContaining({ code: 'clamped' })]);
  });

  it('answers in one body with usage and exact cost', async () => {
    ingress.bus.worker = serving([JSON.stringify(spoken.body)]);
    const response = await post(spoken.path, spoken.request);
    expect([response.status, await response.json()]).toEqual([
      200,
      { ...spoken.body, usage: expect.objectContaining(spoken.usage) as unknown },
    ]);
    expect(ingress.bus.trailLines[0]).toMatchObject({ costPicodollars: '20000000', httpStatus: 200, stream: false });
  });

  it('sends the client’s own bytes to the worker', async () => {
    ingress.bus.worker = serving([JSON.stringify(spoken.body)]);
    const body = ` ${JSON.stringify({ ...spoken.request, raw: 1e5 })}\n`;
    await (await post(spoken.path, body)).text();
    expect(ingress.bus.streams[0]?.body).toBe(body);
  });

  it('is the same under /v1', async () => {
    ingress.bus.worker = serving([JSON.stringify(spoken.body)]);
    expect((await post(`../../v1/${spoken.path}`, spoken.request)).status).toBe(200);
  });

  it('refuses a bad request in its own words, and nothing is dispatched', async () => {
    const response = await post(spoken.path, spoken.invalid.body);
    expect([response.status, await response.json()]).toMatchObject([400, spoken.invalid.expected]);
    const malformed = await post(spoken.path, '{');
    expect([malformed.status, Object.keys((await malformed.json()) as object)]).toMatchObject([
      400,
      expect.arrayContaining(Object.keys(spoken.invalid.expected)),
    ]);
    expect(ingress.bus.streams).toEqual([]);
    expect(ingress.bus.factLines).toEqual([]);
  });

  it('refuses a key that nobody knows in its own words', async () => {
    const response = await post(spoken.path, spoken.request, { authorization: 'Bearer sk-way-v1-nobody' });
    expect([response.status, Object.keys((await response.json()) as object)]).toMatchObject([
      401,
      expect.arrayContaining(Object.keys(spoken.invalid.expected)),
    ]);
  });

  it.each([[true], [false]])('tells a failure before any output by the status (stream: %s)', async (stream) => {
    ingress.bus.worker = ({ reader }) => reader.fail(overloaded());
    const response = await post(spoken.path, { ...spoken.request, stream });
    expect([response.status, await response.json()]).toMatchObject([503, spoken.failed.body]);
    expect(ingress.bus.trailLines[0]).toMatchObject({ costPicodollars: '0', httpStatus: 503 });
  });

  it('tells a failure after output in-band, as its last event', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      for (const piece of spoken.pieces) reader.data(Buffer.from(piece));
      setTimeout(() => reader.fail(overloaded()), 10);
    };
    const response = await post(spoken.path, { ...spoken.request, stream: true });
    const events = eventsOf(await response.text());
    expect(response.status).toBe(200);
    expect(events.at(-1)).toMatchObject(spoken.failed.lastEvent);
  });
});

describe('a prompt that is too long for the endpoint', () => {
  const tooLong = (): WaystationError => new WaystationError('context_length_exceeded', 'The prompt is too long.');

  it.each([[true], [false]])(
    'is an answer that reached its limit to a client of Responses (stream: %s)',
    async (stream) => {
      ingress.bus.worker = ({ reader }) => reader.fail(tooLong());
      const response = await post('responses', { ...RESPONSES.request, stream });
      const told = await response.text();
      const expected = {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        error_type: 'context_length_exceeded',
        output: [],
      };
      expect(response.status).toBe(200);
      if (stream)
        expect(eventsOf(told).at(-1)).toMatchObject({ name: 'response.incomplete', data: { response: expected } });
      else expect(JSON.parse(told)).toMatchObject(expected);
      expect(ingress.bus.trailLines[0]).toMatchObject({ costPicodollars: '0', outcome: 'failed-before-output' });
    },
  );

  it('is an error to everyone else', async () => {
    ingress.bus.worker = ({ reader }) => reader.fail(tooLong());
    expect((await post('messages', MESSAGES.request)).status).toBe(400);
    expect((await post('completions', COMPLETIONS.request)).status).toBe(400);
  });
});

describe('OpenAI’s own client', () => {
  const client = (): OpenAI => new OpenAI({ apiKey: inferenceKey, baseURL: `${ingress.url}/api/v1`, maxRetries: 0 });

  it('puts a stream of Responses together', async () => {
    ingress.bus.worker = serving(RESPONSES.pieces, { tail: RESPONSES.tail ?? '' });
    const stream = client().responses.stream({ model: 'lab/small', input: 'Hello' });
    let said = '';
    stream.on('response.output_text.delta', ({ delta }) => void (said += delta));
    const response = await stream.finalResponse();
    expect([said, response.output_text, response.usage]).toEqual([
      'Hello',
      'Hello',
      expect.objectContaining({ total_tokens: 15, cost: 0.00002 }),
    ]);
  });

  it('puts together what a translation writes: thoughts, words with a source, and calls', async () => {
    const terms = { generationId: 'gen-1700000000-abc', model: 'lab/small', providerName: 'P', stream: true };
    const writer = openAiResponses.writeAnswer(terms);
    for (const event of [
      { type: 'reasoning-start', index: 0, summary: true, format: 'openai-responses-v1' },
      { type: 'reasoning-delta', index: 0, text: 'hm' },
      { type: 'reasoning-end', index: 0, encrypted: 'gAAA' },
      { type: 'text-start', index: 1 },
      { type: 'text-delta', index: 1, text: 'It is ' },
      { type: 'text-delta', index: 1, text: 'warm.' },
      { type: 'citation', index: 1, url: 'https://example.com' },
      { type: 'text-end', index: 1 },
      { type: 'tool-call-start', index: 2, id: 'call_1', name: 'f' },
      { type: 'tool-call-delta', index: 2, argumentsDelta: '{"a":1}' },
      { type: 'tool-call-end', index: 2 },
      { type: 'finish', reason: 'tool-calls' },
    ] as const)
      writer.event(event);
    const tail = writer.end() ?? '';
    ingress.bus.worker = serving([writer.take().toString()], { tail });
    const stream = client().responses.stream({ model: 'lab/small', input: 'Hello' });
    const seen: string[] = [];
    stream.on('event', ({ type }) => void seen.push(type));
    const response = await stream.finalResponse();
    expect(response).toMatchObject({
      status: 'completed',
      output_text: 'It is warm.',
      output: [
        { type: 'reasoning', summary: [{ text: 'hm' }], encrypted_content: 'gAAA' },
        { type: 'message', content: [{ text: 'It is warm.', annotations: [{ type: 'url_citation' }] }] },
        { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}' },
      ],
    });
    expect([seen[0], seen.at(-1)]).toEqual(['response.created', 'response.completed']);
  });

  it('reads a body of Responses, and its errors', async () => {
    ingress.bus.worker = serving([JSON.stringify(RESPONSES.body)]);
    expect((await client().responses.create({ model: 'lab/small', input: 'Hello' })).output_text).toBe('Hello');
    await expect(client().responses.create({ model: 'lab/small', input: 'Hello', store: true })).rejects.toMatchObject({
      status: 400,
      code: 'invalid_prompt',
    });
  });

  it('reads a legacy completion', async () => {
    ingress.bus.worker = serving([JSON.stringify(COMPLETIONS.body)]);
    const completion = await client().completions.create({ model: 'lab/small', prompt: 'Hello' });
    expect(completion.choices[0]?.text).toBe('Hello');
  });
});
