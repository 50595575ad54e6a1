import { setTimeout as sleep } from 'node:timers/promises';
import { MODELS } from '../models/models.js';
import { startSandboxServer, type SandboxServer } from './sandbox-server.js';
import type { TruthCall } from '../truth/truth-log.js';

let server: SandboxServer;
beforeAll(async () => {
  server = await startSandboxServer('127.0.0.1', 0);
});
afterAll(() => server.close());

const post = (model: string, body: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'say something nice' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
const truthOf = async (response: Response): Promise<TruthCall> => {
  const answer = (await (
    await fetch(`${server.url}/truth?request=${response.headers.get('x-request-id')}`)
  ).json()) as { calls: TruthCall[] };
  const [call] = answer.calls;
  if (call === undefined || answer.calls.length !== 1) throw new Error(`${answer.calls.length} calls in the truth log`);
  return call;
};
/** Text up to where the stream ends or breaks. `onText` is told what came up to then. */
const readAll = async (
  response: Response,
  onText: (text: string) => void = () => undefined,
): Promise<{ text: string; broken: boolean }> => {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const part of response.body ?? []) {
      text += decoder.decode(part as Uint8Array, { stream: true });
      onText(text);
    }
    return { text, broken: false };
  } catch {
    return { text, broken: true };
  }
};
interface Chunk {
  choices: { delta: { content?: string }; finish_reason: string | null }[];
  usage?: Record<string, number> | null;
  error?: { message: string };
}
const events = (text: string): Chunk[] =>
  [...text.matchAll(/^data: ?(\{.*\})\r?$/gm)].map((match) => JSON.parse(match[1] ?? '') as Chunk);
const contentOf = (text: string): string =>
  events(text)
    .map((event) => event.choices?.[0]?.delta.content ?? '')
    .join('');

describe('the sandbox', () => {
  it('answers with and without a stream alike, and logs what it billed', async () => {
    const whole = await post('sandbox/m-50-0-0');
    const body = (await whole.json()) as {
      id: string;
      choices: { message: { content: string } }[];
      usage: Record<string, number>;
    };
    const streamed = await post('sandbox/m-50-0-0', { stream: true, stream_options: { include_usage: true } });
    const { text } = await readAll(streamed);
    expect(contentOf(text)).toBe(body.choices[0]?.message.content);
    expect(events(text).at(-1)?.usage).toEqual(body.usage);
    expect(events(text).filter((event) => event.usage)).toHaveLength(1);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(body.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 50 });
    for (const response of [whole, streamed]) {
      expect(await truthOf(response)).toMatchObject({
        outcome: 'completed',
        promptTokens: 9,
        completionTokens: 50,
        producedTokens: 50,
      });
    }
    expect(whole.headers.get('x-request-id')).toBe(body.id);
  });

  it.each([
    ['fail-400', 400],
    ['fail-401', 401],
    ['fail-429', 429],
    ['fail-500', 500],
    ['fail-529', 529],
  ])('%s fails with %i and bills nothing', async (model, status) => {
    const response = await post(model);
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(model === 'fail-429' ? '1' : null);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } });
    expect(await truthOf(response)).toMatchObject({ outcome: 'failed', status, promptTokens: 0, completionTokens: 0 });
  });

  it('die-after-30 breaks after 30 tokens and bills them', async () => {
    const response = await post('die-after-30', { stream: true });
    const { text, broken } = await readAll(response);
    expect(broken).toBe(true);
    expect(contentOf(text)).toHaveLength(30 * 4);
    expect(await truthOf(response)).toMatchObject({
      outcome: 'failed',
      producedTokens: 30,
      completionTokens: 30,
      promptTokens: 9,
    });
  });

  it('error-first and error-after-5 fail inside the stream, without an end marker', async () => {
    for (const [model, tokens] of [
      ['error-first', 0],
      ['error-after-5', 5],
    ] as const) {
      const response = await post(model, { stream: true });
      const { text, broken } = await readAll(response);
      expect([broken, response.status, text.includes('[DONE]')]).toEqual([false, 200, false]);
      expect(events(text).at(-1)?.error?.message).toBeDefined();
      expect(contentOf(text)).toHaveLength(tokens * 4);
      expect(await truthOf(response)).toMatchObject({
        outcome: 'failed',
        completionTokens: tokens,
        promptTokens: tokens === 0 ? 0 : 9,
      });
    }
  });

  it('no-finish ends without a finish reason', async () => {
    const { text } = await readAll(await post('no-finish', { stream: true }));
    expect(contentOf(text)).toHaveLength(32 * 4);
    expect(text).not.toContain('[DONE]');
    expect(events(text).some((event) => event.choices[0]?.finish_reason)).toBe(false);
  });

  it.each(['split-bytes', 'crlf', 'comments'])('%s says the same as a plain stream', async (model) => {
    const { text } = await readAll(await post(model, { stream: true, sandbox: { outputTokens: 8 } }));
    expect(contentOf(text)).toHaveLength(8 * 4);
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
  });

  it.each([
    ['no-usage', undefined],
    ['usage-placeholder', { prompt_tokens: 0, completion_tokens: 0 }],
    ['usage-prompt-only', { prompt_tokens: 9, completion_tokens: 0 }],
    ['usage-negative', { prompt_tokens: -9, completion_tokens: -32 }],
    ['usage-huge', { completion_tokens: 1_000_000_000_000 }],
    ['late-usage', { prompt_tokens: 9, completion_tokens: 32 }],
  ])('%s tells what it is named after, and the log tells the truth', async (model, usage) => {
    const response = await post(model, { stream: true, stream_options: { include_usage: true } });
    const { text } = await readAll(response);
    const told = events(text)
      .filter((event) => event.usage)
      .at(-1)?.usage;
    if (usage === undefined) expect(told).toBeUndefined();
    else expect(told).toMatchObject(usage);
    expect(await truthOf(response)).toMatchObject({ outcome: 'completed', promptTokens: 9, completionTokens: 32 });
  });

  it('bills up to the token at which the client left, or to the end where it bills after a cancel', async () => {
    for (const billsAfterCancel of [false, true]) {
      const leave = new AbortController();
      // After its first token it stands still for a minute: what is late on a busy machine would be caught up with.
      const response = await post('m-100-0-60000', { stream: true, sandbox: { billsAfterCancel } }, leave.signal);
      const { text } = await readAll(response, (so) => contentOf(so) !== '' && leave.abort());
      expect(contentOf(text)).toHaveLength(4);
      let call = await truthOf(response);
      for (; call.outcome === 'running'; call = await truthOf(response)) await sleep(5);
      expect(call).toMatchObject({ outcome: 'aborted', promptTokens: 9, abortedAtToken: 1 });
      expect(call.completionTokens).toBe(billsAfterCancel ? 100 : 1);
    }
  });

  it('hang, stall-after-30 and reset-before-headers never finish', async () => {
    await expect(post('hang', {}, AbortSignal.timeout(100))).rejects.toThrow('timeout');
    await expect(post('reset-before-headers')).rejects.toThrow();
    const leave = new AbortController();
    const response = await post('stall-after-30', { stream: true }, leave.signal);
    const { text, broken } = await readAll(response, (so) => {
      if (contentOf(so).length >= 30 * 4) setTimeout(() => leave.abort(), 100);
    });
    expect([broken, contentOf(text).length]).toEqual([true, 30 * 4]);
  });

  it('streams more than 10 MB', async () => {
    const { text } = await readAll(await post('big', { stream: true }));
    expect(text.length).toBeGreaterThan(10_000_000);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('takes a script from the field sandbox or from metadata.sandbox, and refuses what it does not know', async () => {
    expect((await post('echo', { sandbox: { fail: 503 } })).status).toBe(503);
    expect((await post('echo', { metadata: { sandbox: '{"fail":503}' } })).status).toBe(503);
    expect((await post('echo', { sandbox: { fial: 503 } })).status).toBe(400);
  });

  it('calls its reasoning reasoning_content where the script says so, and numbers parallel tool calls', async () => {
    const whole = (await (await post('reason-content')).json()) as {
      choices: { message: Record<string, unknown> }[];
    };
    const { text } = await readAll(await post('reason-content', { stream: true }));
    const reasoning = [...text.matchAll(/"reasoning_content":"([^"]*)"/g)].map(([, delta]) => delta).join('');
    expect(reasoning).toHaveLength(24 * 4);
    expect(whole.choices[0]?.message).toMatchObject({ reasoning_content: reasoning });
    const tools = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }));
    const parallel = await readAll(await post('parallel', { stream: true, tools }));
    const starts = [
      ...parallel.text.matchAll(
        /"tool_calls":\[\{"index":(\d),"id":"[^"]+","type":"function","function":\{"name":"(\w)"/g,
      ),
    ];
    expect(starts.map(([, index, name]) => [index, name])).toEqual([
      ['0', 'a'],
      ['1', 'b'],
    ]);
  });

  it('answers a JSON schema with JSON that fits it, and refuses one without a schema', async () => {
    const schema = { type: 'object', properties: { mood: { enum: ['good'] } }, required: ['mood'] };
    const answer = await post('echo', { response_format: { type: 'json_schema', json_schema: { name: 'm', schema } } });
    const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]?.message.content).toBe('{"mood":"good"}');
    expect((await post('echo', { response_format: { type: 'json_schema', json_schema: { name: 'm' } } })).status).toBe(
      400,
    );
  });

  it('lists its models with prices as text, and refuses the unknown', async () => {
    const { data } = (await (await fetch(`${server.url}/models`)).json()) as {
      data: { id: string; price: { input: string } }[];
    };
    expect(data.map((model) => model.id)).toEqual(MODELS.map((model) => `sandbox/${model.id}`));
    expect(data[0]).toMatchObject({ id: 'sandbox/echo', price: { input: '0.15', output: '0.60', cacheRead: '0.075' } });
    expect((await post('sandbox/unheard-of')).status).toBe(404);
    expect((await fetch(`${server.url}/nothing`)).status).toBe(404);
  });
});
