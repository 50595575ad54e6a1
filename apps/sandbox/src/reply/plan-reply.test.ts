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
  planReply(call(over), scriptOf(script), createPromptCache());
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
    expect(plan({ tools: [tool] }).toolCall).toBeUndefined();
    const reply = plan({ tools: [tool] }, { callTools: true });
    expect(reply).toMatchObject({ finish: 'tool-calls', text: '', toolCall: { name: 'weather' } });
    expect(JSON.parse(reply.toolCall?.argumentsJson ?? '')).toEqual({ city: expect.any(String), unit: 'c', days: 7 });
    expect(reply.completionTokens).toBe(countTokens(reply.toolCall?.argumentsJson ?? ''));
    expect(plan({ tools: [tool], toolChoice: { kind: 'force', name: 'weather' } }).toolCall?.name).toBe('weather');
    expect(plan({ tools: [tool], toolChoice: { kind: 'none' } }, { callTools: true }).toolCall).toBeUndefined();
    expect(
      plan({ tools: [tool], messages: [{ role: 'tool', text: '21', mediaParts: 0 }] }, { callTools: true }).finish,
    ).toBe('stop');
  });

  it('reads from the cache what it has seen at the start of a prompt, message by message', () => {
    const cache = createPromptCache();
    const opening = { role: 'system', text: 'x'.repeat(400), mediaParts: 0 };
    const ask = (text: string) =>
      planReply(call({ messages: [opening, { role: 'user', text, mediaParts: 0 }] }), scriptOf({ cache: true }), cache);
    expect(ask('one').cachedTokens).toBe(0);
    expect(ask('two').cachedTokens).toBe(104);
    expect(ask('two').cachedTokens).toBe(109);
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
