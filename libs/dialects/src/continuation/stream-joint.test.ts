// Two streams that look like one: what of the first can be continued, what is sent, and what the client gets of the second. In chat completions and in Messages.
import fc from 'fast-check';
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.js';
import { openAiChat } from '../openai-chat/openai-chat.js';
import { namedEvent } from '../sse.js';
import { ChatJoint } from './chat-joint.js';
import { MessagesJoint } from './messages-joint.js';
import type { StreamJoint } from './stream-joint.js';
import { withAssistantText } from './with-assistant-text.js';

const chat = (delta: object, more: object = {}): string =>
  `data: ${JSON.stringify({ id: 'gen-1', choices: [{ index: 0, delta, finish_reason: null, logprobs: null, ...more }] })}\n\n`;
const messages = (event: { readonly type: string }): string => namedEvent(event.type, JSON.stringify(event));
const START = messages({ type: 'message_start', message: { role: 'assistant' } } as { type: string });
const begin = (index: number, block: object = { type: 'text', text: '' }): string =>
  messages({ type: 'content_block_start', ...{ index, content_block: block } });
const delta = (index: number, text: string): string =>
  messages({ type: 'content_block_delta', ...{ index, delta: { type: 'text_delta', text } } });
const stop = (index: number): string => messages({ type: 'content_block_stop', ...{ index } });

const passed = (joint: StreamJoint, events: readonly string[]): string =>
  events.map((event) => joint.pass(Buffer.from(event)).toString()).join('');
const textOf = (joint: StreamJoint, events: readonly string[]): string | undefined => {
  expect(passed(joint, events)).toBe(events.join(''));
  return joint.text;
};

describe('a stream of chat completions', () => {
  it.each<[string, string[], string | undefined]>([
    ['of text', [chat({ role: 'assistant', content: 'Once ' }), ': KEEP\n\n', chat({ content: 'upon' })], 'Once upon'],
    ['of text with members that say nothing', [chat({ content: 'Hi', refusal: null, tool_calls: [] })], 'Hi'],
    ['without a word', [chat({ role: 'assistant', content: '' })], undefined],
    ['of white space', [chat({ content: ' \n' })], undefined],
    ['that had its finish', [chat({ content: 'Hi' }), chat({}, { finish_reason: 'stop' })], undefined],
    ['that calls a tool', [chat({ content: 'Hi' }), chat({ tool_calls: [{ index: 0 }] })], undefined],
    ['that reasons', [chat({ content: '', reasoning: 'hm' }), chat({ content: 'Hi' })], undefined],
    ['that refuses', [chat({ refusal: 'No' })], undefined],
    ['with probabilities', [chat({ content: 'Hi' }, { logprobs: { content: [] } })], undefined],
    ['of another choice', [chat({ content: 'Hi' }, { index: 1 })], undefined],
    ['that is no JSON', [chat({ content: 'Hi' }), 'data: {\n\n'], undefined],
  ])('%s', (_name, events, text) => {
    expect(textOf(new ChatJoint(), events)).toBe(text);
  });

  it('goes on without a second role, and without white space said twice', () => {
    const joint = new ChatJoint();
    expect(textOf(joint, [chat({ role: 'assistant', content: 'Once ' })])).toBe('Once');
    joint.join();
    expect(
      passed(joint, [
        chat({ role: 'assistant', content: ' upon' }),
        chat({ content: ' a' }),
        ': KEEP\n\n',
        chat({ role: 'assistant' }, { finish_reason: 'stop' }),
      ]),
    ).toBe(
      [chat({ content: 'upon' }), chat({ content: ' a' }), ': KEEP\n\n', chat({}, { finish_reason: 'stop' })].join(''),
    );
  });
});

it.each([
  ['chat completions', new ChatJoint(), chat({ content: 'x'.repeat(600_000) })],
  ['Messages', new MessagesJoint(), delta(0, 'x'.repeat(600_000))],
])('keeps no more than a text that can be sent again: %s', (_name, joint, event) => {
  passed(joint, [event]);
  expect(joint.isOpen).toBe(true);
  passed(joint, [event]);
  expect([joint.isOpen, joint.text]).toEqual([false, undefined]);
});

describe('a Messages stream', () => {
  it.each<[string, string[], string | undefined]>([
    ['of text', [START, begin(0), delta(0, 'Once '), delta(0, 'upon')], 'Once upon'],
    ['of two blocks', [START, begin(0), delta(0, 'A'), stop(0), begin(1), delta(1, 'B')], 'AB'],
    ['between its blocks', [START, begin(0), delta(0, 'A'), stop(0)], undefined],
    ['that thinks', [START, begin(0, { type: 'thinking', thinking: '' }), stop(0), begin(1), delta(1, 'A')], undefined],
    ['that calls a tool', [START, begin(0), delta(0, 'A'), begin(1, { type: 'tool_use', id: 't' })], undefined],
    ['that had its end', [START, begin(0), delta(0, 'A'), messages({ type: 'message_delta' })], undefined],
    ['without a word', [START, begin(0)], undefined],
  ])('%s', (_name, events, text) => {
    expect(textOf(new MessagesJoint(), events)).toBe(text);
  });

  it('goes on in the block that is open, and counts on', () => {
    const joint = new MessagesJoint();
    expect(textOf(joint, [START, begin(0), delta(0, 'A'), stop(0), begin(1), delta(1, 'B ')])).toBe('AB');
    joint.join();
    const tool = { type: 'tool_use', id: 't', name: 'n', input: {} };
    expect(passed(joint, [START, begin(0), delta(0, ' C'), stop(0), begin(1, tool), stop(1)])).toBe(
      [delta(1, 'C'), stop(1), begin(2, tool), stop(2)].join(''),
    );
  });

  it('closes the block that is open where the second begins with another kind', () => {
    const joint = new MessagesJoint();
    textOf(joint, [START, begin(0), delta(0, 'A')]);
    joint.join();
    const tool = { type: 'tool_use', id: 't', name: 'n', input: {} };
    expect(passed(joint, [START, begin(0, tool), stop(0)])).toBe([stop(0), begin(1, tool), stop(1)].join(''));
  });

  it('loses nothing that a block begins with', () => {
    const joint = new MessagesJoint();
    textOf(joint, [START, begin(0), delta(0, 'A')]);
    joint.join();
    expect(passed(joint, [begin(0, { type: 'text', text: 'B' }), stop(0)])).toBe([delta(0, 'B'), stop(0)].join(''));
  });
});

it('a text that is cut anywhere and continued is the whole text, however it comes in pieces', () => {
  const words = fc.constantFrom('a', 'b ', ' ', '\n', ' c', 'ü', '"\\');
  fc.assert(
    fc.property(fc.array(words, { minLength: 2, maxLength: 12 }), fc.nat(), (all, at) => {
      const whole = `x${all.join('')}`;
      const cut = 1 + (at % whole.length);
      const joint = new ChatJoint();
      passed(joint, [chat({ content: whole.slice(0, cut) })]);
      const prefix = joint.text ?? '';
      expect(prefix).toBe(whole.slice(0, cut).trimEnd());
      joint.join();
      // The model goes on from what it was given.
      const rest = [...whole.slice(prefix.length)];
      const out = passed(
        joint,
        rest.map((content) => chat({ content })),
      );
      const got = out
        .split('\n\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line.slice(6)) as { choices: [{ delta: { content: string } }] }).choices[0]);
      expect(whole.slice(0, cut) + got.map((choice) => choice.delta.content).join('')).toBe(whole);
    }),
  );
});

describe('a request with the text so far', () => {
  const body = (list: readonly object[]): Buffer =>
    Buffer.from(JSON.stringify({ model: 'm', messages: list, max_tokens: 9 }));
  const user = { role: 'user', content: 'Hello' };

  it.each([openAiChat, anthropicMessages])('ends with an assistant that has begun: $name', (dialect) => {
    const continued = withAssistantText(body([user]), 'Once "upon"');
    expect(JSON.parse(continued?.toString() ?? '')).toEqual({
      model: 'm',
      messages: [user, { role: 'assistant', content: 'Once "upon"' }],
      max_tokens: 9,
    });
    expect(dialect.readRequest(continued ?? Buffer.alloc(0), { hash: () => '' }).features.messageCount).toBe(2);
  });

  it.each([
    ['has begun its assistant itself', [user, { role: 'assistant', content: 'On' }]],
    ['has no message', []],
  ])('is none where the client %s', (_name, list) => {
    expect(withAssistantText(body(list), 'Once')).toBeUndefined();
  });
});
