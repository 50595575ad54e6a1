// What counts as a text in requests, answers and events, one line a case.
import { PROMPT_ROOTS, textsWithin } from './texts-within.js';

const within = (value: unknown, roots?: ReadonlySet<string>) => textsWithin(Buffer.from(JSON.stringify(value)), roots);
const said = (value: unknown, roots?: ReadonlySet<string>): string[] | undefined =>
  within(value, roots)?.texts.map(({ text }) => text);

it.each<[string, unknown, string[]]>([
  ['a chat', { model: 'a/b', user: 'u', messages: [{ role: 'user', content: 'hi' }] }, ['hi']],
  ['an escape', { messages: [{ role: 'user', content: 'a"\u00e4\n' }] }, ['a"ä\n']],
  [
    'parts',
    {
      messages: [
        {
          role: 'user',
          name: 'jo',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
      ],
    },
    ['jo', 'a'],
  ],
  [
    'calls of tools',
    {
      messages: [
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: 'r' },
      ],
    },
    ['{"a":1}', 'r'],
  ],
  [
    'Messages',
    {
      system: [{ type: 'text', text: 's' }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 't', content: 'r' },
            { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'd' } },
            { type: 'document', source: { type: 'base64', data: 'AAAA' } },
          ],
        },
      ],
    },
    ['s', 'r', 'd'],
  ],
  [
    'Responses',
    { instructions: 'i', input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 't' }] }] },
    ['i', 't'],
  ],
  ['a job', { input: ['a', 'b'], encoding_format: 'float' }, ['a', 'b']],
  ['no tools', { tools: [{ type: 'function', function: { name: 'f', description: 'd' } }], messages: [] }, []],
])('a prompt: %s', (_name, request, expected) => expect(said(request, PROMPT_ROOTS)).toEqual(expected));

it('knows whose a text is, and prompts that are tokens', () => {
  const request = {
    instructions: 'i',
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'u' }] },
      { role: 'tool', content: 't' },
    ],
  };
  expect(within(request, PROMPT_ROOTS)?.texts.map(({ role }) => role)).toEqual([undefined, 'user', 'tool']);
  expect(within({ input: [[1, 2]] }, PROMPT_ROOTS)?.hasTokens).toBe(true);
  expect(within({ input: ['1'], dimensions: 3 }, PROMPT_ROOTS)?.hasTokens).toBe(false);
});

it('pieces of one text share a channel, and those of another have their own', () => {
  const chunk = (index: number, content: string): unknown => ({
    id: 'x',
    choices: [{ index, delta: { role: 'assistant', content }, logprobs: { content: [{ token: 'a' }] } }],
  });
  const [one, two, other] = [chunk(0, 'a'), chunk(0, 'b'), chunk(1, 'a')].map((each) => within(each)?.texts[0]);
  expect(one).toMatchObject({ text: 'a', isPiece: true });
  expect(two?.channel).toBe(one?.channel);
  expect(other?.channel).not.toBe(one?.channel);
  expect(within(chunk(0, 'a'))?.logprobs).toHaveLength(1);
});

it.each(['{"a":', '{"a" "b"}', '[1,]', '{"a":"\\x"}', ''])('%s is no document', (text) =>
  expect(textsWithin(Buffer.from(text))).toBeUndefined(),
);
