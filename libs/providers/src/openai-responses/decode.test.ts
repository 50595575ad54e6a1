// What the decoder makes of streams that are not quite in order.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { eventsOf } from '../conformance/translation.js';
import { openaiResponses } from './openai-responses.js';

const { translation } = openaiResponses;

it('ends an item whose place another takes', () => {
  if (translation === undefined) throw new Error('there is no translation');
  const thought = { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning', id: 'r' } };
  const message = { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'm' } };
  const told = [
    { type: 'response.created', response: { id: 'up', status: 'in_progress' } },
    ...[thought, message],
    { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'a' },
    { type: 'response.completed', response: { id: 'up', status: 'completed', output: [] } },
  ];
  const bytes = Buffer.from(told.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
  expect(collectEvents(eventsOf(translation, CONFORMANCE_TERMS, bytes, 50).events)).toEqual({
    text: 'a',
    finish: 'stop',
  });
});

it('passes an event whose type is no name without one', () => {
  const type = 'response.x\ndata: {"forged":true}';
  const writes: Buffer[] = [];
  const reader = openaiResponses.passthrough?.readResponse(CONFORMANCE_TERMS, (write) => writes.push(write));
  for (const event of [
    { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'm' } },
    { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'a' },
    { type },
  ])
    reader?.push(Buffer.from(`data: ${JSON.stringify(event)}\n\n`));
  const wire = Buffer.concat(writes).toString();
  expect(wire).toContain(`\n\ndata: ${JSON.stringify({ type })}\n\n`);
  expect(wire).not.toContain('\ndata: {"forged"');
});
