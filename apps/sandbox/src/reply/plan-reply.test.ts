import { scriptOf } from '../script/script.js';
import type { SandboxCall } from './call.js';
import { planReply } from './plan-reply.js';
import { createPromptCache } from './prompt-cache.js';
import { countTokens, tokenAt } from './tokens.js';

const call = (over: Partial<SandboxCall> = {}): SandboxCall => ({
  model: 'm',
  stream: false,
  streamUsage: false,
  messages: [{ role: 'user', text: 'hello world', mediaParts: 0 }],
  tools: [],
  toolChoice: { kind: 'auto' },
  toolTokens: 0,
  overrides: {},
  ...over,
});
const plan = (over: Partial<SandboxCall> = {}, script = {}) =>
  planReply(
    call(over),
    scriptOf(script),
    createPromptCache(() => 0),
  );
const tool = {
  name: 'weather',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, unit: { enum: ['c', 'f'] }, days: { type: 'integer' } },
  },
};

describe('planReply', () => {
  it('gives the same text for the same model, prompt and seed, and another for any other', () => {
    const text = plan().text;
    expect(plan().text).toBe(text);
    for (const other of [
      plan({ model: 'n' }),
      plan({ seed: 1 }),
      plan({ messages: [{ role: 'user', text: 'hello worlds', mediaParts: 0 }] }),
    ]) {
      expect(other.text).not.toBe(text);
      expect(other.completionTokens).toBe(32);
    }
  });

  it('counts exactly the tokens of what it says', () => {
    for (const outputTokens of [0, 1, 7, 500, 70_000]) {
      const reply = plan({}, { outputTokens, reasoningTokens: 5 });
      expect(countTokens(reply.text)).toBe(outputTokens);
      expect(reply.completionTokens).toBe(outputTokens + 5);
    }
  });

  it('counts 4 for a message, 1 for each 4 units of text and 85 for each media part', () => {
    expect(plan({ messages: [{ role: 'user', text: 'x'.repeat(9), mediaParts: 2 }] }).promptTokens).toBe(4 + 3 + 170);
  });

  it('ends with length where max_tokens cuts it, thinking first', () => {
    expect(plan({ maxTokens: 32 })).toMatchObject({ finish: 'stop', completionTokens: 32 });
    expect(plan({ maxTokens: 10 }, { reasoningTokens: 6 })).toMatchObject({
      finish: 'length',
      completionTokens: 10,
      reasoningTokens: 6,
    });
    expect(plan({ maxTokens: 4 }, { reasoningTokens: 6 })).toMatchObject({
      finish: 'length',
      completionTokens: 4,
      reasoningTokens: 4,
      text: '',
    });
  });

  it('calls a tool where model or tool_choice ask for it, with arguments that fit the schema', () => {
    expect(plan({ tools: [tool] }).toolCalls).toEqual([]);
    const reply = plan({ tools: [tool] }, { callTools: true });
    expect(reply).toMatchObject({ finish: 'tool-calls', text: '', toolCalls: [{ name: 'weather' }] });
    expect(JSON.parse(reply.toolCalls[0]?.argumentsJson ?? '')).toEqual({
      city: expect.any(String),
      unit: 'c',
      days: 7,
    });
    expect(reply.completionTokens).toBe(countTokens(reply.toolCalls[0]?.argumentsJson ?? ''));
    expect(plan({ tools: [tool], toolChoice: { kind: 'force', name: 'weather' } }).toolCalls[0]?.name).toBe('weather');
    expect(plan({ tools: [tool], toolChoice: { kind: 'none' } }, { callTools: true }).toolCalls).toEqual([]);
    expect(
      plan({ tools: [tool], messages: [{ role: 'tool', text: '21', mediaParts: 0 }] }, { callTools: true }).finish,
    ).toBe('stop');
  });

  it('makes as many tool calls as the script says, the tools in turn, unless the request allows one only', () => {
    const tools = [tool, { name: 'news', parameters: {} }];
    const { toolCalls, completionTokens } = plan({ tools }, { callTools: true, toolCalls: 3 });
    expect(toolCalls.map(({ name }) => name)).toEqual(['weather', 'news', 'weather']);
    expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(3);
    expect(completionTokens).toBe(
      toolCalls.reduce((tokens, { argumentsJson }) => tokens + countTokens(argumentsJson), 0),
    );
    expect(plan({ tools, oneToolCall: true }, { callTools: true, toolCalls: 3 }).toolCalls).toHaveLength(1);
  });

  it('answers with JSON that fits the schema, the same each time, unless the request says what to answer', () => {
    const jsonSchema = {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 12, maxLength: 20 },
        when: { type: 'string', format: 'date' },
        age: { type: 'integer', minimum: 18, maximum: 99 },
        share: { type: 'number', exclusiveMinimum: 0, maximum: 1, multipleOf: 0.25 },
        tags: { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 },
        mood: { anyOf: [{ type: 'null' }, { enum: ['good', 'bad'] }] },
        next: { $ref: '#/$defs/step' },
      },
      required: ['name', 'when', 'age', 'share', 'tags', 'mood', 'next'],
      $defs: {
        step: {
          type: 'object',
          properties: { done: { type: 'boolean' }, next: { $ref: '#/$defs/step' } },
          required: ['done'],
        },
      },
    };
    const { text } = plan({ jsonSchema }, { echo: true });
    expect(plan({ jsonSchema }, { echo: true }).text).toBe(text);
    const value = JSON.parse(text);
    expect(value).toMatchObject({ when: '2026-01-01', age: 18, mood: null, next: { done: true } });
    expect(value.name.length).toBeGreaterThanOrEqual(12);
    expect(value.name.length).toBeLessThanOrEqual(20);
    expect([value.share > 0 && value.share <= 1, (value.share / 0.25) % 1, value.tags.length]).toEqual([true, 0, 2]);
    expect(plan({ jsonSchema, overrides: { outputTokens: 3 } }, { outputTokens: 3 }).text).toHaveLength(12);
  });

  it('reads from the cache what it has seen at the start of a prompt, message by message', () => {
    const cache = createPromptCache(() => 0);
    const opening = { role: 'system', text: 'x'.repeat(400), mediaParts: 0 };
    const ask = (text: string) =>
      planReply(call({ messages: [opening, { role: 'user', text, mediaParts: 0 }] }), scriptOf({ cache: true }), cache);
    expect(ask('one').cachedTokens).toBe(0);
    expect(ask('two').cachedTokens).toBe(104);
    expect(ask('two').cachedTokens).toBe(109);
  });

  it('keeps a cache for each model, and forgets what nobody has read for as long as the script says', () => {
    let nowMs = 0;
    const cache = createPromptCache(() => nowMs);
    const ask = (model: string) =>
      planReply(call({ model }), scriptOf({ cache: true, cacheTtlS: 60 }), cache).cachedTokens;
    const read: [number, string, number][] = [
      [0, 'm', 0],
      [0, 'n', 0],
      [59_999, 'm', 7],
      [119_998, 'm', 7],
      [119_998, 'n', 0],
      [179_998, 'm', 0],
    ];
    for (const [atMs, model, cached] of read) {
      nowMs = atMs;
      expect([atMs, model, ask(model)]).toEqual([atMs, model, cached]);
    }
  });
});

describe('tokenAt', () => {
  it('splits a text into its tokens without splitting a character', () => {
    for (const text of ['', 'abc', 'abcdefgh', 'ab😀😀😀c', '😀'.repeat(9), `x${'😀'.repeat(9)}`]) {
      const tokens = Array.from({ length: countTokens(text) }, (_, index) => tokenAt(text, index));
      expect(tokens.join('')).toBe(text);
      for (const token of tokens) expect(token.isWellFormed() && token.length > 0).toBe(true);
    }
  });
});
