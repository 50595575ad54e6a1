// Presets and task routing against the running system: a preset that is made, used, changed and switched off; models chosen by task, by the rules of the station and by the
// workspace's own, and by the operator's figures of quality; each answer named and charged as the model that served.
import { fakeUpstream, type FakeUpstream } from '@waystation/testing';
import { ask, complete } from './support/ask.ts';
import { story } from './support/story.ts';
import { useSystem } from './support/use-system.ts';
import { until } from './support/wait.ts';

/** From the cheapest up, USD per million tokens of prompt. */
const MODELS = ['tasks/tiny', 'tasks/small', 'tasks/middle', 'tasks/large', 'tasks/huge'];
/** How good at code the operator takes them to be; nobody measured the others. */
const CODING: Readonly<Record<string, number>> = { 'tasks/tiny': 0.3, 'tasks/small': 0.7, 'tasks/large': 0.8 };
const REACHED_WITHIN_MS = 10_000;

interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly temperature?: number;
}

let lab: FakeUpstream;
const system = useSystem(async () => {
  lab = await fakeUpstream((request, reply) => {
    const { model } = request.json() as Asked;
    const choices = [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }];
    const usage = { prompt_tokens: 100, completion_tokens: 100, total_tokens: 200 };
    reply.json(200, { id: 'lab-1', object: 'chat.completion', created: 1, model, choices, usage });
  });
  const endpoints = MODELS.map(
    (model, place) =>
      `{ model: ${model}, upstreamModel: ${model.slice(6)}, context: 50000, maxOutput: 500, price: { input: "${place + 1}.00", output: "${place + 1}.00" }${CODING[model] === undefined ? '' : `, quality: { coding: ${CODING[model]} }`} }`,
  );
  const config = `
providers:
  - slug: tasked
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${lab.port}/v1
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [${endpoints.join(', ')}]
`;
  return { config, timeScale: 0.5 };
});
afterAll(() => lab.close());

const lastAsked = (): Asked => lab.requests.at(-1)?.json() as Asked;
const say = (content: string) => ({ messages: [{ role: 'user', content }] });
const manage = (method: string, path: string, body?: unknown) =>
  ask(system(), method, `/api/v1/${path}`, body, { key: system().managementKey });
/** Only the models of this story: the market around it is whatever the station has besides. */
const auto = (content: string, more: object = {}, headers: Record<string, string> = {}) =>
  complete(
    system(),
    {
      model: 'waystation/auto',
      ...say(content),
      plugins: [{ id: 'auto-router', allowed_models: ['tasks/*'] }],
      ...more,
    },
    { headers: { 'x-openrouter-metadata': 'enabled', ...headers } },
  );

describe('presets', () => {
  story('are made, used, given a new version, and switched off', system, async () => {
    const unknown = await complete(system(), { model: '@preset/brief', ...say('hi') });
    expect([unknown.status, unknown.json.error.message]).toEqual([404, expect.stringContaining('no preset "brief"')]);

    const made = await manage('POST', 'presets/brief/chat/completions', {
      ...{ model: 'tasks/small', temperature: 0.25 },
      messages: [{ role: 'system', content: 'Be brief.' }],
    });
    expect(made.json.data).toMatchObject({
      slug: 'brief',
      designated_version: { version: 1, system_prompt: 'Be brief.' },
    });
    const used = await until('the preset has reached the edge', REACHED_WITHIN_MS, async () => {
      const answer = await complete(system(), { model: '@preset/brief', ...say('hi') });
      return answer.status === 200 ? answer : undefined;
    });
    expect(used.json).toMatchObject({ model: 'tasks/small', usage: { cost: 0.0004 } });
    expect(lastAsked()).toMatchObject({
      ...{ model: 'small', temperature: 0.25 },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
    });
    await complete(system(), { model: 'tasks/large', preset: 'brief', temperature: 1, ...say('hi') });
    expect(lastAsked()).toMatchObject({ model: 'large', temperature: 1 });

    await manage('POST', 'presets/brief/chat/completions', { model: 'tasks/tiny' });
    await until('the new version is used', REACHED_WITHIN_MS, async () => {
      const { json } = await complete(system(), { preset: 'brief', ...say('hi') });
      return json.model === 'tasks/tiny' ? true : undefined;
    });
    const versions = await ask(system(), 'GET', '/api/v1/presets/brief/versions');
    expect(versions.json).toMatchObject({ total_count: 2, data: [{ version: 2 }, { version: 1 }] });

    await manage('PATCH', 'presets/brief', { status: 'disabled' });
    await until('the preset is refused', REACHED_WITHIN_MS, async () => {
      const { status, json } = await complete(system(), { model: '@preset/brief', ...say('hi') });
      return status === 404 && /is disabled/.test(json.error.message as string) ? true : undefined;
    });
  });
});

describe('waystation/auto', () => {
  story('chooses by task, with rules of the station and of the workspace', system, async () => {
    const title = await auto('Give this conversation a short title');
    expect(title.json).toMatchObject({
      ...{ model: 'tasks/tiny', usage: { cost: 0.0002 } },
      openrouter_metadata: { strategy: 'auto', data: { rule: 'titles', task_type: 'title' } },
    });
    const named = await auto('Look at this, please.', {}, { 'x-waystation-task': 'code' });
    expect(named.json).toMatchObject({ model: 'tasks/middle', openrouter_metadata: { data: { rule: 'code' } } });
    expect((await auto('hi', { model: 'openrouter/auto' })).json.model).toMatch(/^tasks\//);

    const rules = [
      { name: 'broken', when: 'task == ', models: ['tasks/huge'] },
      { name: 'rest', when: 'true', models: ['tasks/middle'] },
    ];
    const refused = await manage('PUT', 'task-rules', { rules });
    expect([refused.status, refused.json.error.message]).toEqual([400, expect.stringContaining('at character 9')]);
    const good = [{ name: 'letters', when: 'task == "letter"', models: ['tasks/huge'] }, rules[1]];
    expect((await manage('PUT', 'task-rules', { rules: good })).status).toBe(200);
    const own = await until('the rules have reached the edge', REACHED_WITHIN_MS, async () => {
      const answer = await auto('Dear Tom', {}, { 'x-waystation-task': 'letter' });
      return answer.json.openrouter_metadata?.data?.rule === 'letters' ? answer : undefined;
    });
    expect(own.json.model).toBe('tasks/huge');
    expect((await auto('Give this conversation a short title')).json.model).toBe('tasks/middle');
    const id = own.headers.get('x-generation-id') ?? '';
    const told = await until('the generation is recorded', REACHED_WITHIN_MS, async () => {
      const { status, json } = await ask(system(), 'GET', `/api/v1/generation?id=${id}`);
      return status === 200 && json.data.router !== null ? json.data : undefined;
    });
    expect(told).toMatchObject({ model: 'tasks/huge', router: 'waystation/auto' });
    expect((await manage('DELETE', 'task-rules')).json.data).toMatchObject({ is_default: true });
  });
});

describe('openrouter/pareto-code', () => {
  const pareto = (settings: object, more: object = {}) =>
    complete(
      system(),
      {
        ...{ model: 'openrouter/pareto-code', ...say('Write a loop.') },
        plugins: [{ id: 'pareto-router', ...settings }],
        ...more,
      },
      { headers: { 'x-openrouter-metadata': 'enabled' } },
    );

  story('asks the cheapest model that the operator takes for good enough, and says why', system, async () => {
    const usual = await pareto({});
    expect(usual.json).toMatchObject({
      ...{ model: 'tasks/small', usage: { cost: 0.0004 } },
      openrouter_metadata: {
        ...{ strategy: 'pareto', params: { quality_floor: 0.66 }, data: { rule: 'cheapest with coding >= 0.66' } },
      },
    });
    expect((await pareto({ min_coding_score: 0.2 })).json.model).toBe('tasks/tiny');
    expect((await pareto({ min_coding_score: 0.75 })).json).toMatchObject({
      ...{ model: 'tasks/large', usage: { cost: 0.0008 } },
    });
    expect((await pareto({ max_price: 3 })).json.model).toBe('tasks/small');
    const id = usual.headers.get('x-generation-id') ?? '';
    const told = await until('the generation is recorded', REACHED_WITHIN_MS, async () => {
      const { status, json } = await ask(system(), 'GET', `/api/v1/generation?id=${id}`);
      return status === 200 && json.data.router !== null ? json.data : undefined;
    });
    expect(told).toMatchObject({ model: 'tasks/small', router: 'openrouter/pareto-code' });
  });

  story('asks nobody where no figure is high enough, or there is none', system, async () => {
    const before = lab.requests.length;
    const tooHigh = await pareto({ min_coding_score: 0.9 });
    expect([tooHigh.status, tooHigh.json.error.message]).toEqual([404, expect.stringContaining('0.8 at most')]);
    const unmeasured = await pareto({}, { model: 'waystation/pareto' });
    expect([unmeasured.status, unmeasured.json.error.message]).toEqual([
      400,
      expect.stringContaining('this catalog has none about general'),
    ]);
    expect(lab.requests.length).toBe(before);
  });
});
