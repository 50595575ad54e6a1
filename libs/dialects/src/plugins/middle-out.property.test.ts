// Whatever a conversation is like, in each dialect: a shorter one fits or there is none; calls and results stay together; system messages, the first and the last turn are kept;
// what is kept whole keeps its bytes; what fits already is not touched.
import fc from 'fast-check';
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.js';
import { openAiChat } from '../openai-chat/openai-chat.js';
import { openAiResponses } from '../openai-responses/openai-responses.js';
import { openAiCompletions } from '../openai-completions/openai-completions.js';
import type { PublicDialect } from '../public-dialect.js';
import { cutText } from './middle-out.js';

interface Turn {
  readonly kind: 'user' | 'assistant' | 'tool' | 'image' | 'system';
  readonly text: string;
}
type Items = readonly Record<string, unknown>[];

const image = `data:image/png;base64,${'A'.repeat(4_000)}`;

const DIALECTS: readonly (readonly [
  string,
  PublicDialect,
  (turns: readonly Turn[]) => { list: string; body: Record<string, unknown> },
])[] = [
  [
    'chat completions',
    openAiChat,
    (turns) => ({
      list: 'messages',
      body: {
        model: 'm',
        messages: turns.flatMap(({ kind, text }, index): Items => {
          const id = `call_${index}`;
          if (kind === 'tool')
            return [
              { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: { name: 'f' } }] },
              { role: 'tool', tool_call_id: id, content: text },
            ];
          return kind === 'image'
            ? [
                {
                  role: 'user',
                  content: [
                    { type: 'text', text },
                    { type: 'image_url', image_url: { url: image } },
                  ],
                },
              ]
            : [{ role: kind, content: text }];
        }),
      },
    }),
  ],
  [
    'Messages',
    anthropicMessages,
    (turns) => ({
      list: 'messages',
      body: {
        ...{ model: 'm', max_tokens: 9, system: 'Be kind.' },
        messages: turns.flatMap(({ kind, text }, index): Items => {
          const id = `toolu_${index}`;
          if (kind === 'tool')
            return [
              {
                role: 'assistant',
                content: [
                  { type: 'thinking', thinking: 'hm', signature: 's' },
                  { type: 'tool_use', id, name: 'f', input: {} },
                ],
              },
              { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: [{ type: 'text', text }] }] },
            ];
          if (kind !== 'image') return [{ role: kind, content: text }];
          const source = { type: 'base64', media_type: 'image/png', data: 'A'.repeat(4_000) };
          return [
            {
              role: 'user',
              content: [
                { type: 'image', source },
                { type: 'text', text },
              ],
            },
          ];
        }),
      },
    }),
  ],
  [
    'Responses',
    openAiResponses,
    (turns) => ({
      list: 'input',
      body: {
        model: 'm',
        input: turns.flatMap(({ kind, text }, index): Items => {
          const call_id = `call_${index}`;
          if (kind === 'tool')
            return [
              { type: 'reasoning', id: `rs_${index}`, summary: [] },
              { type: 'function_call', call_id, name: 'f', arguments: '{}' },
              { type: 'function_call_output', call_id, output: text },
            ];
          return kind === 'image'
            ? [
                {
                  role: 'user',
                  content: [
                    { type: 'input_text', text },
                    { type: 'input_image', image_url: image },
                  ],
                },
              ]
            : [{ role: kind, content: text }];
        }),
      },
    }),
  ],
];

const turn = fc.record({
  kind: fc.constantFrom<Turn['kind']>('user', 'assistant', 'tool', 'image', 'user', 'assistant', 'system'),
  text: fc
    .tuple(fc.constantFrom('word ', 'ä"\n', '😀'), fc.integer({ min: 0, max: 400 }))
    .map(([unit, n]) => unit.repeat(n)),
});
const conversation = fc.array(turn, { minLength: 1, maxLength: 14 });
const options = { hash: () => '' };

const idsIn = (item: Record<string, unknown>): string[] =>
  [...JSON.stringify(item).matchAll(/"(?:call|toolu)_\d+"/g)].map(([id]) => id);

describe.each(DIALECTS)('a conversation of %s', (_, dialect, make) => {
  const tokensOf = (body: Buffer): number => dialect.readRequest(body, options).features.inputTokensEstimate;

  it('fits when it is shortened, and keeps what must be kept', () => {
    let shortened = 0;
    fc.assert(
      fc.property(conversation, fc.double({ min: 0.2, max: 1, noNaN: true }), (turns, share) => {
        const { list, body } = make(turns);
        const bytes = Buffer.from(JSON.stringify(body));
        const tokens = tokensOf(bytes);
        const target = Math.floor(tokens * share);
        const shorter = dialect.shorten(bytes, { tokens: tokens - target });
        if (shorter === undefined) return;
        shortened += 1;
        // What was counted may be off by the rounding of a token or two.
        expect(tokensOf(shorter)).toBeLessThanOrEqual(target + 2);
        const before = body[list] as Items;
        const after = (JSON.parse(shorter.toString()) as Record<string, Items>)[list] ?? [];
        const isSystem = (item: Record<string, unknown>): boolean => item['role'] === 'system';
        expect(after.filter(isSystem)).toEqual(before.filter(isSystem));
        // The first and the last of the others are there, if shorter: their shapes are.
        const shapeOf = (item: Record<string, unknown> | undefined): unknown => [
          item?.['role'],
          item?.['type'],
          item && idsIn(item),
        ];
        const others = [before, after].map((items) => items.filter((item) => !isSystem(item)));
        for (const at of [0, -1]) expect(shapeOf(others[1]?.at(at))).toEqual(shapeOf(others[0]?.at(at)));
        // Every id stands there as often as before, or not at all.
        const counts = (items: Items): Map<string, number> => {
          const found = new Map<string, number>();
          for (const id of items.flatMap(idsIn)) found.set(id, (found.get(id) ?? 0) + 1);
          return found;
        };
        const all = counts(before);
        for (const [id, times] of counts(after)) expect(times).toBe(all.get(id));
        // In order, and nothing that was not there.
        const untouched = new Set(before.map((item) => JSON.stringify(item)));
        const same = after.map((item) => JSON.stringify(item)).filter((json) => untouched.has(json));
        for (const json of same) expect(shorter.includes(json)).toBe(true);
        expect(dialect.readCall(shorter).call.messages.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
    expect(shortened).toBeGreaterThan(100);
  });

  it('is the same, byte for byte, where it is not too long', () => {
    fc.assert(
      fc.property(conversation, (turns) => {
        const bytes = Buffer.from(JSON.stringify(make(turns).body, null, 1));
        const same = dialect.shorten(bytes, { tokens: 0 });
        expect(JSON.parse(same?.toString() ?? '')).toEqual(JSON.parse(bytes.toString()));
      }),
      { numRuns: 50 },
    );
  });

  it('of too many messages keeps its beginning and its end', () => {
    const turns = Array.from({ length: 1_500 }, (__, index): Turn => ({
      kind: index % 2 ? 'assistant' : 'user',
      text: `t${index}`,
    }));
    const { list, body } = make(turns);
    const shorter = dialect.shorten(Buffer.from(JSON.stringify(body)), { tokens: 0, messagesMax: 1_000 });
    const after = (JSON.parse(shorter?.toString() ?? '') as Record<string, Items>)[list] ?? [];
    expect(after).toHaveLength(1_000);
    expect(after).toEqual((body[list] as Items).filter((__, index) => index < 500 || index >= 1_000));
  });

  it('whose system prompt alone is too long has none that is short enough', () => {
    const { body } = make([
      { kind: 'system', text: 'word '.repeat(4_000) },
      { kind: 'user', text: 'hi' },
    ]);
    expect(dialect.shorten(Buffer.from(JSON.stringify(body)), { tokens: 2_000 })).toBeUndefined();
  });
});

it.each<[string, PublicDialect, object]>([
  ['Responses', openAiResponses, { model: 'm', input: 'word '.repeat(2_000) }],
  ['legacy completions', openAiCompletions, { model: 'm', prompt: 'word '.repeat(2_000) }],
])('a prompt of %s that is one text is cut in its middle', (_, dialect, body) => {
  const shorter = dialect.shorten(Buffer.from(JSON.stringify(body)), { tokens: 1_500 });
  expect(dialect.readRequest(shorter ?? Buffer.alloc(0), options).features.inputTokensEstimate).toBeLessThanOrEqual(
    1_020,
  );
  expect(shorter?.toString()).toMatch(/word word .* … .* word/);
});

it('a text that is cut has its beginning and its end, no half characters, and no more bytes than it may', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 60 }), fc.integer({ min: 40, max: 90 }), (text, bytes) => {
      const cut = cutText(text, bytes);
      if (Buffer.byteLength(JSON.stringify(text)) > bytes)
        expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThanOrEqual(bytes);
      const [head = '', tail = ''] = cut.split(' … ');
      expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
      expect(Buffer.from(cut).toString()).toBe(cut);
    }),
  );
});
