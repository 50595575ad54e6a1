// Healing over real HTTP with a scripted worker: what is repaired, what is not touched, and that the client, the record and the metadata are told.
import { completion, inferenceKey, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(() => ingress.close());
beforeEach(() => {
  ingress.bus.trailLines.length = 0;
  ingress.bus.sendSignal('alive', {
    ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
  });
});

const post = async (path: string, body: object, headers: object = {}): Promise<Record<string, unknown>> => {
  const response = await fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'x-openrouter-metadata': 'enabled', ...headers },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
};

const plugins = [{ id: 'response-healing' }];
const asked = {
  model: 'lab/small',
  messages: [{ role: 'user', content: 'hi' }],
  response_format: { type: 'json_object' },
  plugins,
};
const contentOf = (answer: Record<string, unknown>): unknown =>
  (answer['choices'] as { message: { content: unknown } }[])[0]?.message.content;
const pipelineOf = (answer: Record<string, unknown>): unknown =>
  (answer['openrouter_metadata'] as { pipeline?: unknown }).pipeline;

const BROKEN = 'Sure!\n```json\n{"a": [1, 2,], b: "c"}\n```';

it('an answer that is no JSON is repaired, and all are told', async () => {
  ingress.bus.worker = serving([completion(BROKEN)]);
  const answer = await post('chat/completions', asked);
  expect(JSON.parse(String(contentOf(answer)))).toEqual({ a: [1, 2], b: 'c' });
  expect(answer).toMatchObject({ id: 'gen', choices: [{ finish_reason: 'stop' }], usage: { prompt_tokens: 10 } });
  expect(pipelineOf(answer)).toEqual([
    {
      type: 'response_healing',
      name: 'response-healing',
      summary: 'The answer was no valid JSON, and was repaired.',
      data: { broken: 1, repaired: 1 },
    },
  ]);
  expect(ingress.bus.trailLines[0]).toMatchObject({
    outcome: 'completed',
    costPicodollars: '20000000',
    warnings: [{ code: 'other', field: 'response_format' }],
  });
});

it.each<[string, string, object, string, object]>([
  [
    'Messages',
    'messages',
    {
      ...{ model: 'lab/small', messages: asked.messages, max_tokens: 9, plugins },
      output_config: { format: { type: 'json_schema', schema: {} } },
    },
    JSON.stringify({ type: 'message', content: [{ type: 'text', text: BROKEN }] }),
    { content: [{ type: 'text', text: '{"a": [1, 2], "b": "c"}' }] },
  ],
  [
    'Responses',
    'responses',
    { model: 'lab/small', input: 'hi', plugins, text: { format: { type: 'json_object' } } },
    JSON.stringify({ output: [{ type: 'message', content: [{ type: 'output_text', text: BROKEN }] }] }),
    { output: [{ content: [{ text: '{"a": [1, 2], "b": "c"}' }] }] },
  ],
  [
    'legacy completions',
    'completions',
    { model: 'lab/small', prompt: 'hi', plugins, response_format: { type: 'json_object' } },
    JSON.stringify({ choices: [{ text: BROKEN }] }),
    { choices: [{ text: '{"a": [1, 2], "b": "c"}' }] },
  ],
])('%s are repaired, too', async (_, path, body, said, expected) => {
  ingress.bus.worker = serving([said]);
  expect(await post(path, body)).toMatchObject(expected);
});

it.each<[string, string, object]>([
  ['valid JSON, down to its spaces', ' {"a" :1e2,\n"a":"\u00e9"} ', {}],
  ['JSON that is no object', '"word"', {}],
  ['what nobody asked to be healed', BROKEN, { plugins: [] }],
  ['what was not to be JSON', BROKEN, { response_format: { type: 'text' } }],
  ['healing that is switched off', BROKEN, { plugins: [{ id: 'response-healing', enabled: false }] }],
])('%s is not touched', async (_, content, changes) => {
  ingress.bus.worker = serving([completion(content)]);
  const answer = await post('chat/completions', { ...asked, ...changes });
  expect(contentOf(answer)).toBe(content);
  expect(pipelineOf(answer)).toBeUndefined();
});

it('what cannot be repaired goes out as it came, and is said to', async () => {
  ingress.bus.worker = serving([completion('I would rather not.')]);
  const answer = await post('chat/completions', asked);
  expect(contentOf(answer)).toBe('I would rather not.');
  expect(pipelineOf(answer)).toMatchObject([{ data: { broken: 1, repaired: 0 } }]);
});

it('an answer without text, as one that calls tools, is left alone', async () => {
  const body = JSON.stringify({ choices: [{ message: { content: null, tool_calls: [{ id: 'x' }] } }] });
  ingress.bus.worker = serving([body]);
  const answer = await post('chat/completions', asked);
  expect(answer).toMatchObject({ choices: [{ message: { content: null, tool_calls: [{ id: 'x' }] } }] });
  expect(pipelineOf(answer)).toBeUndefined();
});

it('an answer that is kept is given again as it went out: repaired', async () => {
  const cached = { 'x-openrouter-cache': 'true' };
  const body = { ...asked, user: 'somebody else' };
  ingress.bus.worker = serving([completion(BROKEN)]);
  const first = await post('chat/completions', body, cached);
  const streams = ingress.bus.streams.length;
  const second = await post('chat/completions', body, cached);
  expect(ingress.bus.streams).toHaveLength(streams);
  expect(contentOf(second)).toBe(contentOf(first));
  expect(JSON.parse(String(contentOf(second)))).toEqual({ a: [1, 2], b: 'c' });
  expect(second['openrouter_metadata']).toBeUndefined();
});
