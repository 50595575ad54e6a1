// One model at two providers, one of which fails or says nothing: a conversation stays where it was served, and of two that are asked at once one is paid for.
import { fakeUpstream, type FakeUpstream, type UpstreamScript } from '@waystation/testing';
import { ask, stream, type StreamEnd } from './support/ask.ts';
import { metric } from './support/metrics.ts';
import { story } from './support/story.ts';
import { useSystem } from './support/use-system.ts';
import { until } from './support/wait.ts';
import { ledger } from './users/books.ts';

const PROVIDERS = ['left', 'right'] as const;
type Provider = (typeof PROVIDERS)[number];
const otherOf = (provider: Provider): Provider => (provider === 'left' ? 'right' : 'left');
/** 10 tokens at $1 and 5 at $2 for a million. */
const COST_USD = 0.00002;
const HEDGE_MS = 50;

type Mood = 'well' | 'failing' | 'silent';
const moods: Record<Provider, Mood> = { left: 'well', right: 'well' };
const labs: Partial<Record<Provider, FakeUpstream>> = {};

const chunkOf = (delta: object, more: object = {}): object => ({
  ...{ id: 'lab-1', object: 'chat.completion.chunk', created: 1, model: 'small' },
  choices: [{ index: 0, delta, finish_reason: null }],
  ...more,
});
const scriptOf =
  (provider: Provider): UpstreamScript =>
  async (request, reply) => {
    if (moods[provider] === 'failing') return reply.json(503, { error: { message: 'overloaded' } });
    if (moods[provider] === 'silent') return request.over;
    await reply.sse([
      chunkOf({ role: 'assistant', content: provider }),
      chunkOf({}, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
      chunkOf({}, { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } }),
      '[DONE]',
    ]);
  };

const system = useSystem(async () => {
  const providers: string[] = [];
  for (const provider of PROVIDERS) {
    const lab = await fakeUpstream(scriptOf(provider));
    labs[provider] = lab;
    providers.push(`
  - slug: ${provider}
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${lab.port}/v1
    billsAfterCancel: false
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [{ model: twin/small, upstreamModel: small, context: 4000, maxOutput: 500, price: { input: "1.00", output: "2.00" } }]
`);
  }
  return {
    config: `\nproviders:${providers.join('')}`,
    timeScale: 0.5,
    env: { WAYSTATION_HEDGE_MS_MIN: String(HEDGE_MS) },
  };
});
afterAll(async () => {
  for (const lab of Object.values(labs)) await lab.close();
});
beforeEach(() => {
  for (const provider of PROVIDERS) moods[provider] = 'well';
});

const talk = (conversation: string, headers: Record<string, string> = {}): Promise<StreamEnd> =>
  stream(
    system(),
    { model: 'twin/small', stream: true, session_id: conversation, messages: [{ role: 'user', content: 'Who?' }] },
    { headers },
  );
const servedBy = async (conversation: string, headers?: Record<string, string>): Promise<Provider> => {
  const { content, done, error } = await talk(conversation, headers);
  expect([done, error]).toEqual([true, undefined]);
  const provider = PROVIDERS.find((each) => each === content);
  if (provider === undefined) throw new Error(`served by neither: ${content}`);
  return provider;
};
const callsOf = (provider: Provider): number => labs[provider]?.requests.length ?? 0;

describe('a conversation', () => {
  story('stays where it was served after a fallback, and goes home when that fails', system, async (random) => {
    const conversation = `talk-${random.whole(0, 1e9)}`;
    const home = await servedBy(conversation);
    const other = otherOf(home);
    // One failure among these is no outage: but for what is remembered it would go home again at once.
    for (let turn = 0; turn < 6; turn += 1) expect(await servedBy(conversation)).toBe(home);
    moods[home] = 'failing';
    expect(await servedBy(conversation)).toBe(other);
    moods[home] = 'well';
    const before = callsOf(home);
    await until('it stays', 5_000, async () => ((await servedBy(conversation)) === other ? true : undefined));
    for (let turn = 0; turn < 6; turn += 1) expect(await servedBy(conversation)).toBe(other);
    expect(callsOf(home) - before).toBeLessThanOrEqual(1);
    moods[other] = 'failing';
    expect(await servedBy(conversation)).toBe(home);
    moods[other] = 'well';
    await until('it is home', 5_000, async () => ((await servedBy(conversation)) === home ? true : undefined));
    for (let turn = 0; turn < 3; turn += 1) expect(await servedBy(conversation)).toBe(home);
  });
});

describe('a client that does not want to wait', () => {
  const hedge = { 'x-waystation-hedge': String(HEDGE_MS) };
  const hedges = (): Promise<number> =>
    metric(system(), system().processOf('ingress'), 'waystation_ingress_hedges_total');

  story(
    'is served by the second endpoint where the first is silent, and pays for that one alone',
    system,
    async (random) => {
      const conversation = `hedge-${random.whole(0, 1e9)}`;
      const home = await servedBy(conversation);
      moods[home] = 'silent';
      const hedged = await hedges();
      const answer = await talk(conversation, hedge);
      expect([answer.content, answer.done]).toEqual([otherOf(home), true]);
      expect(answer.usage?.['cost']).toBeCloseTo(COST_USD, 12);
      // The provider that lost was hung up on.
      await labs[home]?.requests.at(-1)?.over;
      expect(labs[home]?.requests.at(-1)?.abandoned).toBe(true);
      expect((await hedges()) - hedged).toBe(1);
      const record = await until('it is booked', 20_000, async () => {
        const { status, json } = await ask(system(), 'GET', `/api/v1/generation?id=${answer.generationId}`);
        return status === 200 && json.data.settled === true && json.data.provider_name !== null ? json.data : undefined;
      });
      expect(record.total_cost).toBeCloseTo(COST_USD, 12);
      expect(record.provider_name.toLowerCase()).toBe(otherOf(home));
      const charges = new Map<string, object>(
        record.charges.map((charge: { provider: string }) => [charge.provider, charge]),
      );
      expect(charges.get(otherOf(home))).toMatchObject({ policy: { row: 'completed' }, paid: { credits: '0.00002' } });
      expect(charges.get(home)).toMatchObject({ policy: { row: 'cancelled-before-output' }, paid: { credits: '0' } });
    },
  );

  story('is served by the first where that answers, and nobody else is asked', system, async (random) => {
    const conversation = `quick-${random.whole(0, 1e9)}`;
    const home = await servedBy(conversation);
    const before = [callsOf(otherOf(home)), await hedges()];
    expect(await servedBy(conversation, { 'x-waystation-hedge': '30000' })).toBe(home);
    expect([callsOf(otherOf(home)), await hedges()]).toEqual(before);
  });

  story('waits where it does not ask for it', system, async (random) => {
    const conversation = `patient-${random.whole(0, 1e9)}`;
    const home = await servedBy(conversation);
    const before = callsOf(otherOf(home));
    moods[home] = 'silent';
    const leaving = new AbortController();
    const asked = labs[home]?.requests.length ?? 0;
    const answer = stream(
      system(),
      { model: 'twin/small', stream: true, session_id: conversation, messages: [{ role: 'user', content: 'Who?' }] },
      { signal: leaving.signal },
    );
    await until('it is asked', 10_000, () => ((labs[home]?.requests.length ?? 0) > asked ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, HEDGE_MS * 6));
    expect(callsOf(otherOf(home))).toBe(before);
    leaving.abort();
    await answer;
  });

  story('leaves books that hold', system, async () => {
    expect(await ledger(system(), 'verify')).toMatchObject({ code: 0 });
  });
});
