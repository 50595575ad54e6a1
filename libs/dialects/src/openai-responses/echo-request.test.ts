// A response says again what was asked, as the client wrote it, and when it was whole.
import type { GenerationEvent } from '@waystation/generation';
import { openAiResponses } from './openai-responses.js';

const generationId = `gen-1700000000-${'a'.repeat(20)}`;
const EVENTS: readonly GenerationEvent[] = [
  { type: 'start' },
  { type: 'text-start', index: 0 },
  { type: 'text-delta', index: 0, text: 'Hello' },
  { type: 'text-end', index: 0 },
];

const responsesTo = (
  request: object,
  { stream = false, reason = 'stop' }: { readonly stream?: boolean; readonly reason?: 'stop' | 'length' } = {},
): Readonly<Record<string, unknown>>[] => {
  const { echo } = openAiResponses.readCall(
    Buffer.from(JSON.stringify({ model: 'lab/small', input: 'x', ...request })),
  );
  const terms = { generationId, model: 'lab/small', providerName: 'LAB', stream, echo, nowMs: () => 1_700_000_009_999 };
  const writer = openAiResponses.writeAnswer(terms);
  for (const event of [...EVENTS, { type: 'finish', reason } as const]) writer.event(event);
  const tail = writer.end() ?? '';
  const text = `${writer.take().toString()}${tail}`;
  if (!stream) return [JSON.parse(text) as Readonly<Record<string, unknown>>];
  return text
    .split('\n\n')
    .filter((event) => event.includes('"response":'))
    .map((event) => (JSON.parse(event.slice(event.indexOf('{'))) as { response: Record<string, unknown> }).response);
};

const ASKED = {
  instructions: 'Be brief.',
  metadata: { team: 'red' },
  max_output_tokens: 50,
  max_tool_calls: 3,
  parallel_tool_calls: false,
  temperature: 0.5,
  top_p: 0.9,
  presence_penalty: 1,
  frequency_penalty: -1,
  tool_choice: 'required',
  tools: [
    { type: 'function', name: 'look', parameters: { type: 'object' }, strict: true },
    { type: 'function', name: 'wait' },
  ],
  truncation: 'auto',
  user: 'alice',
  text: { format: { type: 'json_object' }, verbosity: 'low' },
  reasoning: { effort: 'low' },
};
const TOLD = {
  ...ASKED,
  tools: [ASKED.tools[0], { type: 'function', name: 'wait', parameters: null, strict: null }],
  reasoning: { effort: 'low', summary: null },
  previous_response_id: null,
  store: false,
  background: false,
};

it('says again all that was set, in a body and in every event of a stream that carries a response', () => {
  const [body] = responsesTo(ASKED);
  expect(body).toMatchObject(TOLD);
  const streamed = responsesTo(ASKED, { stream: true });
  expect(streamed.map(({ status }) => status)).toEqual(['in_progress', 'in_progress', 'completed']);
  for (const response of streamed) expect(response).toMatchObject(TOLD);
});

it('says of what was not set, or is null, that it was not', () => {
  const unset = {
    ...{ instructions: null, metadata: null, max_output_tokens: null, max_tool_calls: null, parallel_tool_calls: true },
    ...{ previous_response_id: null, temperature: null, top_p: null, presence_penalty: null, frequency_penalty: null },
    ...{ tool_choice: 'auto', tools: [], truncation: 'disabled', user: null, store: false, background: false },
    ...{ text: { format: { type: 'text' } }, reasoning: { effort: null, summary: null } },
  };
  expect(responsesTo({})[0]).toMatchObject(unset);
  expect(responsesTo({ instructions: null, text: { format: null }, reasoning: null, tools: null })[0]).toMatchObject(
    unset,
  );
});

it('says when it was whole, and only then', () => {
  expect(responsesTo({})[0]).toMatchObject({
    status: 'completed',
    created_at: 1_700_000_000,
    completed_at: 1_700_000_009,
  });
  expect(responsesTo({}, { reason: 'length' })[0]).toMatchObject({ status: 'incomplete', completed_at: null });
  expect(responsesTo({}, { stream: true }).map(({ completed_at: at }) => at)).toEqual([null, null, 1_700_000_009]);
});

it('does not say again what is too long to be said three times', () => {
  const [body] = responsesTo({ instructions: 'x'.repeat(70_000), temperature: 0 });
  expect(body).toMatchObject({ instructions: null, temperature: 0 });
});

it('keeps the bill as its last member', () => {
  const usage = { input: 5, output: 2 };
  const bill = { usage, cost: 1_000_000n, promptCost: 0n, completionCost: 0n, byok: false };
  const { echo } = openAiResponses.readCall(Buffer.from('{"input":"x","instructions":"}}"}'));
  const writer = openAiResponses.writeAnswer({
    ...{ generationId, model: 'a/b', providerName: 'LAB', stream: true, echo },
  });
  for (const event of EVENTS) writer.event(event);
  const answer = { generationId, createdSeconds: 1_700_000_000, model: 'a/b' };
  const end = openAiResponses.streamEnd(answer, bill, writer.end());
  const { response } = JSON.parse(end.slice(end.indexOf('{'), end.indexOf('\n\n'))) as { response: object };
  expect(Object.keys(response).at(-1)).toBe('usage');
  expect(response).toMatchObject({ instructions: '}}', usage: { input_tokens: 5, cost: 0.000001 } });
});
