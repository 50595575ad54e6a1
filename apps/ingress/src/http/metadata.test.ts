// How a generation was routed, told to clients that ask for it with a header, in every dialect, in body, stream and error; and to nobody else.
import { WaystationError } from '@waystation/contracts';
import { chunk, completion, inferenceKey, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
let beating: NodeJS.Timeout;
const beat = (): void =>
  ingress.bus.sendSignal('alive', {
    ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
  });
beforeEach(async () => {
  ingress = await startIngress();
  beating = setInterval(beat, 10);
  beat();
});
afterEach(async () => {
  clearInterval(beating);
  await ingress.close();
});

const post = async (path: string, body: object, metadata = 'enabled'): Promise<string> => {
  const response = await fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'x-openrouter-metadata': metadata },
    body: JSON.stringify(body),
  });
  return response.text();
};

const NAME = 'openrouter_metadata';
/** Wherever it stands in what was told. */
const metadataIn = (told: string): unknown => {
  const events = told.split('\n\n').flatMap((event) => /^data: (\{.*)$/m.exec(event)?.[1] ?? []);
  const found = (events.length === 0 ? [told] : events).flatMap((json) => {
    const value = JSON.parse(json) as Record<string, unknown>;
    const inside = value['response'] as Record<string, unknown> | undefined;
    return value[NAME] ?? inside?.[NAME] ?? [];
  });
  expect(found).toHaveLength(1);
  return found[0];
};

const served = {
  requested: 'lab/small',
  strategy: 'direct',
  region: null,
  summary: 'available=2, selected=ALPHA',
  attempt: 1,
  is_byok: false,
  endpoints: {
    total: 2,
    available: [
      { provider: 'ALPHA', model: 'lab/small', selected: true },
      { provider: 'BETA', model: 'lab/small', selected: false },
    ],
  },
  attempts: [{ provider: 'ALPHA', model: 'lab/small', status: 200 }],
};

const messages = [{ role: 'user', content: 'hi' }];
const ofMessages =
  'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":0}}\n\n' +
  'event: message_stop\ndata: {"type":"message_stop"      }\n\n';
const ofResponses =
  'event: response.completed\ndata: {"type":"response.completed","sequence_number":1,"response":{"id":"gen","status":"completed","output":[]}}\n\n';

describe.each<[string, string, object, string, { tail?: string }, string]>([
  ['chat completions', 'chat/completions', { messages }, chunk('a'), {}, completion('a')],
  [
    'Messages',
    'messages',
    { messages, max_tokens: 9 },
    'event: ping\ndata: {}\n\n',
    { tail: ofMessages },
    '{"content":[]}',
  ],
  ['Responses', 'responses', { input: 'hi' }, 'event: x\ndata: {}\n\n', { tail: ofResponses }, '{"output":[]}'],
  ['legacy completions', 'completions', { prompt: 'hi' }, 'data: {"choices":[]}\n\n', {}, '{"choices":[]}'],
])('%s', (_, path, request, piece, end, body) => {
  const asked = { model: 'lab/small', ...request };

  it('tell it in a body, beside the usage', async () => {
    ingress.bus.worker = serving([body]);
    const told = await post(path, asked);
    expect(metadataIn(told)).toEqual(served);
    expect(told).toContain('"cost":');
  });

  it('tell it at the end of a stream, beside the usage', async () => {
    ingress.bus.worker = serving([piece], end);
    const told = await post(path, { ...asked, stream: true });
    expect(metadataIn(told)).toEqual(served);
    expect(told).toContain('"cost":');
  });

  it('tell it at the end of a stream whose usage is not known yet', async () => {
    ingress.bus.worker = serving([piece], { ...end, usage: 'pending' });
    expect(metadataIn(await post(path, { ...asked, stream: true }))).toEqual(served);
  });

  it.each([[true], [false]])('tell it in an error, with what was tried (stream: %s)', async (stream) => {
    ingress.bus.worker = ({ reader, provider }) =>
      reader.fail(new WaystationError('provider_overloaded', `${provider} is overloaded.`));
    expect(metadataIn(await post(path, { ...asked, stream }))).toMatchObject({
      attempt: 2,
      attempts: [
        { provider: 'ALPHA', status: 503 },
        { provider: 'BETA', status: 503 },
      ],
    });
  });

  it('tell it in an error after output', async () => {
    ingress.bus.worker = ({ reader }) => {
      reader.accepted('worker-test0001');
      reader.data(Buffer.from(piece));
      setTimeout(() => reader.fail(new WaystationError('provider_stream_broken', 'It broke.')), 10);
    };
    expect(metadataIn(await post(path, { ...asked, stream: true }))).toMatchObject({ attempt: 1 });
  });

  it('do not tell it to those who did not ask', async () => {
    ingress.bus.worker = serving([body]);
    expect(await post(path, asked, 'disabled')).not.toContain(NAME);
    ingress.bus.worker = serving([piece], end);
    expect(await post(path, { ...asked, stream: true }, '')).not.toContain(NAME);
  });
});

it('is not told where nothing was routed yet', async () => {
  ingress.bus.rpc.delete('route.plan');
  expect(await post('chat/completions', { model: 'lab/small', messages })).not.toContain(NAME);
});

it('says that another model than the first served', async () => {
  ingress.bus.worker = serving([completion('a')]);
  const told = await post('chat/completions', { models: ['lab/large', 'lab/small'], messages });
  expect(metadataIn(told)).toMatchObject({ requested: 'lab/large', strategy: 'fallback' });
});
