// A conversation crosses dialects and back: read as a call in one, asked in another, read there again. What both can say survives; what is lost is in the warnings.
import { anthropicMessages as publicMessages, openAiChat } from '@waystation/dialects';
import type { GenerationCall } from '@waystation/generation';
import { anthropicMessages } from './anthropic-messages/anthropic-messages.js';
import { openaiChat } from './openai-chat/openai-chat.js';

const PAIRS = [
  ['openai-chat', openaiChat, openAiChat, { thoughtField: 'reasoning_details', marksCache: true }],
  ['anthropic-messages', anthropicMessages, publicMessages, {}],
] as const;

const TURNS = 20;

/** A long agent's conversation: parallel calls with results, thinking with signatures, images, cache markers. */
const call: GenerationCall = {
  stream: false,
  sampling: { temperature: 0.5, topP: 0.9, stop: ['END'] },
  maxOutputTokens: 4_096,
  tools: [
    {
      type: 'function',
      name: 'see',
      description: 'looks',
      parameters: { type: 'object', properties: { at: { type: 'string' } } },
    },
  ],
  toolChoice: { type: 'auto' },
  messages: [
    { role: 'system', content: [{ type: 'text', text: 'be an agent', cache: { ttl: '1h' } }] },
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
          { type: 'reasoning', text: `thought ${turn}`, format: 'anthropic-claude-v1', signature: `sig-${turn}` },
          { type: 'text', text: `answer ${turn}` },
          { type: 'tool-call', id: `call_${turn}_a`, name: 'see', argumentsJson: '{"at":"left"}' },
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
    ]).flat(),
    { role: 'user', content: [{ type: 'text', text: 'and now?' }] },
  ],
};

/** Neighbouring results of tools are one message or several: the same to any model. */
const withResultsTogether = (messages: GenerationCall['messages']): GenerationCall['messages'] => {
  const together: GenerationCall['messages'][number][] = [];
  for (const message of messages) {
    const last = together.at(-1);
    if (message.role === 'tool' && last?.role === 'tool')
      together[together.length - 1] = { role: 'tool', content: [...last.content, ...message.content] };
    else together.push(message);
  }
  return together;
};

describe.each(PAIRS)('a conversation by way of %s', (_, provider, spoken, quirks) => {
  it('comes back whole', () => {
    const { translation } = provider;
    if (translation === undefined) throw new Error('there is no translation');
    const { body, warnings } = translation.buildRequest({ call, upstreamModel: 'm', quirks });
    const { call: back } = spoken.readCall(body);
    expect(warnings).toEqual([]);
    expect(withResultsTogether(back.messages)).toEqual(call.messages);
    expect(back).toMatchObject({
      sampling: call.sampling,
      maxOutputTokens: call.maxOutputTokens,
      tools: call.tools,
      toolChoice: call.toolChoice,
    });
  });
});
