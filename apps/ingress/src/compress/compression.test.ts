// Compression over real HTTP with a scripted router and worker: what is planned, held and sent is the shorter prompt, and all are told; what cannot be short enough is refused.
import { completion, inferenceKey, planned, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(() => ingress.close());
beforeEach(() => {
  const { bus } = ingress;
  for (const told of [bus.trailLines, bus.streams, bus.asked as unknown[], bus.factLines]) told.length = 0;
  bus.sendSignal('alive', {
    ...{ v: 1, instance: 'worker-test0001', services: ['worker'], release: 'test', sentAt: 0 },
  });
  bus.worker = serving([completion('ok')]);
  withContext(4_000);
});

const withContext = (context: number, changes: object = {}): void =>
  void ingress.bus.rpc.set('route.plan', () => ({
    attempts: [planned('alpha', { context, ...changes })],
    excluded: [],
    snapshotRevision: 1,
    strategy: 'price',
  }));

const post = async (
  body: object,
  path = 'chat/completions',
): Promise<{ status: number; told: Record<string, unknown> }> => {
  const response = await fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'x-openrouter-metadata': 'enabled', 'x-session-id': 's' },
    body: JSON.stringify(body),
  });
  return { status: response.status, told: (await response.json()) as Record<string, unknown> };
};
const talk = (turns: number, characters = 900) =>
  Array.from({ length: turns }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `${index} ${'w'.repeat(characters)}`,
  }));
const plans = () => ingress.bus.asked.filter(({ name }) => name === 'route.plan').map(({ request }) => request);
const sent = (): { content: string }[] =>
  (JSON.parse(ingress.bus.streams[0]?.body ?? '{}') as { messages: { content: string }[] }).messages;

it('a prompt that is longer than the context of the plan is shortened, planned again, held and sent', async () => {
  const messages = talk(21);
  const { status, told } = await post({ model: 'lab/small', messages, max_tokens: 500 });
  expect(status).toBe(200);
  expect(sent()[0]).toEqual(messages[0]);
  expect(sent().at(-1)).toEqual(messages.at(-1));
  expect(sent().length).toBeLessThan(21);

  const [first, second] = plans() as {
    features: { inputTokensEstimate: number; conversation: string; compression?: string };
  }[];
  expect(first?.features.compression).toBe('small-endpoints');
  expect(second?.features.compression).toBeUndefined();
  expect(second?.features.conversation).toBe(first?.features.conversation);
  expect(second?.features.inputTokensEstimate).toBeLessThanOrEqual((4_000 - 500) * 0.8);
  expect(ingress.bus.streams[0]?.request).toMatchObject({
    inputTokensEstimate: second?.features.inputTokensEstimate,
    identity: { sessionId: 's' },
  });
  expect(ingress.bus.trailLines[0]).toMatchObject({ warnings: [{ code: 'other', field: 'messages' }] });
  expect(told['openrouter_metadata']).toMatchObject({
    pipeline: [
      {
        ...{ type: 'context_compression', name: 'context-compression' },
        data: { messagesBefore: 21, messagesAfter: sent().length },
      },
    ],
  });
});

it.each<[string, object]>([
  ['that fits is sent as it came', { messages: talk(3) }],
  [
    'is sent as it came where compression is off',
    { messages: talk(21), plugins: [{ id: 'context-compression', enabled: false }] },
  ],
  ['is sent as it came where the older word switches it off', { messages: talk(21), transforms: [] }],
])('a prompt %s', async (_, changes) => {
  const body = { model: 'lab/small', ...changes };
  expect((await post(body)).status).toBe(200);
  expect(ingress.bus.streams[0]?.body).toBe(JSON.stringify(body));
  expect(plans()).toHaveLength(1);
});

it('who asks for it has room made for the answer, too', async () => {
  const body = { model: 'lab/small', messages: talk(13), max_tokens: 2_000 };
  await post(body);
  expect(sent()).toHaveLength(13);
  ingress.bus.streams.length = 0;
  await post({ ...body, transforms: ['middle-out'] });
  expect(sent().length).toBeLessThan(13);
});

it('more messages than an endpoint takes are left out of the middle, where the client asks for it', async () => {
  withContext(100_000, { dialect: 'anthropic-messages' });
  await post({ model: 'lab/small', messages: talk(1_401, 3), plugins: [{ id: 'context-compression' }] });
  expect(sent()).toHaveLength(1_000);
});

it('what cannot be short enough is refused by name, and nothing is dispatched or charged', async () => {
  const messages = [{ role: 'system', content: 'w'.repeat(20_000) }, ...talk(2)];
  const { status, told } = await post({ model: 'lab/small', messages });
  expect([status, told]).toMatchObject([400, { error: { metadata: { error_type: 'context_length_exceeded' } } }]);
  expect(ingress.bus.streams).toEqual([]);
  expect(ingress.bus.factLines).toEqual([]);
});
