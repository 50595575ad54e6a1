// Presets over real HTTP: made and read as the reference has them, used by requests of each API, and refused with what was wrong before anything is planned or charged.
import { SNAPSHOT_KEYS, type Preset, type PresetEntry } from '@waystation/contracts';
import { expectDescribed } from '../test-edge/expect-described.js';
import { chunk, completion, inferenceKey, managementKey, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
let beating: NodeJS.Timeout;
const beat = (): void =>
  ingress.bus.sendSignal('alive', {
    ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
  });
const putPreset = (slug: string, changes: Partial<PresetEntry> = {}): void => {
  const entry = { v: 1, version: 1, id: `id-${slug}`, workspaceId: 'default', slug, status: 'active', number: 3 };
  ingress.bus.put('workspaces', SNAPSHOT_KEYS.preset(`id-${slug}`), {
    ...{ ...entry, config: { model: 'lab/small', temperature: 0.5 }, systemPrompt: 'Be brief.', ...changes },
  });
};
beforeEach(async () => {
  ingress = await startIngress();
  beating = setInterval(beat, 10);
  beat();
  putPreset('brief');
});
afterEach(async () => {
  clearInterval(beating);
  await ingress.close();
});

const call = async (method: string, path: string, body?: unknown, key = managementKey, headers = {}) => {
  const response = await fetch(`${ingress.url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { response, status: response.status, json: JSON.parse(text) as Record<string, unknown> };
};
const ask = (path: string, body: object, headers = {}) => call('POST', path, body, inferenceKey, headers);
const messageOf = ({ json }: { json: Record<string, unknown> }): string =>
  (json['error'] as { message: string }).message;
const messages = [{ role: 'user', content: 'hi' }];
const planned = () => ingress.bus.asked.filter(({ name }) => name === 'route.plan').map(({ request }) => request);

describe('a request', () => {
  it.each<[string, string, object, object]>([
    ['by its model', 'chat/completions', { model: '@preset/brief', messages }, { model: 'lab/small' }],
    ['behind its model', 'chat/completions', { model: 'lab/big@preset/brief', messages }, { model: 'lab/big' }],
    [
      'by a field',
      'chat/completions',
      { preset: 'brief', messages, temperature: 0 },
      { model: 'lab/small', temperature: 0 },
    ],
    [
      'of Messages',
      'messages',
      { model: '@preset/brief', max_tokens: 5, messages },
      { system: 'Be brief.', temperature: 0.5 },
    ],
    [
      'of Responses',
      'responses',
      { model: '@preset/brief', input: 'hi' },
      { instructions: 'Be brief.', temperature: 0.5 },
    ],
  ])('that names a preset %s is sent with what it says', async (_, path, body, sent) => {
    ingress.bus.worker = serving([
      path === 'messages' ? '{"content":[]}' : path === 'responses' ? '{"output":[]}' : completion('a'),
    ]);
    const { status } = await ask(path, body);
    expect(status).toBe(200);
    const [stream] = ingress.bus.streams;
    expect(JSON.parse(stream?.body ?? '')).toMatchObject(sent);
    expect(stream?.body).not.toContain('preset');
    expect(planned()[0]).toMatchObject({ models: [(sent as { model?: string }).model ?? 'lab/small'] });
    const [line] = ingress.bus.trailLines;
    expect(line).toMatchObject({ presetId: 'id-brief', presetVersion: 3 });
    expect(line?.warnings ?? []).toEqual([]);
  });

  it('gets the system prompt of the preset before its own messages, unless it has one', async () => {
    ingress.bus.worker = serving([completion('a')]);
    await ask('chat/completions', { model: '@preset/brief', messages });
    await ask('chat/completions', {
      model: '@preset/brief',
      messages: [{ role: 'system', content: 'Own.' }, ...messages],
    });
    const systems = ingress.bus.streams.map(
      ({ body }) => (JSON.parse(body) as { messages: { content: string }[] }).messages[0]?.content,
    );
    expect(systems).toEqual(['Be brief.', 'Own.']);
  });

  it('is told of settings that its API has no word for', async () => {
    putPreset('seeded', { version: 2, config: { model: 'lab/small', seed: 7 } });
    ingress.bus.worker = serving(['{"content":[]}']);
    await ask('messages', { model: '@preset/seeded', max_tokens: 5, messages });
    expect(ingress.bus.trailLines[0]?.warnings).toEqual([
      {
        code: 'unsupported-parameter',
        field: 'seed',
        message: 'seed of the preset has no word in this API and is left out.',
      },
    ]);
  });

  it('streams as ever', async () => {
    ingress.bus.worker = serving([chunk('a')]);
    const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${inferenceKey}` },
      body: JSON.stringify({ model: '@preset/brief', messages, stream: true }),
    });
    expect(await response.text()).toContain('"content":"a"');
  });

  it.each<[string, object, number, string]>([
    [
      'an unknown one',
      { model: '@preset/none', messages },
      404,
      'There is no preset "none" in this workspace; GET /presets lists those that there are.',
    ],
    [
      'one with an odd name',
      { preset: 'No way/../x', messages },
      404,
      'There is no preset "No way/../x" in this workspace; GET /presets lists those that there are.',
    ],
    [
      'one of another workspace',
      { model: '@preset/foreign', messages },
      404,
      'There is no preset "foreign" in this workspace; GET /presets lists those that there are.',
    ],
    [
      'one that is switched off',
      { model: '@preset/off', messages },
      404,
      'The preset "off" is disabled; whoever manages the workspace can make it active again.',
    ],
    [
      'two',
      { model: '@preset/brief', preset: 'other', messages },
      400,
      'preset: "other" stands beside "brief" in model; name one preset',
    ],
    [
      'one among its fallbacks',
      { model: 'lab/small', models: ['@preset/brief'], messages },
      400,
      'models: a preset can be named in model or in preset, but not among fallbacks',
    ],
  ])('that names %s is refused, and nothing is planned', async (_, body, status, message) => {
    putPreset('foreign', { workspaceId: 'other' });
    putPreset('off', { status: 'disabled' });
    const answer = await ask('chat/completions', body);
    expect([answer.status, messageOf(answer)]).toEqual([status, message]);
    expect(planned()).toEqual([]);
  });

  it.each<[string, Partial<PresetEntry['config']>, object, boolean]>([
    ['asks for it', { cache_enabled: true }, {}, true],
    ['asks for it, and the request does not', { cache_enabled: true }, { 'x-openrouter-cache': 'false' }, false],
    ['forbids it, and the request asks', { cache_enabled: false }, { 'x-openrouter-cache': 'true' }, false],
  ])('is given kept answers as a preset that %s', async (_, config, headers, looked) => {
    putPreset('kept', { version: 2, config: { model: 'lab/small', ...config } });
    ingress.bus.worker = serving([completion('a')]);
    const { response } = await ask('chat/completions', { model: '@preset/kept', messages }, headers);
    expect(response.headers.get('x-openrouter-cache-status') !== null).toBe(looked);
  });
});

const version = {
  id: 'v-1',
  presetId: 'p-1',
  number: 1,
  config: { temperature: 0 },
  creator: 'm-1',
  createdAt: 1_700_000_000_000,
};
const preset: Preset = {
  ...{ id: 'p-1', workspaceId: 'default', slug: 'brief', name: 'brief', status: 'active', designated: version },
  ...{ createdAt: 1_700_000_000_000, updatedAt: 1_700_000_001_000 },
};
const put = (): unknown[] =>
  ingress.bus.asked.filter(({ name }) => /^control\.preset\.(put|update)$/.test(name)).map(({ request }) => request);

describe('the management of presets', () => {
  beforeEach(() => {
    const { rpc } = ingress.bus;
    for (const verb of ['put', 'update', 'get']) rpc.set(`control.preset.${verb}`, () => ({ preset }));
    const { designated, ...listed } = preset;
    rpc.set('control.preset.list', () => ({ presets: [{ ...listed, designatedId: designated.id }], total: 1 }));
    rpc.set('control.preset.versions', () => ({ versions: [version], total: 1 }));
  });

  it.each([
    ['presets', { total_count: 1, data: [{ slug: 'brief', designated_version_id: 'v-1', status: 'active' }] }],
    [
      'presets/brief',
      { data: { slug: 'brief', designated_version: { version: 1, config: { temperature: 0 }, system_prompt: null } } },
    ],
    ['presets/brief/versions', { total_count: 1, data: [{ version: 1 }] }],
    ['presets/brief/versions/1', { data: { version: 1, preset_id: 'p-1' } }],
  ])('shows %s to any key, in the shape of the reference', async (path, shown) => {
    const { response, status, json } = await call('GET', path, undefined, inferenceKey);
    expect(status).toBe(200);
    expect(json).toMatchObject(shown);
    expectDescribed('GET', response, json);
  });

  it.each<[string, object, object]>([
    [
      'chat/completions',
      {
        model: 'lab/small',
        messages: [{ role: 'system', content: 'S' }, ...messages],
        stream: true,
        temperature: 0,
        user: 'u',
      },
      { config: { model: 'lab/small', temperature: 0 }, systemPrompt: 'S' },
    ],
    [
      'messages',
      { model: 'lab/small', system: 'S', max_tokens: 5, stop_sequences: ['x'] },
      { config: { model: 'lab/small', max_tokens: 5, stop: ['x'] }, systemPrompt: 'S' },
    ],
    [
      'responses',
      { model: 'lab/small', instructions: 'S', max_output_tokens: 5 },
      { config: { model: 'lab/small', max_tokens: 5 }, systemPrompt: 'S' },
    ],
  ])('keeps what a body of %s says, without its conversation', async (path, body, kept) => {
    const { response, status, json } = await call('POST', `presets/brief/${path}`, body);
    expect(status).toBe(200);
    expectDescribed('POST', response, json);
    expect(put()).toEqual([expect.objectContaining({ slug: 'brief', ...kept })]);
    expect(ingress.bus.streams).toEqual([]);
  });

  it('changes a name, a state and the designated version', async () => {
    const { response, status, json } = await call('PATCH', 'presets/brief', {
      name: 'B',
      status: 'archived',
      designated_version: 2,
    });
    expect(status).toBe(200);
    expectDescribed('PATCH', response, json);
    expect(put()).toEqual([expect.objectContaining({ changes: { name: 'B', status: 'archived', designated: 2 } })]);
  });

  it.each<[string, string, unknown, number, RegExp]>([
    ['POST', 'presets/Bad_Slug/chat/completions', {}, 400, /^slug: Expected lower-case letters/],
    ['POST', 'presets/brief/chat/completions', { temperature: 9 }, 400, /^temperature: Number must be less than/],
    ['POST', 'presets/brief/chat/completions', { provider: { nope: 1 } }, 400, /nope/],
    [
      'POST',
      'presets/brief/chat/completions',
      { model: '@preset/brief' },
      400,
      /^model: A preset cannot name another preset/,
    ],
    ['POST', 'presets/brief/chat/completions', { cache_enabled: 'yes' }, 400, /^cache_enabled: Expected boolean/],
    [
      'POST',
      'presets/brief/chat/completions',
      { cache_ttl_seconds: 0 },
      400,
      /^cache_ttl_seconds: Expected a whole number/,
    ],
    ['POST', 'presets/brief/messages', { thinking: { type: 'never' } }, 400, /^thinking/],
    ['POST', 'presets/brief/responses', [], 400, /Expected object, received array/],
    ['PATCH', 'presets/brief', { status: 'gone' }, 400, /^status: Expected 'active'/],
    ['PATCH', 'presets/brief', { designated_version: 0 }, 400, /^designated_version: Expected the number/],
    ['PATCH', 'presets/brief', { slug: 'x' }, 400, /Unrecognized key/],
    ['GET', 'presets/Bad_Slug', undefined, 404, /There is no preset "Bad_Slug"/],
    ['GET', 'presets/brief/versions/x', undefined, 404, /There is no version "x"/],
    ['GET', 'presets?limit=0', undefined, 400, /^limit: Expected a whole number/],
  ])('refuses %s %s with %j, and asks nobody to change anything', async (method, path, body, status, message) => {
    const answer = await call(method, path, body);
    expect([answer.status, messageOf(answer)]).toEqual([status, expect.stringMatching(message)]);
    expect(put()).toEqual([]);
  });

  it('is for management keys', async () => {
    const answer = await call('POST', 'presets/brief/chat/completions', { temperature: 0 }, inferenceKey);
    expect([answer.status, put()]).toEqual([403, []]);
  });
});
