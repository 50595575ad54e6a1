// Why a call was routed as it was, asked for and read; and what would have been chosen without a provider, at other prices, or by another policy: by route and by command.
import { execFile } from 'node:child_process';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fakeUpstream, type FakeUpstream } from '@waystation/testing';
import { ask, complete, say } from './support/ask.ts';
import { story } from './support/story.ts';
import { useSystem } from './support/use-system.ts';
import { until } from './support/wait.ts';

const MODEL = 'twice/small';
/** Fewer than any prompt here is taken to have at most: what is told is charged. */
const PROMPT_TOKENS = 10;
const OUTPUT_TOKENS = 5;
/** At $1 and $2 a million, and at $3 and $5. */
const CHEAP_USD = (PROMPT_TOKENS * 1 + OUTPUT_TOKENS * 2) / 1e6;
const DEAR_USD = (PROMPT_TOKENS * 3 + OUTPUT_TOKENS * 5) / 1e6;
const WITHIN_MS = 20_000;

let lab: FakeUpstream;
const system = useSystem(async () => {
  lab = await fakeUpstream((_request, reply) => {
    const usage = {
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: OUTPUT_TOKENS,
      total_tokens: PROMPT_TOKENS + OUTPUT_TOKENS,
    };
    const choices = [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }];
    reply.json(200, { id: 'twice-1', object: 'chat.completion', created: 1, model: 'small', choices, usage });
  });
  const provider = (slug: string, input: string, output: string): string => `
  - slug: ${slug}
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${lab.port}/v1
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [{ model: ${MODEL}, upstreamModel: small, context: 8000, maxOutput: 600, price: { input: "${input}", output: "${output}" } }]`;
  return { config: `\nproviders:${provider('cheap', '1', '2')}${provider('dear', '3', '5')}\n`, timeScale: 0.5 };
});
afterAll(() => lab.close());

const EXPLAIN = { 'x-waystation-explain': 'true' };
const SECRET = 'nothing of this is kept';

/** The decision of one call that went to the cheap one. */
const routed = async (provider: object = { sort: 'price' }, headers: Record<string, string> = EXPLAIN) => {
  const { status, headers: told } = await complete(system(), { ...say(SECRET, MODEL), provider }, { headers });
  const id = told.get('x-generation-id') ?? '';
  const decision = await until('the decision is kept', WITHIN_MS, async () => {
    const answer = await ask(system(), 'GET', `/api/v1/generation/decision?id=${id}`);
    return answer.status === 200 ? answer : undefined;
  });
  return { id, status, text: decision.text, decision: decision.json.data };
};
const window = (): { from: string; to: string } => ({
  from: new Date(Date.now() - 600_000).toISOString(),
  to: new Date(Date.now() + 60_000).toISOString(),
});
/** What a change would have come to for one generation. */
const replayed = async (id: string, change: object) => {
  const { managementKey: key } = system();
  const { status, json } = await ask(system(), 'POST', '/api/v1/decisions/replay', { ...window(), ...change }, { key });
  expect(status).toBe(200);
  return (json.data.rows as { generation_id: string; [member: string]: unknown }[]).find(
    (row) => row.generation_id === id,
  );
};

describe('a client that wants to know why', () => {
  story('reads every endpoint with its place or its rule, and nothing of what it said', system, async () => {
    const { id, status, text, decision } = await routed({ sort: 'price', ignore: ['dear'] });
    expect(status).toBe(200);
    expect(decision).toMatchObject({
      ...{ generation_id: id, kept_because: 'asked', strategy: 'price', replayable: true, error: null },
      endpoints: [
        { provider: 'cheap', place: 1, selected: true, outcome: 'completed', rule: null, health: 'stable' },
        { provider: 'dear', place: null, selected: false, rule: 'ignored' },
      ],
    });
    expect(decision.endpoints[1].why).toBe('The request or a guardrail ignores the provider.');
    expect(decision.cost).toBeCloseTo(CHEAP_USD, 12);
    expect(text).not.toContain(SECRET);
    const generation = await ask(system(), 'GET', `/api/v1/generation?id=${id}`);
    expect(generation.json.data.decision_path).toBe(`/api/v1/generation/decision?id=${id}`);
    expect((await ask(system(), 'GET', generation.json.data.decision_path)).json.data).toEqual(decision);
  });

  story('is told why nobody was left, although such a call has no record', system, async () => {
    const { status, decision } = await routed({ only: ['nobody'] }, { 'x-openrouter-metadata': 'enabled' });
    expect(status).toBe(404);
    expect(decision.error).toBe('no_endpoints');
    expect(decision.endpoints.map(({ rule }: { rule: string }) => rule)).toEqual(['not_in_only', 'not_in_only']);
  });
});

describe('whoever thinks of a change', () => {
  story(
    'sees that nothing would have moved without one, and what would have with one, to the picodollar',
    system,
    async () => {
      const { id } = await routed();
      expect(await replayed(id, {})).toMatchObject({ result: 'same', difference: 0 });
      expect(await replayed(id, { against: 'present' })).toMatchObject({ result: 'same', difference: 0 });
      const without = await replayed(id, { exclude_providers: ['cheap'] });
      expect(without).toMatchObject({
        ...{ result: 'moved', before: { provider: 'cheap' }, after: { provider: 'dear' } },
        because: 'The request or a guardrail ignores the provider.',
      });
      expect(without?.['difference']).toBeCloseTo(DEAR_USD - CHEAP_USD, 12);
      const endpointId = (without?.['after'] as { endpoint_id: string }).endpoint_id;
      const cheaper = await replayed(id, { prices: { [endpointId]: { input: '0.5', output: '0.5' } } });
      expect(cheaper).toMatchObject({ result: 'moved', after: { provider: 'dear' } });
      expect(cheaper?.['cost_after']).toBeCloseTo(((PROMPT_TOKENS + OUTPUT_TOKENS) * 0.5) / 1e6, 12);
      expect(await replayed(id, { policy: { allowed_providers: ['nobody'] } })).toMatchObject({ result: 'refused' });
    },
  );

  story('asks by command, and gets a table', system, async () => {
    const { id } = await routed();
    const folder = await mkdtemp(path.join(tmpdir(), 'replay-'));
    try {
      const policy = path.join(folder, 'policy.json');
      await writeFile(policy, '{"allowed_providers": ["dear"]}');
      const { from, to } = window();
      const run = async (...more: string[]): Promise<string> => {
        const args = ['tools/replay/main.ts', '--data-dir', system().dataDir, '--from', from, '--to', to, ...more];
        return (await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', ...args])).stdout;
      };
      expect(await run('--policy', policy)).toMatch(
        new RegExp(`${id}  moved +${MODEL}.*cheap +${MODEL}.*dear +\\+0\\.000035`),
      );
      const csv = await run('--exclude-provider', 'cheap', '--csv');
      expect(csv.split('\r\n').find((line) => line.startsWith(id))).toContain(',20000000,55000000,35000000,');
      const rows = (await run('--json'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { result: string });
      expect(new Set(rows.map(({ result }) => result))).toEqual(new Set(['same']));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
