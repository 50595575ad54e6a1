// What an answer of another provider signed comes back through an unchanged client of Messages: it keeps blocks as they came, and knows nothing of whose they are.
import type { AssistantPart, GenerationEvent } from '@waystation/generation';
import { enclose } from '../reasoning/envelope.js';
import { anthropicMessages } from './anthropic-messages.js';

const terms = { generationId: 'gen-1700000000-abc', model: 'm', providerName: 'P' };

type Block = Record<string, unknown> & { readonly type: string };

const bodyOf = (events: readonly GenerationEvent[]): Block[] => {
  const writer = anthropicMessages.writeAnswer({ ...terms, stream: false });
  for (const event of events) writer.event(event);
  writer.end();
  return (JSON.parse(writer.take().toString()) as { content: Block[] }).content;
};

interface Event {
  readonly type: string;
  readonly index: number;
  readonly content_block: Block;
  readonly delta: Readonly<Record<string, string>>;
}

/** Blocks as Anthropic's own client puts them together. */
const streamOf = (events: readonly GenerationEvent[]): Block[] => {
  const writer = anthropicMessages.writeAnswer({ ...terms, stream: true });
  for (const event of events) writer.event(event);
  writer.end();
  const blocks: Block[] = [];
  for (const line of writer.take().toString().split('\n')) {
    if (!line.startsWith('data: ')) continue;
    const { type, index, content_block: block, delta } = JSON.parse(line.slice(6)) as Event;
    if (type === 'content_block_start') blocks[index] = { ...block };
    const open = blocks[index];
    if (type !== 'content_block_delta' || open === undefined) continue;
    if (delta['type'] === 'input_json_delta') open['input'] = JSON.parse(delta['partial_json'] ?? '');
    else if (delta['type'] === 'signature_delta') open['signature'] = delta['signature'];
    else {
      const member = delta['type'] === 'thinking_delta' ? 'thinking' : 'text';
      open[member] = `${String(open[member])}${delta[member]}`;
    }
  }
  return blocks;
};

const readBack = (content: readonly Block[]): readonly AssistantPart[] => {
  const body = { model: 'm', max_tokens: 1, messages: [{ role: 'assistant', content }] };
  const [message] = anthropicMessages.readCall(Buffer.from(JSON.stringify(body))).call.messages;
  return message?.role === 'assistant' ? message.content : [];
};

const thinking = (start: object, text: string, end: object): GenerationEvent[] => [
  { type: 'reasoning-start', index: 0, ...start },
  ...(text === '' ? [] : [{ type: 'reasoning-delta' as const, index: 0, text }]),
  { type: 'reasoning-end', index: 0, ...end },
];
const calling = (about: object): GenerationEvent[] => [
  { type: 'tool-call-start', index: 1, id: 'call_1', name: 'see', ...about },
  { type: 'tool-call-delta', index: 1, argumentsDelta: '{"a":1}' },
  { type: 'tool-call-end', index: 1 },
  { type: 'finish', reason: 'tool-calls' },
];
const call = { type: 'tool-call', id: 'call_1', name: 'see', argumentsJson: '{"a":1}' };
const [claude, google, sealed] = ['anthropic-claude-v1', 'google-gemini-v1', 'openai-responses-v1'];

describe.each([
  ['a stream', streamOf],
  ['a body', bodyOf],
])('what %s signs', (_, blocksOf) => {
  it.each<[string, readonly GenerationEvent[], readonly object[]]>([
    [
      'Claude, in words',
      thinking({ format: claude }, 'hm', { signature: 'Er==' }),
      [{ type: 'reasoning', text: 'hm', format: claude, signature: 'Er==' }],
    ],
    [
      'Claude, without',
      thinking({ format: claude }, '', { encrypted: 'Em==' }),
      [{ type: 'reasoning', text: '', format: claude, encrypted: 'Em==' }],
    ],
    [
      'Gemini, on a call',
      calling({ signature: 'C+/=', format: google }),
      [{ ...call, signature: 'C+/=', format: google }],
    ],
    [
      'Gemini, on a thought and on a call',
      [...thinking({ format: google }, 'hm', { signature: 'T+/=' }), ...calling({ signature: 'C+/=', format: google })],
      [
        { type: 'reasoning', text: 'hm', format: google, signature: 'T+/=' },
        { ...call, signature: 'C+/=', format: google },
      ],
    ],
    [
      'Gemini, on words that stand before it',
      thinking({ format: google }, '', { encrypted: 'X+/=' }),
      [{ type: 'reasoning', text: '', format: google, encrypted: 'X+/=' }],
    ],
    [
      'a provider of Responses, with a summary',
      thinking({ format: sealed, id: 'rs_1', summary: true }, 'in short', { encrypted: 'gAAA' }),
      [{ type: 'reasoning', text: 'in short', format: sealed, id: 'rs_1', summary: true, encrypted: 'gAAA' }],
    ],
    ['nobody', thinking({}, 'hm', {}), [{ type: 'reasoning', text: 'hm', format: 'unknown' }]],
  ])('comes back byte for byte: %s', (_name, events, parts) => {
    expect(readBack(blocksOf(events))).toEqual(parts);
  });

  it('is Claude’s own without an envelope', () => {
    expect(blocksOf(thinking({ format: claude }, 'hm', { signature: 'Er==' }))).toEqual([
      { type: 'thinking', thinking: 'hm', signature: 'Er==' },
    ]);
    expect(blocksOf(thinking({ format: claude }, '', { encrypted: 'Em==' }))).toEqual([
      { type: 'redacted_thinking', data: 'Em==' },
    ]);
  });

  it('stands before the call that it belongs to', () => {
    expect(blocksOf(calling({ signature: 'C', format: google })).map(({ type }) => type)).toEqual([
      'redacted_thinking',
      'tool_use',
    ]);
  });
});

describe('a block that a client sends', () => {
  const forged = `${(enclose({ format: google, signature: 'T' }) ?? '').slice(0, -1)}_`;

  it('is Claude’s where its signature is no whole envelope', () => {
    expect(
      readBack([
        { type: 'thinking', thinking: 'hm', signature: forged },
        { type: 'redacted_thinking', data: 'ws1.x' },
        { type: 'thinking', thinking: 'plain', signature: '' },
      ]),
    ).toEqual([
      { type: 'reasoning', text: 'hm', format: claude, signature: forged },
      { type: 'reasoning', text: '', format: claude, encrypted: 'ws1.x' },
      { type: 'reasoning', text: 'plain', format: claude },
    ]);
  });

  it('is a thought of its own where the call it was sealed for is gone', () => {
    const data = enclose({ format: google, id: 'call_9', encrypted: 'C' });
    expect(readBack([{ type: 'redacted_thinking', data }])).toEqual([
      { type: 'reasoning', text: '', format: google, id: 'call_9', encrypted: 'C' },
    ]);
  });
});

it('an answer whose seal is too long for any envelope says that it was lost', () => {
  const writer = anthropicMessages.writeAnswer({ ...terms, stream: false });
  for (const event of thinking({ format: google }, 'hm', { signature: 'x'.repeat(5_000_000) })) writer.event(event);
  writer.end();
  expect(writer.warnings).toEqual([
    expect.objectContaining({ code: 'translated-with-loss', message: expect.stringContaining('signatures') as string }),
  ]);
});
