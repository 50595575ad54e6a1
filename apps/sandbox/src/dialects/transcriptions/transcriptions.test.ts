import { startSandboxServer, type SandboxServer } from '../../server/sandbox-server.js';
import { BYTES_PER_SECOND } from './transcriptions.js';

let sandbox: SandboxServer;
beforeAll(async () => {
  sandbox = await startSandboxServer('127.0.0.1', 0);
});
afterAll(() => sandbox.close());

const sound = (seconds: number, name = 'talk.wav'): File => new File([Buffer.alloc(seconds * BYTES_PER_SECOND)], name);
const ask = async (fields: Readonly<Record<string, string | File>>) => {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  const response = await fetch(`${sandbox.url}/audio/transcriptions`, { method: 'POST', body });
  const [truth] = sandbox.truth.read({ request: response.headers.get('x-request-id') ?? '' });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any answer; the test judges it
  return { status: response.status, json: (await response.json()) as any, truth };
};

it('writes two tokens of text for each second, billed by the second', async () => {
  const { status, json, truth } = await ask({ file: sound(9), model: 'whisper' });
  expect([status, json]).toEqual([200, { text: expect.stringMatching(/\w/), usage: { type: 'duration', seconds: 9 } }]);
  expect(truth).toMatchObject({ dialect: 'transcriptions', outcome: 'completed', seconds: 9 });
});

it('is billed by the token elsewhere, and tells the same as the truth', async () => {
  const { json, truth } = await ask({ file: sound(9), model: 'transcribe' });
  const [input, output] = [truth?.promptTokens ?? 0, truth?.completionTokens ?? 0];
  expect([input > 0, output > 0]).toEqual([true, true]);
  expect(json.usage).toEqual({
    ...{ type: 'tokens', input_tokens: input, output_tokens: output, total_tokens: input + output },
    input_token_details: { text_tokens: 0, audio_tokens: input },
  });
});

it('tells when what was said, where that is asked for', async () => {
  const { json } = await ask({
    ...{ file: sound(2), model: 'whisper', response_format: 'verbose_json', 'timestamp_granularities[]': 'word' },
  });
  expect(json).toMatchObject({
    ...{ task: 'transcribe', duration: 2, segments: [{ start: 0, end: 2, text: json.text }] },
    words: [{ start: 0, end: 2 }],
  });
});

it.each<[string, Readonly<Record<string, string | File>>, number]>([
  ['no file', { model: 'whisper' }, 400],
  ['a picture', { file: sound(1, 'a.png'), model: 'whisper' }, 400],
  ['no model', { file: sound(1) }, 400],
  ['an unknown model', { file: sound(1), model: 'unheard-of' }, 404],
  ['another format', { file: sound(1), model: 'whisper', response_format: 'srt' }, 400],
  ['a model that fails', { file: sound(1), model: 'fail-429' }, 429],
  ['a script that fails', { file: sound(1), model: 'whisper', sandbox: '{"fail":500}' }, 500],
])('answers %s as its provider would', async (_name, fields, status) => {
  expect((await ask(fields)).status).toBe(status);
});

it('refuses what is no form', async () => {
  const response = await fetch(`${sandbox.url}/audio/transcriptions`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(400);
});
