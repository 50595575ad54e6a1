// `waystation/auto`, `openrouter/auto` and `openrouter/free` over real HTTP: the models that are planned for, and by which rule; and rules that are set, or refused.
import { SNAPSHOT_KEYS, type ModelQuality, type PolicyEntry, type TaskRule } from '@waystation/contracts';
import { makePdf } from '@waystation/testing';
import { expectDescribed } from '../test-edge/expect-described.js';
import {
  completion,
  hashOf,
  inferenceKey,
  keyEntryOf,
  managementKey,
  planned,
  provider,
  serving,
  workspace,
} from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
let beating: NodeJS.Timeout;
const beat = (): void =>
  ingress.bus.sendSignal('alive', {
    ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
  });

/** Models from the cheapest up; `lab/small` of the fixtures costs five. */
const MODELS: readonly (readonly [id: string, price: number, more?: object, quality?: ModelQuality])[] = [
  ['lab/free', 0],
  ['lab/tiny', 1, {}, { coding: 0.4 }],
  ['lab/deaf', 7, { supportedParameters: ['max_tokens'] }, { coding: 0.7 }],
  ['lab/large', 20, {}, { coding: 0.8, general: 0.7 }],
  ['lab/huge', 90, { inputModalities: ['text', 'image'] }, { coding: 0.9 }],
];
const modalities = { inputModalities: ['text'], outputModalities: ['text'] };
const endpointOf = (id: string, slug: string, price: number, more: object = {}): object => ({
  ...{ v: 1, version: 2, id: `${slug}/${id}`, model: id, provider: slug, tag: slug, upstreamModel: id, apis: ['chat'] },
  ...{ context: 100_000, ...modalities, supportedParameters: ['max_tokens', 'tools', 'response_format'] },
  ...{ priceVersion: `price-${'0'.repeat(32)}`, enabled: true, ...more },
  price: { perUnit: { input: String(price * 200_000), output: String(price * 400_000) } },
});
const head = (version: number, entities: number): object => ({ v: 1, version, entities, at: 1_700_000_000_000 });
const addModels = (rated = true): void => {
  const { bus } = ingress;
  bus.put('catalog', SNAPSHOT_KEYS.provider('alpha'), provider('alpha', { version: 2, credentialId: 'c' }));
  for (const [id, price, more, quality] of MODELS) {
    bus.put('catalog', SNAPSHOT_KEYS.model(id), {
      ...{ v: 1, version: 2, id, name: id, created: 1, context: 100_000, ...modalities },
      ...(rated && quality !== undefined ? { quality } : {}),
    });
    bus.put('catalog', SNAPSHOT_KEYS.endpoint(`alpha/${id}`), endpointOf(id, 'alpha', price, more));
  }
  bus.put('catalog', SNAPSHOT_KEYS.head, head(2, 5 + 2 * MODELS.length));
};
interface Planned {
  readonly models: readonly string[];
  readonly features: { readonly inputModalities: readonly string[] };
}
const setRules = (taskRules: TaskRule[]): void =>
  ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: 2, taskRules });
beforeEach(async () => {
  ingress = await startIngress();
  beating = setInterval(beat, 10);
  beat();
  addModels();
  ingress.bus.rpc.set('route.plan', ({ models }: Planned) => ({
    ...{
      attempts: [planned('alpha', { model: models[0] ?? '' })],
      excluded: [],
      snapshotRevision: 1,
      strategy: 'weighted',
    },
  }));
  ingress.bus.worker = serving([completion('a')]);
});
afterEach(async () => {
  clearInterval(beating);
  await ingress.close();
});

const ask = async (body: object, headers: Record<string, string> = {}) => {
  const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, ...headers },
    body: JSON.stringify({ model: 'waystation/auto', ...body }),
  });
  const json = (await response.json()) as { error?: { message: string }; openrouter_metadata?: object };
  return { status: response.status, json, message: json.error?.message };
};
const say = (content: string) => ({ messages: [{ role: 'user', content }] });
const plans = () => ingress.bus.asked.filter(({ name }) => name === 'route.plan').map(({ request }) => request);
const decision = () => ingress.bus.trailLines.at(-1)?.decision;

describe('waystation/auto', () => {
  it.each<[string, object, string, string, object]>([
    ['a title', say('Give this conversation a short title'), 'titles', 'lab/free', { sort: { by: 'latency' } }],
    ['a label', say('Classify this review as positive, negative or neutral'), 'classification', 'lab/free', {}],
    ['code', say('Write a Python function that reverses a linked list'), 'code', 'lab/small', {}],
    ['tools', { ...say('hi'), tools: [{ type: 'function', function: { name: 'f' } }] }, 'agents', 'lab/small', {}],
    ['something sensitive', say('Write to jane.doe@example.com that I am ill'), 'sensitive', 'lab/tiny', { zdr: true }],
  ])('of %s goes by a rule of the station', async (_, body, rule, model, preferences) => {
    expect((await ask(body)).status).toBe(200);
    expect(plans()).toHaveLength(1);
    expect(plans()[0]).toMatchObject({ models: expect.arrayContaining([model]), preferences });
    expect(decision()).toMatchObject({ router: 'waystation/auto', rule });
  });

  it('takes the task that the client names, and tells it with the answer', async () => {
    setRules([
      { name: 'mine', when: 'task == "poetry"', models: ['lab/large', 'lab/*'] },
      { name: 'rest', when: 'true', tier: 'low' },
    ]);
    const { json } = await ask(say('hi'), { 'x-waystation-task': 'Poetry', 'x-openrouter-metadata': 'enabled' });
    expect(plans()[0]).toMatchObject({ models: ['lab/large', 'lab/free', 'lab/tiny'] });
    expect(json.openrouter_metadata).toMatchObject({
      ...{ requested: 'waystation/auto', strategy: 'auto', data: { rule: 'mine', task_type: 'poetry' } },
      endpoints: { available: [{ model: 'lab/large', selected: true }] },
    });
    // As the router was asked, so that it can be planned again.
    expect(ingress.bus.decisionLines).toMatchObject([
      { models: plans()[0]?.['models'], chosenBy: { router: 'waystation/auto', rule: 'mine', task: 'poetry' } },
    ]);
  });

  it('answers to the name of the reference, and honours its plugin', async () => {
    const plugins = [{ id: 'auto-router', cost_tier: 'max', excluded_models: ['*/huge'] }];
    await ask({ model: 'openrouter/auto', ...say('hi'), plugins });
    expect(plans()[0]).toMatchObject({ models: ['lab/large'] });
    expect(ingress.bus.trailLines[0]?.warnings ?? []).toEqual([]);
  });

  it('never chooses what cannot serve the request', async () => {
    setRules([{ name: 'all', when: 'images || json', models: ['*'] }]);
    const image = { type: 'image_url', image_url: { url: 'https://images.example/a.png' } };
    await ask({ messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, image] }] });
    expect(plans()[0]).toMatchObject({ models: ['lab/huge'] });
    await ask({ ...say('hi'), response_format: { type: 'json_object' } });
    expect((plans()[1] as { models: string[] }).models).not.toContain('lab/deaf');
  });

  it('never chooses what nobody has a key for, unless it is the workspace that has', async () => {
    setRules([{ name: 'theirs', when: 'true', models: ['lab/theirs', 'lab/tiny'] }]);
    ingress.bus.put('catalog', SNAPSHOT_KEYS.endpoint('beta/lab/theirs'), endpointOf('lab/theirs', 'beta', 1));
    ingress.bus.put('catalog', SNAPSHOT_KEYS.head, head(3, 6 + 2 * MODELS.length));
    await ask(say('hi'));
    const used = { disabled: false, isFallback: false, alwaysUse: false, sortOrder: 0 };
    const ownKey = { v: 1, version: 2, id: 'own', workspaceId: 'default', provider: 'beta', ...used };
    ingress.bus.put('policies', SNAPSHOT_KEYS.ownKey('own'), ownKey);
    ingress.bus.put('policies', SNAPSHOT_KEYS.head, head(2, 1));
    await ask(say('hi'));
    expect(plans().map(({ models }) => models)).toEqual([['lab/tiny'], ['lab/theirs', 'lab/tiny']]);
  });

  it('chooses among models that take no files where a file is read here, and has it read for them', async () => {
    setRules([{ name: 'files', when: 'files', models: ['lab/tiny'] }]);
    ingress.bus.rpc.set('route.plan', ({ models, features }: Planned) => {
      const lacking = features.inputModalities.includes('file');
      const excluded = { endpointId: 'alpha/lab/tiny', model: 'lab/tiny', rule: 'modality', detail: 'file' };
      return {
        ...{ snapshotRevision: 1, strategy: 'weighted', excluded: lacking ? [excluded] : [] },
        attempts: lacking ? [] : [planned('alpha', { model: models[0] ?? '' })],
      };
    });
    const file_data = `data:application/pdf;base64,${makePdf([{ text: 'The answer is 42.' }]).toString('base64')}`;
    const content = [
      { type: 'text', text: 'What is it?' },
      { type: 'file', file: { filename: 'a.pdf', file_data } },
    ];
    expect(await ask({ messages: [{ role: 'user', content }] })).toMatchObject({ status: 200 });
    expect(plans()).toMatchObject([
      { models: ['lab/tiny'], features: { inputModalities: ['text', 'file'] } },
      { models: ['lab/tiny'], features: { inputModalities: ['text'] } },
    ]);
  });

  it('keeps its place among models that are named', async () => {
    setRules([{ name: 'tiny', when: 'true', models: ['lab/tiny'] }]);
    await ask({ model: 'lab/large', models: ['waystation/auto', 'lab/tiny', 'lab/huge'], ...say('hi') });
    expect(plans()[0]).toMatchObject({ models: ['lab/large', 'lab/tiny', 'lab/huge'] });
  });

  it('knows how much of a budget is left where a rule speaks of it', async () => {
    const limits = [{ scope: 'workspace', metric: 'usd', window: 'day', limit: '1000000000000' }];
    const taskRules = [
      { name: 'thrift', when: 'budget_left < 0.5', models: ['lab/tiny'] },
      { name: 'rest', when: 'true', models: ['lab/large'] },
    ];
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), { ...workspace, version: 2, limits, taskRules });
    let used = '0';
    ingress.bus.rpc.set('billing.quota.use', ({ quotas }: { quotas: { id: string }[] }) => ({
      quotas: quotas.map(({ id }) => ({ id, used, held: '0' })),
    }));
    await ask(say('hi'));
    used = '600000000000';
    await ask(say('hi'));
    expect(plans().map(({ models }) => models)).toEqual([['lab/large'], ['lab/tiny']]);
  });

  it.each<[string, object, Record<string, string>, number, RegExp]>([
    ['two routers', { models: ['openrouter/free'], ...say('hi') }, {}, 400, /cannot be combined/],
    [
      'nothing that is allowed',
      { ...say('hi'), plugins: [{ id: 'auto-router', allowed_models: ['none/*'] }] },
      {},
      404,
      /^No models match your request and model restrictions: waystation\/auto, by its rule/,
    ],
    [
      'a bad tier',
      { ...say('hi'), plugins: [{ id: 'auto-router', cost_tier: 'best' }] },
      {},
      400,
      /cost_tier: Expected one of low/,
    ],
    ['a bad label', say('hi'), { 'x-waystation-task': 'what is this?' }, 400, /^X-Waystation-Task: Expected a label/],
    [
      'a router that is not here',
      { model: 'openrouter/fusion', ...say('hi') },
      {},
      400,
      /openrouter\/fusion is not served here/,
    ],
  ])('refuses %s, and nothing is planned', async (_, body, headers, status, message) => {
    const answer = await ask(body, headers);
    expect([answer.status, answer.message]).toEqual([status, expect.stringMatching(message)]);
    expect(plans()).toEqual([]);
  });
});

it('a job has no model chosen for it', async () => {
  const response = await fetch(`${ingress.url}/api/v1/embeddings`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}` },
    body: JSON.stringify({ model: 'waystation/auto', input: 'hi' }),
  });
  const { error } = (await response.json()) as { error: { message: string } };
  expect([response.status, error.message]).toEqual([
    400,
    'model: waystation/auto chooses models for conversations only; name a model for this job',
  ]);
  expect(plans()).toEqual([]);
});

it('openrouter/free chooses what costs nothing, and plans for no endpoint that does', async () => {
  await ask({ model: 'openrouter/free', ...say('hi') });
  expect(plans()[0]).toMatchObject({
    models: ['lab/free'],
    preferences: { maxPrice: { prompt: '0', completion: '0' } },
  });
  expect(decision()).toMatchObject({ router: 'openrouter/free' });
});

describe('openrouter/pareto-code', () => {
  const pareto = (settings: object = {}, more: object = {}) =>
    ask(
      {
        ...{ model: 'openrouter/pareto-code', ...say('hi'), ...more },
        plugins: [{ id: 'pareto-router', ...settings }],
      },
      { 'x-openrouter-metadata': 'enabled' },
    );

  it.each<[string, object, object, string[]]>([
    ['is the cheapest that is good enough, and what stands in for it', {}, {}, ['lab/deaf', 'lab/large', 'lab/huge']],
    ['takes the figure that is asked', { min_coding_score: 0.4 }, {}, ['lab/tiny', 'lab/deaf', 'lab/large']],
    ['takes what is exactly as good', { min_coding_score: 0.9 }, {}, ['lab/huge']],
    [
      'leaves out what cannot serve the request',
      { min_coding_score: 0 },
      { response_format: { type: 'json_object' } },
      ['lab/tiny', 'lab/large', 'lab/huge'],
    ],
    ['is the best under a price', { max_price: 5, min_coding_score: 1 }, {}, ['lab/large', 'lab/deaf', 'lab/tiny']],
    ['goes by another figure', {}, { model: 'waystation/pareto' }, ['lab/large']],
  ])('%s', async (_, settings, more, models) => {
    expect((await pareto(settings, more)).status).toBe(200);
    expect(plans()[0]).toMatchObject({ models, preferences: { sort: { by: 'price' } } });
    expect(ingress.bus.trailLines[0]?.warnings ?? []).toEqual([]);
  });

  it('compares by what the request is likely to cost, and holds every endpoint to the price', async () => {
    const { bus } = ingress;
    // Cheap to read and dear to write, between the two by the usual mix.
    const price = { perUnit: { input: '1', output: '30000000' } };
    bus.put('catalog', SNAPSHOT_KEYS.model('lab/terse'), {
      ...{ v: 1, version: 3, id: 'lab/terse', name: 'lab/terse', created: 1, context: 100_000, ...modalities },
      quality: { coding: 0.8 },
    });
    bus.put('catalog', SNAPSHOT_KEYS.endpoint('alpha/lab/terse'), {
      ...endpointOf('lab/terse', 'alpha', 1),
      ...{ version: 3, price },
    });
    bus.put('catalog', SNAPSHOT_KEYS.head, head(3, 7 + 2 * MODELS.length));
    const long = { messages: [{ role: 'user', content: 'long '.repeat(10_000) }], max_tokens: 10 };
    await pareto({ min_coding_score: 0.8 }, long);
    await pareto({ min_coding_score: 0.8 });
    await pareto({ max_price: 4 }, { provider: { max_price: { prompt: 9, completion: 9 } } });
    expect(plans().map(({ models }) => (models as string[])[0])).toEqual(['lab/terse', 'lab/large', 'lab/large']);
    expect(plans()[2]).toMatchObject({ preferences: { maxPrice: { prompt: '4000000', completion: '9000000' } } });
  });

  it('tells why, with the answer and with the decision', async () => {
    const { json } = await pareto({ min_coding_score: 0.75 });
    expect(json.openrouter_metadata).toMatchObject({
      ...{ strategy: 'pareto', params: { quality_floor: 0.75 }, data: { rule: 'cheapest with coding >= 0.75' } },
    });
    expect(ingress.bus.decisionLines).toMatchObject([
      { chosenBy: { router: 'openrouter/pareto-code', rule: 'cheapest with coding >= 0.75' } },
    ]);
  });

  it.each<[string, object, object, number, RegExp]>([
    [
      'more than there is',
      { min_coding_score: 0.95 },
      {},
      404,
      /about coding of 0.95 or more; of 6 models .* 4 have one, 0.9 at most/,
    ],
    ['a price that none has', { max_price: 0.01 }, {}, 404, /of 1 models that can serve the request 0 have one\.$/],
    [
      'a figure that is none',
      { min_coding_score: 66 },
      {},
      400,
      /min_coding_score: Expected a number from 0 to 1, received 66/,
    ],
    [
      'a figure of another',
      { min_general_score: 0.5 },
      {},
      400,
      /min_general_score: unknown; known are min_coding_score/,
    ],
    ['a price that is none', { max_price: '1' }, {}, 400, /max_price: Expected USD per million prompt tokens/],
    ['an average', { max_price: 1, price_source: 'weighted_avg' }, {}, 400, /price_source: Expected prompt/],
  ])('refuses %s, and nothing is planned', async (_, settings, more, status, message) => {
    const answer = await pareto(settings, more);
    expect([answer.status, answer.message]).toEqual([status, expect.stringMatching(message)]);
    expect(plans()).toEqual([]);
  });

  it('is refused where the operator gave no figure, with what to do', async () => {
    addModels(false);
    const { status, message } = await pareto();
    expect([status, message]).toEqual([
      400,
      expect.stringMatching(/this catalog has none about coding: the operator gives them, as quality: /),
    ]);
    expect(plans()).toEqual([]);
  });
});

describe('content filters of a guardrail', () => {
  const guard = (more: Partial<PolicyEntry>): void => {
    ingress.bus.put('policies', SNAPSHOT_KEYS.policy('g'), { v: 1, version: 2, id: 'g', ...more });
    ingress.bus.put('policies', SNAPSHOT_KEYS.head, head(2, 1));
    const key = keyEntryOf(inferenceKey, { version: 2, policyId: 'g' });
    ingress.bus.put('keys', SNAPSHOT_KEYS.key(hashOf(inferenceKey)), key);
  };
  const mail = (action: 'block' | 'redact') => ({ contentFilterBuiltins: [{ slug: 'email' as const, action }] });

  it('block a prompt before models are chosen for it', async () => {
    setRules([{ name: 'none', when: 'true', models: ['none/*'] }]);
    expect((await ask(say('Write to jane.doe@example.com'))).status).toBe(404);
    guard(mail('block'));
    expect((await ask(say('Write to jane.doe@example.com'))).status).toBe(403);
    expect(plans()).toEqual([]);
  });

  it('redact a prompt before it is looked at', async () => {
    setRules([
      { name: 'hidden', when: 'sensitive', models: ['lab/large'] },
      { name: 'rest', when: 'true', models: ['lab/tiny'] },
    ]);
    await ask(say('Write to jane.doe@example.com'));
    guard(mail('redact'));
    await ask(say('Write to jane.doe@example.com'));
    expect(plans().map(({ models }) => models)).toEqual([['lab/large'], ['lab/tiny']]);
  });
});

describe('the rules of a workspace', () => {
  const call = async (method: string, body?: unknown) => {
    const response = await fetch(`${ingress.url}/api/v1/task-rules`, {
      method,
      headers: { authorization: `Bearer ${managementKey}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = (await response.json()) as { data?: unknown; error?: { message: string } };
    expectDescribed(method, response, json);
    return { status: response.status, data: json.data, message: json.error?.message };
  };
  const rule = { name: 'night', when: 'hour >= 22', models: ['lab/tiny'] };
  let kept: TaskRule[] | null;
  beforeEach(() => {
    kept = null;
    ingress.bus.rpc.set('control.task-rules.get', () => ({ rules: kept }));
    ingress.bus.rpc.set('control.task-rules.put', ({ rules }: { rules: TaskRule[] | null }) => ({
      rules: (kept = rules),
    }));
  });

  it('are those of the station until they are set, and again when they are removed', async () => {
    expect((await call('GET')).data).toMatchObject({ is_default: true });
    expect((await call('PUT', { rules: [rule] })).data).toEqual({ is_default: false, rules: [rule] });
    expect((await call('GET')).data).toEqual({ is_default: false, rules: [rule] });
    expect((await call('DELETE')).data).toMatchObject({ is_default: true });
    expect(kept).toBeNull();
  });

  it.each<[string, unknown, RegExp]>([
    [
      'a condition that does not compile',
      { rules: [{ ...rule, when: 'hour >= ' }] },
      /^rules\[0\]\.when: Unexpected token: EOF \(rule "night", at character 9/,
    ],
    [
      'an unknown feature',
      { rules: [{ ...rule, when: 'moon == 1' }] },
      /^rules\[0\]\.when: Unknown variable: moon .*at character 1 /,
    ],
    ['a condition that is no truth', { rules: [{ ...rule, when: 'hour' }] }, /it is of type int/],
    ['a rule that chooses nothing', { rules: [{ name: 'a', when: 'true' }] }, /chooses nothing/],
    ['a member that there is not', { rules: [{ ...rule, model: 'x' }] }, /^rules\[0\]: Unrecognized key/],
    ['no rules', { rules: [] }, /^rules: /],
    ['too many', { rules: Array.from({ length: 33 }, (_, index) => ({ ...rule, name: `r-${index}` })) }, /^rules: /],
  ])('are refused with %s', async (_, body, message) => {
    const answer = await call('PUT', body);
    expect([answer.status, answer.message]).toEqual([400, expect.stringMatching(message)]);
    expect(kept).toBeNull();
  });
});
