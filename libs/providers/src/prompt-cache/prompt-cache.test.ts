// A client that asks for a cached prompt, at every dialect that is spoken here: where marks are wanted they stand, everywhere else not a byte is different.
import { findPublicDialect } from '@waystation/dialects';
import fc from 'fast-check';
import { findProviderDialect, PROVIDER_DIALECTS } from '../registry.js';
import type { Quirks } from '../spec.js';

type Json = Record<string, unknown>;
const ASKED = { type: 'ephemeral' } as const;
const LONG = 'You never tire of long instructions. '.repeat(100);

const chat = {
  model: 'x',
  max_tokens: 100,
  messages: [
    { role: 'system', content: LONG },
    { role: 'user', content: 'one' },
    { role: 'assistant', content: 'two' },
    { role: 'user', content: 'three' },
  ],
  tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', description: LONG } } }],
};
const messages = {
  model: 'x',
  max_tokens: 100,
  system: LONG,
  messages: chat.messages.slice(1),
  tools: [{ name: 'look', input_schema: { type: 'object', description: LONG } }],
};
const responses = { model: 'x', max_output_tokens: 100, instructions: LONG, input: chat.messages.slice(1) };

const BODIES: Readonly<Record<string, Json>> = {
  'openai-chat': chat,
  'anthropic-messages': messages,
  'openai-responses': responses,
};

/** The request that a provider gets, by passthrough where its dialect has it. */
const ask = (dialect: string, client: string, body: Json | string, quirks: Quirks = {}) => {
  const spoken = findProviderDialect(dialect);
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  if (spoken?.passthrough?.dialects.has(client) === true)
    return spoken.passthrough.buildRequest({
      body: bytes,
      stream: false,
      upstreamModel: 'm',
      dropParameters: [],
      quirks,
    });
  const call = findPublicDialect(client)?.readCall(bytes).call;
  if (spoken?.translation === undefined || call === undefined)
    throw new Error(`${client} cannot be asked of ${dialect}`);
  return spoken.translation.buildRequest({ call, upstreamModel: 'm', quirks });
};
const sent = (...of: Parameters<typeof ask>): Json => JSON.parse(ask(...of).body.toString()) as Json;

const MARK = { cache_control: ASKED };
const POINT = { cachePoint: { type: 'default' } };
const text = (said: string, mark: object = {}) => ({ type: 'text', text: said, ...mark });
const turns = (mark: object) => [
  { role: 'user', content: [text('one', mark)] },
  { role: 'assistant' },
  { role: 'user', content: [text('three', mark)] },
];

/** Who wants marks, and where they stand then. */
const MARKED: Readonly<Record<string, { readonly quirks: Quirks; readonly expected: (client: string) => Json }>> = {
  'anthropic-messages': {
    quirks: {},
    expected: (client) => ({
      system: [text(LONG, MARK)],
      messages: turns(MARK),
      ...(client === 'openai-responses' ? {} : { tools: [{ name: 'look', ...MARK }] }),
    }),
  },
  'vertex-anthropic': {
    quirks: {},
    expected: () => ({ system: [text(LONG, MARK)], messages: turns(MARK) }),
  },
  'bedrock-converse': {
    quirks: { family: 'claude' },
    expected: (client) => ({
      system: [{ text: LONG }, POINT],
      messages: [{ content: [{ text: 'one' }, POINT] }, {}, { content: [{ text: 'three' }, POINT] }],
      ...(client === 'openai-responses' ? {} : { toolConfig: { tools: [{ toolSpec: { name: 'look' } }, POINT] } }),
    }),
  },
  'openai-chat': {
    quirks: { marksCache: true },
    expected: () => ({ messages: [{ role: 'system', content: [text(LONG, MARK)] }, ...turns(MARK)] }),
  },
};
const PAIRS = PROVIDER_DIALECTS.filter((name) => findProviderDialect(name)?.translation !== undefined).flatMap(
  (dialect) => Object.keys(BODIES).map((client) => [dialect, client] as const),
);

describe('a prompt that is to be cached', () => {
  it.each(PAIRS.filter(([dialect]) => MARKED[dialect] !== undefined))(
    'is marked for %s, asked by %s',
    (dialect, client) => {
      const { quirks, expected } = MARKED[dialect] ?? { quirks: {}, expected: () => ({}) };
      const asked = { ...BODIES[client], cache_control: ASKED };
      expect(sent(dialect, client, asked, quirks)).toMatchObject(expected(client));
      expect(sent(dialect, client, asked, quirks)['cache_control']).toBeUndefined();
      expect(ask(dialect, client, asked, quirks).warnings).toEqual(
        ask(dialect, client, BODIES[client] ?? {}, quirks).warnings,
      );
    },
  );

  it.each(PAIRS)('%s sees nothing of what %s asks where no marks are wanted', (dialect, client) => {
    const quirks: Quirks = MARKED[dialect] === undefined || dialect === 'openai-chat' ? {} : { cacheTokensMin: 1e9 };
    const plain = ask(dialect, client, BODIES[client] ?? {}, quirks);
    const asked = ask(dialect, client, { ...BODIES[client], cache_control: ASKED }, quirks);
    expect(asked.body.toString()).toBe(plain.body.toString());
    expect(asked.warnings).toEqual(plain.warnings);
  });

  it('is kept for an hour where that is asked and the provider does it', () => {
    const asked = { ...chat, cache_control: { type: 'ephemeral', ttl: '1h' } };
    const hour = { type: 'ephemeral', ttl: '1h' };
    expect(sent('anthropic-messages', 'openai-chat', asked)).toMatchObject({ system: [{ cache_control: hour }] });
    expect(sent('bedrock-converse', 'openai-chat', asked, { family: 'claude' })).toMatchObject({
      system: [{}, { cachePoint: { type: 'default', ttl: '1h' } }],
    });
    const nova = sent('bedrock-converse', 'openai-chat', asked, { family: 'nova' });
    expect(nova).toMatchObject({ system: [{}, POINT], toolConfig: { tools: [{ toolSpec: {} }] } });
  });

  it('of Converse is not marked where the model takes no cache points, and nobody is warned', () => {
    const asked = ask('bedrock-converse', 'openai-chat', { ...chat, cache_control: ASKED }, { family: 'gpt-oss' });
    expect(asked.body.toString()).not.toContain('cachePoint');
    expect(asked.warnings).toEqual([]);
  });

  it('keeps a mark of a result of tools on its words, where results take none', () => {
    const body = {
      ...messages,
      messages: [
        { role: 'user', content: 'look' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'look', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'seen', ...MARK }] },
      ],
    };
    const { messages: told } = sent('openai-chat', 'anthropic-messages', body, { marksCache: true });
    expect((told as Json[]).at(-1)).toMatchObject({ role: 'tool', content: [text('seen', MARK)] });
  });
});

describe('bytes that pass', () => {
  const long = JSON.stringify(LONG);
  it.each([
    [
      'white space, other members and repeated keys stay',
      `{ "model":"x", "max_tokens":9, "cache_control" : {"type":"ephemeral"},  "system": ${long},\n "messages":[ {"role":"user","content":"a"} , {"role":"user" , "content" : "b"} ] }`,
      `{ "model":"m", "max_tokens":9, "system": [{"type":"text","text":${long},"cache_control":{"type":"ephemeral"}}],\n "messages":[ {"role":"user","content":"a"} , {"role":"user" , "content" : [{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]} ] }`,
    ],
    [
      'marks of the client, deep ones too, and a mark that says nothing',
      `{"model":"x","max_tokens":9,"cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":${long},"cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"r","cache_control":{"type":"ephemeral"}}]},{"type":"text","text":"q","cache_control":null}]}]}`,
      `{"model":"m","max_tokens":9,"system":[{"type":"text","text":${long},"cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"r","cache_control":{"type":"ephemeral"}}]},{"type":"text","text":"q","cache_control":{"type":"ephemeral"}}]}]}`,
    ],
    [
      'thoughts take no mark',
      `{"model":"x","max_tokens":9,"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":${long}},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"}]},{"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":""}]}]}`,
      `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":${long},"cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"}]},{"role":"user","content":[{"cache_control":{"type":"ephemeral"},"type":"text","text":"q"},{"type":"text","text":""}]}]}`,
    ],
  ])('%s', (_, body, expected) => {
    expect(ask('anthropic-messages', 'anthropic-messages', body).body.toString()).toBe(expected);
  });

  const mark = fc.constantFrom({}, {}, MARK, { cache_control: { type: 'ephemeral', ttl: '1h' } });
  const block = fc.tuple(fc.constantFrom('short', LONG, 'ü "quoted"\n'), mark).map(([said, more]) => text(said, more));
  const content = fc.oneof(fc.constantFrom('plain', LONG), fc.array(block, { minLength: 1, maxLength: 3 }));
  const body = fc.record({
    model: fc.constant('x'),
    max_tokens: fc.constant(9),
    system: content,
    messages: fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content }), {
      minLength: 1,
      maxLength: 5,
    }),
    tools: fc.array(
      mark.map((more) => ({ name: 't', input_schema: { type: 'object', title: LONG }, ...more })),
      { maxLength: 2 },
    ),
  });
  const count = (json: string): number => json.split('"cache_control"').length - 1;
  /** Blocks without marks, and a text as the block that it stands for. */
  const bare = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (key, each: unknown) => {
        if (key === 'cache_control') return undefined;
        return (key === 'system' || key === 'content') && typeof each === 'string' ? [text(each)] : each;
      }),
    );

  it('say the same with marks, hold every mark of the client, and never more than four of ours and theirs', () => {
    fc.assert(
      fc.property(body, (asked) => {
        const own = count(JSON.stringify(asked));
        const before = ask('anthropic-messages', 'anthropic-messages', asked).body.toString();
        const after = ask('anthropic-messages', 'anthropic-messages', {
          ...asked,
          cache_control: ASKED,
        }).body.toString();
        expect(bare(JSON.parse(after))).toEqual(bare(JSON.parse(before)));
        expect(count(after)).toBeGreaterThanOrEqual(own);
        expect(count(after)).toBeLessThanOrEqual(Math.max(own, 4));
        const marked = [...asked.messages, { content: asked.system }].flatMap(({ content: each }) =>
          typeof each === 'string' ? [] : each.filter((one) => 'cache_control' in one),
        );
        for (const each of marked) expect(after).toContain(JSON.stringify(each));
        expect(before).toBe(JSON.stringify({ ...asked, model: 'm' }));
      }),
    );
  });

  it('and what is translated are marked at the same places', () => {
    const marks = (json: Json) =>
      (json['messages'] as { content: Json[] }[]).map(({ content: blocks }) =>
        blocks.map((each) => each['cache_control']),
      );
    const asked = {
      ...messages,
      messages: turns({}).map((turn) => ({ content: [text('two')], ...turn })),
      cache_control: ASKED,
    };
    const passed = sent('anthropic-messages', 'anthropic-messages', asked);
    const translated = sent('anthropic-messages', 'openai-chat', { ...chat, cache_control: ASKED });
    expect(marks(passed)).toEqual(marks(translated));
  });
});
