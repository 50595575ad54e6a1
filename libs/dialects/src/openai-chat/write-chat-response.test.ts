import { formatUsd } from '@waystation/contracts';
import fc from 'fast-check';
import { chatStreamCut, chatStreamEnd, chatStreamError, chatUsageJson, withChatUsage } from './write-chat-response.js';

const bill = {
  usage: { input: 7, cacheRead: 3, output: 4, reasoning: 1 },
  cost: 1_234_567n,
  promptCost: 1_000_000n,
  completionCost: 234_567n,
  byok: false,
};
const answer = {
  generationId: 'gen-1700000000-abcdefghijklmnopqrst',
  createdSeconds: 1_700_000_000,
  model: 'lab/small',
  providerName: 'Lab "1"',
};

describe('the usage of a chat answer', () => {
  it('has the shape of the reference, with classes added up and costs as numbers', () => {
    expect(JSON.parse(chatUsageJson(bill))).toEqual({
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 3, cache_write_tokens: 0, audio_tokens: 0, video_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 1, audio_tokens: 0, image_tokens: 0 },
      cost: 0.000001234567,
      is_byok: false,
      cost_details: {
        upstream_inference_cost: null,
        upstream_inference_prompt_cost: 0.000001,
        upstream_inference_completions_cost: 0.000000234567,
      },
    });
  });

  it('prints every cost to the last picodollar, beyond what a double could hold', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (cost) => {
        const json = chatUsageJson({ ...bill, cost });
        expect(json).toContain(`"cost":${formatUsd(cost)},`);
        expect(() => JSON.parse(json) as unknown).not.toThrow();
      }),
    );
    expect(chatUsageJson({ ...bill, cost: 123_456_789_012_345_678_901n })).toContain('"cost":123456789.012345678901,');
  });
});

describe('the end of a stream', () => {
  it('is one chunk without choices that carries the usage, and the end marker', () => {
    const [chunk, done, rest] = chatStreamEnd(answer, bill).split('\n\n');
    expect(JSON.parse(chunk?.slice('data: '.length) ?? '')).toMatchObject({
      id: answer.generationId,
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'lab/small',
      provider: 'Lab "1"',
      choices: [],
      usage: { total_tokens: 15 },
    });
    expect([done, rest]).toEqual(['data: [DONE]', '']);
  });

  it('that we end ourselves says length, the reason beside it, and nothing that a client would take for a failure of the stream', () => {
    const text = chatStreamCut(answer, 'credit_exhausted', '{"code":402,"message":"no more"}');
    expect(text.endsWith('\n\n')).toBe(true);
    const chunk = JSON.parse(text.slice('data: '.length)) as Record<string, unknown>;
    expect(chunk).not.toHaveProperty('error');
    expect(chunk).toMatchObject({
      id: answer.generationId,
      choices: [
        {
          index: 0,
          delta: { content: '' },
          finish_reason: 'length',
          native_finish_reason: 'credit_exhausted',
          error: { code: 402, message: 'no more' },
        },
      ],
    });
  });

  it('that broke is one chunk with the error and finish reason error, and no end marker', () => {
    const text = chatStreamError(answer, '{"code":502,"message":"gone"}');
    expect(text).not.toContain('[DONE]');
    expect(JSON.parse(text.slice('data: '.length))).toMatchObject({
      error: { code: 502, message: 'gone' },
      choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
    });
  });
});

describe('the usage in a whole answer', () => {
  it.each([
    ['is put in where there is none', '{"id":"x","n":1e5}'],
    ['takes the place of the one that is there', '{"id":"x","usage":{"prompt_tokens":1},"n":1e5}'],
    ['is all there is in an empty answer', '{ }'],
  ])('%s', (_name, body) => {
    const spliced = withChatUsage(Buffer.from(body), bill)?.toString() ?? '';
    const { usage, ...others } = JSON.parse(spliced) as { usage: unknown };
    const expected = JSON.parse(body) as { usage?: unknown };
    delete expected.usage;
    expect(usage).toEqual(JSON.parse(chatUsageJson(bill)));
    expect(others).toEqual(expected);
    if (body.includes('1e5')) expect(spliced).toContain('1e5');
  });

  it('cannot be put into what is no JSON object', () => {
    expect(withChatUsage(Buffer.from('oops'), bill)).toBeUndefined();
  });
});
