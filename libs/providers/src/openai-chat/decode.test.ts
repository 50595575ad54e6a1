// What the decoder makes of completions that are not quite of the dialect.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { eventsOf } from '../conformance/translation.js';
import { chatTranslation } from './openai-chat.js';

const streamed = (...chunks: readonly object[]) => {
  const bytes = Buffer.from(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''));
  return collectEvents(eventsOf(chatTranslation, CONFORMANCE_TERMS, bytes, 7).events);
};
const calls = (...toolCalls: readonly object[]) => ({ choices: [{ index: 0, delta: { tool_calls: toolCalls } }] });
const call = (id: string | undefined, json: string) => ({ id, function: { name: 'f', arguments: json } });
const finish = (word: string) => ({ choices: [{ index: 0, delta: {}, finish_reason: word }] });

// https://docs.mistral.ai/capabilities/function_calling, https://ai.google.dev/gemini-api/docs/openai
it('keeps calls apart that came one by one without an index', () => {
  const { toolCalls } = streamed(calls(call('a', '{"x":1}')), calls(call('b', '{"x":2}')), finish('tool_calls'));
  expect(toolCalls).toEqual([
    { id: 'a', name: 'f', arguments: '{"x":1}' },
    { id: 'b', name: 'f', arguments: '{"x":2}' },
  ]);
});

it('keeps calls apart that came together without index and id', () => {
  const { toolCalls } = streamed(calls(call(undefined, '1'), call(undefined, '2')), finish('tool_calls'));
  expect(toolCalls?.map((each) => each.arguments)).toEqual(['1', '2']);
});

// https://platform.openai.com/docs/api-reference/completions/object
it('reads the text of a legacy completion', () => {
  const piece = (text: string, word: string | null) => ({ choices: [{ index: 0, text, finish_reason: word }] });
  expect(streamed(piece('The', null), piece(' end', 'length'))).toEqual({ text: 'The end', finish: 'length' });
  const body = Buffer.from(JSON.stringify(piece('whole', 'stop')));
  const { events } = eventsOf(chatTranslation, { ...CONFORMANCE_TERMS, stream: false }, body, 50);
  expect(collectEvents(events)).toEqual({ text: 'whole', finish: 'stop' });
});

it('keeps blocks whole where a finish is told twice, with more of the answer in between', () => {
  const piece = calls({ index: 0, ...call('a', '1') });
  const more = calls({ index: 0, function: { arguments: '2' } });
  expect(streamed(piece, finish('tool_calls'), more, finish('tool_calls'))).toEqual({
    toolCalls: [{ id: 'a', name: 'f', arguments: '12' }],
    text: '',
    finish: 'tool-calls',
  });
});
