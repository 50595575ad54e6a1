// What a prompt cache gave is told in each dialect's own field.
import { testSandbox, type TestSandbox } from '../test-sandbox.js';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await testSandbox();
});
afterAll(() => sandbox.close());

const messages = (text: string) => [{ role: 'user', content: text }];

describe('the prompt cache', () => {
  it.each([
    ['openai-chat', '/v1/chat/completions', (text: string) => ({ messages: messages(text) }), 'cached_tokens'],
    ['openai-responses', '/v1/responses', (input: string) => ({ input }), 'cached_tokens'],
    [
      'anthropic-messages',
      '/v1/messages',
      (text: string) => ({
        max_tokens: 9,
        messages: [{ role: 'user', content: [{ type: 'text', text, cache_control: { type: 'ephemeral' } }] }],
      }),
      'cache_read_input_tokens',
    ],
    [
      'gemini',
      '/v1beta/models/cache:generateContent',
      (text: string) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
      'cachedContentTokenCount',
    ],
    [
      'bedrock-converse',
      '/model/cache/converse',
      (text: string) => ({
        messages: [{ role: 'user', content: [{ text }, { cachePoint: { type: 'default' } }] }],
      }),
      'cacheReadInputTokens',
    ],
    ['cohere', '/v2/chat', (text: string) => ({ messages: messages(text) }), 'cached_tokens'],
  ])('tells in %s what it gave', async (dialect, path, body, field) => {
    const headers = { 'anthropic-version': '2023-06-01', authorization: 'Bearer any' };
    const named = dialect === 'gemini' || dialect === 'bedrock-converse' ? {} : { model: 'cache' };
    const ask = async (): Promise<{ told: number; billed: number }> => {
      const asked = await sandbox.post(path, { ...named, ...body(`what ${dialect} asks`) }, headers);
      expect(asked).toMatchObject({ status: 200 });
      const told = new RegExp(`"${field}": ?(\\d+)`).exec(asked.text)?.[1] ?? '0';
      return { told: Number(told), billed: sandbox.truthOf(asked).cachedTokens };
    };
    expect(await ask()).toEqual({ told: 0, billed: 0 });
    const again = await ask();
    expect(again.billed).toBeGreaterThan(6);
    expect(again.told).toBe(again.billed);
  });

  it('keeps of a prompt what is marked, where the provider wants marks, and tells what it wrote', async () => {
    const text = (said: string, marked: boolean) => [
      { type: 'text', text: said, ...(marked ? { cache_control: { type: 'ephemeral' } } : {}) },
    ];
    const ask = async (question: string, marked: boolean): Promise<object> => {
      const { text: json } = await sandbox.post(
        '/v1/messages',
        {
          ...{ model: 'cache', max_tokens: 9 },
          system: text(`instructions ${marked}`.padEnd(400), marked),
          messages: [{ role: 'user', content: question }],
        },
        { 'anthropic-version': '2023-06-01' },
      );
      const { usage } = JSON.parse(json) as { usage: Record<string, number> };
      return [usage['cache_creation_input_tokens'], usage['cache_read_input_tokens'], usage['input_tokens']];
    };
    expect(await ask('one', true)).toEqual([104, 0, 5]);
    expect(await ask('two', true)).toEqual([0, 104, 5]);
    expect(await ask('one', false)).toEqual([0, 0, 109]);
    expect(await ask('one', false)).toEqual([0, 0, 109]);
  });
});
