// A conversation crosses dialects and back: read as a call in one, asked in another, read there again. What both can say survives; what is lost is in the warnings.
import { anthropicMessages as publicMessages, openAiChat, openAiResponses } from '@waystation/dialects';
import type { GenerationCall, ReasoningPart } from '@waystation/generation';
import { anthropicMessages } from './anthropic-messages/anthropic-messages.js';
import { openaiChat } from './openai-chat/openai-chat.js';
import { openaiResponses } from './openai-responses/openai-responses.js';

const TURNS = 20;

const signed = (turn: number): ReasoningPart => ({
  type: 'reasoning',
  text: `thought ${turn}`,
  format: 'anthropic-claude-v1',
  signature: `sig-${turn}`,
});

/** A long agent's conversation: parallel calls with results, thoughts that go back as they are, images, cache markers. */
const conversation = (thought: (turn: number) => ReasoningPart): GenerationCall => ({
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
          thought(turn),
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
});

/** Responses seals its thoughts, and knows neither stop sequences nor cache markers. */
const sealedConversation = (): GenerationCall => {
  const { messages, ...rest } = conversation((turn) => ({
    type: 'reasoning',
    text: `thought ${turn}`,
    summary: true,
    id: `rs_${turn}`,
    format: 'openai-responses-v1',
    encrypted: `gAAA${turn}`,
  }));
  const unmarked = { role: 'system' as const, content: [{ type: 'text' as const, text: 'be an agent' }] };
  return { ...rest, sampling: { temperature: 0.5, topP: 0.9 }, messages: [unmarked, ...messages.slice(1)] };
};

const PAIRS = [
  [
    'openai-chat',
    openaiChat,
    openAiChat,
    { thoughtField: 'reasoning_details', marksCache: true },
    conversation(signed),
  ],
  ['openai-responses', openaiResponses, openAiResponses, {}, sealedConversation()],
  ['anthropic-messages', anthropicMessages, publicMessages, {}, conversation(signed)],
] as const;

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

describe.each(PAIRS)('a conversation by way of %s', (_, provider, spoken, quirks, call) => {
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

/** What a model answers, as every public dialect writes it, goes back into the next turn. */
describe('an answer to a client of Responses', () => {
  const terms = { generationId: 'gen-1700000000-abc', model: 'm', providerName: 'P', stream: false };
  const answered = (): GenerationCall => {
    const writer = openAiResponses.writeAnswer(terms);
    writer.event({ type: 'reasoning-start', index: 0, format: 'anthropic-claude-v1' });
    writer.event({ type: 'reasoning-delta', index: 0, text: 'hm' });
    writer.event({ type: 'reasoning-end', index: 0, signature: 'sig' });
    writer.event({ type: 'text-start', index: 1 });
    writer.event({ type: 'text-delta', index: 1, text: 'I will look.' });
    writer.event({ type: 'text-end', index: 1 });
    writer.event({
      type: 'tool-call-start',
      index: 2,
      id: 'call_1',
      name: 'see',
      signature: 'of the call',
      format: 'google-gemini-v1',
    });
    writer.event({ type: 'tool-call-delta', index: 2, argumentsDelta: '{"at":1}' });
    writer.event({ type: 'tool-call-end', index: 2 });
    writer.event({ type: 'finish', reason: 'tool-calls' });
    writer.end();
    const { output } = JSON.parse(writer.take().toString()) as { output: unknown[] };
    const result = { type: 'function_call_output', call_id: 'call_1', output: 'a cat' };
    const body = { model: 'm', input: [{ role: 'user', content: 'look' }, ...output, result] };
    openAiResponses.readRequest(Buffer.from(JSON.stringify(body)), { hash: (text) => text.slice(0, 8) });
    return openAiResponses.readCall(Buffer.from(JSON.stringify(body))).call;
  };

  it('comes back with what its provider signed', () => {
    expect(answered().messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'look' }] },
      {
        role: 'assistant',
        content: [
          {
            type: 'reasoning',
            text: 'hm',
            format: 'anthropic-claude-v1',
            signature: 'sig',
          },
          { type: 'text', text: 'I will look.' },
          {
            type: 'tool-call',
            id: 'call_1',
            name: 'see',
            argumentsJson: '{"at":1}',
            signature: 'of the call',
            format: 'google-gemini-v1',
          },
        ],
      },
      {
        role: 'tool',
        content: [{ type: 'tool-result', callId: 'call_1', content: [{ type: 'text', text: 'a cat' }] }],
      },
    ]);
  });
});
