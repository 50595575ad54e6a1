// A conversation keeps what Gemini needs of it: a long agent's conversation is asked whole, and what an answer signed comes back through a client of chat completions.
import { openAiChat } from '@waystation/dialects';
import type { GenerationCall } from '@waystation/generation';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import { TranslatingReader } from '../events/translate-response.js';
import { buildFromCall } from './build-from-call.js';
import { gemini } from './gemini.js';

const TURNS = 20;
const FORMAT = 'google-gemini-v1';

const call: GenerationCall = {
  stream: false,
  sampling: { temperature: 0.5 },
  tools: [{ type: 'function', name: 'see', parameters: { type: 'object', properties: { at: { type: 'string' } } } }],
  messages: [
    { role: 'system', content: [{ type: 'text', text: 'be an agent' }] },
    ...Array.from({ length: TURNS }, (_, turn): GenerationCall['messages'] => [
      {
        role: 'user',
        content: [
          { type: 'text', text: `question ${turn}` },
          { type: 'image', source: { kind: 'data', mediaType: 'image/png', base64: 'iVBORw0KGgo=' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: `thought ${turn}`, format: FORMAT, signature: `t-${turn}` },
          { type: 'text', text: `answer ${turn}` },
          {
            type: 'tool-call',
            id: `call_${turn}_a`,
            name: 'see',
            argumentsJson: '{"at":"left"}',
            signature: `c-${turn}`,
          },
          { type: 'tool-call', id: `call_${turn}_b`, name: 'see', argumentsJson: '{"at":"right"}' },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', callId: `call_${turn}_a`, content: [{ type: 'text', text: 'a cat' }] },
          { type: 'tool-result', callId: `call_${turn}_b`, content: [{ type: 'text', text: 'a dog' }] },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: `so ${turn}` },
          { type: 'reasoning', text: '', format: FORMAT, encrypted: `e-${turn}` },
        ],
      },
    ]).flat(),
    { role: 'user', content: [{ type: 'text', text: 'and now?' }] },
  ],
};

const contentsOf = (asked: GenerationCall): unknown => {
  const { body, warnings } = buildFromCall({ call: asked, upstreamModel: 'm', quirks: { thinking: 'level' } });
  expect(warnings).toEqual([]);
  return (JSON.parse(body.toString()) as { contents: unknown }).contents;
};

const expected = [
  ...Array.from({ length: TURNS }, (_, turn) => [
    {
      role: 'user',
      parts: [{ text: `question ${turn}` }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }],
    },
    {
      role: 'model',
      parts: [
        { text: `thought ${turn}`, thought: true, thoughtSignature: `t-${turn}` },
        { text: `answer ${turn}` },
        { functionCall: { name: 'see', args: { at: 'left' } }, thoughtSignature: `c-${turn}` },
        { functionCall: { name: 'see', args: { at: 'right' } } },
      ],
    },
    {
      role: 'user',
      parts: [
        { functionResponse: { name: 'see', response: { output: 'a cat' } } },
        { functionResponse: { name: 'see', response: { output: 'a dog' } } },
      ],
    },
    { role: 'model', parts: [{ text: `so ${turn}`, thoughtSignature: `e-${turn}` }] },
  ]).flat(),
  { role: 'user', parts: [{ text: 'and now?' }] },
];

it('a long conversation is asked with all that is in it', () => {
  expect(contentsOf(call)).toEqual(expected);
});

/** As an unchanged client of chat completions gives an answer back: the message as it came. */
const answerAsAsked = (parts: readonly object[]): GenerationCall => {
  const { translation } = gemini;
  if (translation === undefined) throw new Error('there is no translation');
  const terms = { ...CONFORMANCE_TERMS, stream: false };
  const written: Buffer[] = [];
  const reader = new TranslatingReader(translation, terms, openAiChat.writeAnswer(terms), (bytes) =>
    written.push(bytes),
  );
  reader.push(
    Buffer.from(
      JSON.stringify({
        candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
        responseId: 'r',
      }),
    ),
  );
  reader.end();
  expect(reader.failure).toBeUndefined();
  const { choices } = JSON.parse(Buffer.concat(written).toString()) as { choices: { message: unknown }[] };
  const messages = [{ role: 'user', content: 'hi' }, choices[0]?.message];
  return openAiChat.readCall(Buffer.from(JSON.stringify({ model: 'm', messages }))).call;
};

it.each<[string, readonly object[]]>([
  [
    'thoughts, text and calls',
    [
      { text: 'hm', thought: true, thoughtSignature: 'T+/==' },
      { text: 'Let me look.', thoughtSignature: 'X+/==' },
      { functionCall: { name: 'see', args: { at: 'left' } }, thoughtSignature: 'C+/==' },
      { functionCall: { name: 'see', args: { at: 'right' } } },
    ],
  ],
  ['text', [{ text: 'Three.', thoughtSignature: 'X+/==' }]],
  ['calls', [{ functionCall: { name: 'see', args: {} }, thoughtSignature: 'C+/==' }]],
  [
    'text and a picture, both signed',
    [
      { text: 'Look:', thoughtSignature: 'A+/==' },
      { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' }, thoughtSignature: 'B+/==' },
    ],
  ],
])('an answer of %s comes back as it was', (_, parts) => {
  expect(contentsOf(answerAsAsked(parts))).toEqual([
    { role: 'user', parts: [{ text: 'hi' }] },
    { role: 'model', parts },
  ]);
});
