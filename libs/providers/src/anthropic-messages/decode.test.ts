// What the decoder makes of streams that are not quite in order.
import { collectEvents } from '../conformance/collect-events.js';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { eventsOf } from '../conformance/translation.js';
import { anthropicMessages } from './anthropic-messages.js';

const { translation } = anthropicMessages;
const start = (index: number) => ({ type: 'content_block_start', index, content_block: { type: 'text', text: '' } });
const say = (index: number, text: string) => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'text_delta', text },
});

it('takes a block that begins in the place of an open one, or of one that is over, for another', () => {
  if (translation === undefined) throw new Error('there is no translation');
  const told = [
    { type: 'message_start', message: { id: 'up' } },
    ...[start(0), say(0, 'a'), start(0), say(0, 'b'), { type: 'content_block_stop', index: 0 }],
    ...[start(0), say(0, 'c'), { type: 'content_block_stop', index: 0 }],
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 1, output_tokens: 3 } },
    { type: 'message_stop' },
  ];
  const bytes = Buffer.from(told.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
  const { events } = eventsOf(translation, CONFORMANCE_TERMS, bytes, 50);
  expect(collectEvents(events)).toEqual({ text: 'abc', finish: 'stop' });
  expect(events.filter(({ type }) => type === 'text-start')).toHaveLength(3);
});
