// Where the texts of an answer stand in its bytes, in each dialect; and that replacing one leaves all else as it was written.
import fc from 'fast-check';
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.js';
import { openAiChat } from '../openai-chat/openai-chat.js';
import { openAiCompletions } from '../openai-completions/openai-completions.js';
import { openAiResponses } from '../openai-responses/openai-responses.js';
import type { PublicDialect } from '../public-dialect.js';
import { replaceTexts } from './answer-texts.js';

const said = (text: string): object => ({ type: 'output_text', text, annotations: [{ text: 'no text' }] });

const ANSWERS: readonly (readonly [string, PublicDialect, (...texts: [string, string]) => object])[] = [
  [
    'chat completions',
    openAiChat,
    (a, b) => ({
      content: 'no',
      choices: [
        { message: { reasoning: 'no', content: a, tool_calls: [{ content: 'no' }] } },
        { message: { content: b } },
      ],
    }),
  ],
  ['legacy completions', openAiCompletions, (a, b) => ({ choices: [{ text: a }, { text: b, reasoning: 'no' }] })],
  [
    'Messages',
    anthropicMessages,
    (a, b) => ({
      content: [
        { type: 'thinking', text: 'no' },
        { text: a, type: 'text' },
        { type: 'tool_use', input: { text: 'no' } },
        { type: 'text', text: b },
      ],
    }),
  ],
  [
    'Responses',
    openAiResponses,
    (a, b) => ({
      output: [
        { type: 'reasoning', content: [{ type: 'output_text', text: 'no' }] },
        { type: 'message', content: [{ type: 'refusal', text: 'no' }, said(a), said(b)] },
      ],
    }),
  ],
];

describe.each(ANSWERS)('the texts of an answer of %s', (_, dialect, answer) => {
  it('are found, and may be replaced, whatever they hold', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, fc.constantFrom(undefined, 2), (a, b, other, indent) => {
        const body = Buffer.from(JSON.stringify(answer(a, b), null, indent));
        const texts = dialect.textsOf(body);
        expect(texts.map((each) => each.text)).toEqual([a, b]);
        const replaced = replaceTexts(
          body,
          texts.slice(1).map((each) => ({ ...each, text: other })),
        );
        expect(replaced.toString()).toBe(JSON.stringify(answer(a, other), null, indent));
      }),
    );
  });

  it('are none where there is none', () => {
    for (const body of [
      '{}',
      '[]',
      '',
      'nonsense',
      '{"choices":[{"message":{"content":null}}],"content":7,"output":{}}',
    ])
      expect(dialect.textsOf(Buffer.from(body))).toEqual([]);
  });
});
