// The file parser over real HTTP with a scripted router and worker: when a PDF becomes text, what is planned and sent then, what comes back, and what is refused.
import { makePdf } from '@waystation/testing';
import { chunk, completion, inferenceKey, planned, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
/** Whether the only endpoint takes files. */
let takesFiles = false;
beforeAll(async () => {
  ingress = await startIngress();
  ingress.bus.rpc.set('route.plan', (request: { features: { inputModalities: string[] } }) => {
    const refused = !takesFiles && request.features.inputModalities.includes('file');
    const excluded = {
      endpointId: 'alpha/lab/small',
      model: 'lab/small',
      provider: 'alpha',
      rule: 'modality',
      detail: 'file',
    };
    return {
      attempts: refused ? [] : [planned('alpha')],
      excluded: refused ? [excluded] : [],
      ...{ snapshotRevision: 1, strategy: 'price' },
    };
  });
});
afterAll(() => ingress.close());
beforeEach(() => {
  takesFiles = false;
  const { bus } = ingress;
  for (const told of [bus.trailLines, bus.streams, bus.asked as unknown[], bus.factLines]) told.length = 0;
  bus.sendSignal('alive', {
    ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
  });
  bus.worker = serving([completion('ok')]);
});

const post = async (body: object, path = 'chat/completions'): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'x-openrouter-metadata': 'enabled' },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
};
const sent = (): Record<string, unknown> => JSON.parse(ingress.bus.streams[0]?.body ?? '{}') as Record<string, unknown>;

const pdf = makePdf([{ text: 'The answer is 42.' }, { text: 'So it was.' }]).toString('base64');
const url = `data:application/pdf;base64,${pdf}`;
const WRAPPED = ['<file name="a.pdf">', 'The answer is 42.\n\nSo it was.', '</file>'];
const file = (file_data: string) => ({ type: 'file', file: { filename: 'a.pdf', file_data } });
const ask = { type: 'text', text: 'What is the answer?' };
const chat = (part: object = file(url), more: object = {}) => ({
  model: 'lab/small',
  messages: [{ role: 'user', content: [ask, part] }],
  ...more,
});
const engine = (name: string): object => ({ plugins: [{ id: 'file-parser', pdf: { engine: name } }] });
const texts = (type = 'text') => WRAPPED.map((text) => ({ type, text }));

it('a PDF becomes text where no endpoint takes files; plan, hold, worker and metadata see it', async () => {
  const { status, text } = await post(chat());
  expect(status).toBe(200);
  expect(sent()['messages']).toEqual([{ role: 'user', content: [ask, ...texts()] }]);
  const [first, second] = ingress.bus.asked
    .filter(({ name }) => name === 'route.plan')
    .map(({ request }) => request) as {
    features: { inputModalities: string[]; conversation: string };
  }[];
  expect([first?.features.inputModalities, second?.features.inputModalities]).toEqual([['text', 'file'], ['text']]);
  expect(second?.features.conversation).toBe(first?.features.conversation);
  // Of a file nothing bounds the tokens but the context; of its text its bytes do.
  expect(Number(ingress.bus.streams[0]?.request.holdPicodollars)).toBeLessThan(100_000 * 1_000_000);
  expect(JSON.parse(text)).toMatchObject({
    choices: [
      {
        message: {
          annotations: [
            {
              type: 'file',
              file: { hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string, name: 'a.pdf', content: texts() },
            },
          ],
        },
      },
    ],
    usage: { prompt_tokens: 10 },
    openrouter_metadata: { pipeline: [{ type: 'plugin', name: 'file-parser', data: { files: 1, spared: 0 } }] },
  });
});

it('what was told of a file need not be read again, and does not go out twice', async () => {
  const { text } = await post(chat());
  const [{ message }] = (JSON.parse(text) as { choices: [{ message: object }] }).choices;
  ingress.bus.streams.length = 0;
  const { messages } = chat();
  const again = await post({
    model: 'lab/small',
    messages: [...messages, message, { role: 'user', content: 'Sure?' }],
  });
  expect(JSON.parse(again.text)).toMatchObject({
    openrouter_metadata: { pipeline: [{ data: { files: 1, spared: 1 } }] },
    choices: [{ message: { annotations: [{ type: 'file' }] } }],
  });
  expect(sent()['messages']).toMatchObject([{ content: [ask, ...texts()] }, { annotations: [] }, {}]);
});

it('annotations stand in a stream, too, before its end', async () => {
  ingress.bus.worker = serving([chunk('ok')]);
  const { text } = await post(chat(file(url), { stream: true }));
  const at = text.indexOf('"annotations":[{"type":"file"');
  expect(at).toBeGreaterThan(text.indexOf('"ok"'));
  expect(at).toBeLessThan(text.indexOf('"usage"'));
});

it('annotations of the model stay before those of ours', async () => {
  const note = { type: 'url_citation', url_citation: { url: 'https://example.com' } };
  ingress.bus.worker = serving([JSON.stringify({ choices: [{ message: { content: 'ok', annotations: [note] } }] })]);
  expect(JSON.parse((await post(chat())).text)).toMatchObject({
    choices: [{ message: { annotations: [note, { type: 'file' }] } }],
  });
});

it('a PDF is passed on as it came where an endpoint takes files, unless its text is asked for', async () => {
  takesFiles = true;
  await post(chat());
  expect(sent()).toEqual(chat());
  ingress.bus.streams.length = 0;
  await post(chat(file(url), engine('pdf-text')));
  expect(sent()['messages']).toEqual([{ role: 'user', content: [ask, ...texts()] }]);
});

it.each<[string, string, object, object]>([
  [
    'Messages',
    'messages',
    {
      ...{ model: 'lab/small', max_tokens: 9 },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: pdf } },
            { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'plain' } },
          ],
        },
      ],
    },
    { messages: [{ content: [...texts(), { text: '<file name="">' }, { text: 'plain' }, { text: '</file>' }] }] },
  ],
  [
    'Responses',
    'responses',
    {
      model: 'lab/small',
      input: [{ role: 'user', content: [{ type: 'input_file', filename: 'a.pdf', file_data: url }] }],
    },
    { input: [{ content: texts('input_text') }] },
  ],
])('files of %s become text, too', async (_, path, body, expected) => {
  ingress.bus.worker = serving(['{"content":[],"output":[]}']);
  expect((await post(body, path)).status).toBe(200);
  expect(sent()).toMatchObject(expected);
});

it.each<[string, object, string]>([
  ['by URL', chat(file('https://example.com/a.pdf')), 'not fetched here'],
  ['by id', chat({ type: 'file', file: { file_id: 'file-1' } }), 'named by an id'],
  ['of another kind', chat(file('data:text/csv;base64,QUJD')), 'is no PDF'],
  ['that is garbage', chat(file('data:application/pdf;base64,QUJD')), 'is no PDF that can be read'],
  ['without text', chat(file(`data:application/pdf;base64,${makePdf([{}]).toString('base64')}`)), 'has no text in it'],
  [
    'beside sixteen others',
    { model: 'lab/small', messages: [{ role: 'user', content: Array.from({ length: 17 }, () => file(url)) }] },
    'At most 16 files',
  ],
])('a file %s is refused by its name where it would have to be read', async (_, body, says) => {
  const { status, text } = await post(body);
  expect([status, JSON.parse(text)]).toMatchObject([
    400,
    { error: { message: expect.stringContaining(says) as string, metadata: { error_type: 'invalid_request' } } },
  ]);
  expect(ingress.bus.streams).toEqual([]);
  expect(ingress.bus.factLines).toEqual([]);
});

it.each<[string, object]>([
  ['is to be passed on as it is', engine('native')],
  ['may not be read', { plugins: [{ id: 'file-parser', enabled: false }] }],
])('a PDF that %s finds no endpoint where none takes files', async (_, plugins) => {
  const { status, text } = await post(chat(file(url), plugins));
  expect([status, text]).toEqual([404, expect.stringContaining('modalities') as string]);
});
