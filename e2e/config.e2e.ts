// A station's settings as a file, against the running system, as an operator runs it: what is there is exported and plans to nothing; a file is refused with its line; it is applied,
// holds, and is applied again without effect; what somebody changed by hand is told; what the file does not name goes with --prune alone.
import { fakeUpstream, type FakeUpstream } from '@waystation/testing';
import { jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ask, complete, say } from './support/ask.ts';
import { useSystem } from './support/use-system.ts';
import { until } from './support/wait.ts';

let lab: FakeUpstream;
let folder: string;
const system = useSystem(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'waystation-test-config-'));
  lab = await fakeUpstream((request, reply) => {
    const { stream } = request.json() as { readonly stream?: boolean };
    const head = { id: 'lab-1', created: 1, model: 's' };
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const choice = { index: 0, finish_reason: 'stop' };
    const said = { role: 'assistant', content: 'ok' };
    if (stream !== true)
      return reply.json(200, { ...head, object: 'chat.completion', choices: [{ ...choice, message: said }], usage });
    const chunk = { ...head, object: 'chat.completion.chunk' };
    return reply.sse([{ ...chunk, choices: [{ ...choice, delta: said }] }, { ...chunk, choices: [], usage }, '[DONE]']);
  });
  return { env: { WAYSTATION_PRIVATE_HOSTS: '127.0.0.1' } };
});
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

// Each run of the tool is a process of its own, on a machine that does other things.
jest.setTimeout(180_000);

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const at = (name: string): string => path.join(folder, name);
const config = (...args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = {
      ...process.env,
      WAYSTATION_URL: system().url,
      WAYSTATION_MANAGEMENT_KEY: system().managementKey,
      LAB_KEY: 'sk-canary',
    };
    execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', 'tools/config/main.ts', ...args],
      { env },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(at(name), text);
  return at(name);
};
const manage = (method: string, place: string, body?: unknown) =>
  ask(system(), method, `/api/v1/${place}`, body, { key: system().managementKey });

const STATION = (port: number): string => `surcharges: { markup_percent: 2.5 }
private_providers:
  - slug: lab
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${port}/v1
    apiKey: \${LAB_KEY}
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints:
      - { model: lab/small, upstreamModel: s, context: 8000, maxOutput: 100, price: { input: "0.15", output: 0.60 } }
keys:
  - { name: nightly, limit: 5, limit_reset: monthly }
  - { name: parked, disabled: true }
limits:
  - { scope: workspace, metric: usd, window: month, limit: 500 }
  - { scope: workspace, metric: usd, window: day, limit: 50.25 }
  - { scope: tag, scope_id: nightly, metric: requests, window: minute, limit: 20 }
guardrails:
  - { name: default, ignored_models: [sandbox/forbidden] }
  - name: careful
    limit_usd: 10
    reset_interval: weekly
    enforce_zdr: true
    content_filters: [{ pattern: "secret-[0-9]+", action: block }]
    content_filter_builtins: [{ slug: email, action: redact }]
    keys: [nightly]
presets:
  - slug: support
    description: For the desk
    system: You answer for the support.
    settings: { model: lab/small, temperature: 0.2 }
task_rules:
  - { name: night, when: "hour >= 22", tier: low }
  - { name: rest, when: "true", tier: medium }
`;

test('what is there is exported, and plans to nothing', async () => {
  const exported = await config('export', '--file', at('found.yaml'));
  expect(exported).toMatchObject({ code: 0, err: '' });
  expect(await config('plan', '--prune', '--file', at('found.yaml'))).toEqual({
    code: 0,
    out: 'The station is as the file says.\n',
    err: '',
  });
});

test('a file with faults is refused whole, each with its line, and changes nothing', async () => {
  const wrong = await file(
    'wrong.yaml',
    `keys:
  - { name: a, limit: -1 }
limits:
  - { scope: tag, metric: usd, window: fortnight, limit: 1 }
guardrails:
  - name: g
    content_filters:
      - { pattern: "(", action: block }
presets:
  - { slug: p, settings: { temprature: 1 } }
task_rules:
  - { name: r, when: "hour >= ", tier: low }
private_providers:
  - { slug: lab, dialect: smoke, apiKey: sk-clear }
`,
  );
  const outcome = await config('apply', '--file', wrong, '--keys-file', at('none'));
  expect(outcome).toMatchObject({ code: 2, out: '' });
  const lines = outcome.err.replaceAll(`${wrong}:`, '').split('\n');
  expect(lines.filter((line) => line !== '').map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
    expect.stringMatching(/^14:\d+ private_providers\[0\]\.apiKey$/),
    expect.stringMatching(/^14:\d+ private_providers\[0\]\.dialect$/),
    expect.stringMatching(/^14:\d+ private_providers\[0\]\.baseUrl$/),
    expect.stringMatching(/^14:\d+ private_providers\[0\]\.endpoints$/),
    expect.stringMatching(/^2:\d+ keys\[0\]\.limit$/),
    expect.stringMatching(/^4:\d+ limits\[0\]\.window$/),
    expect.stringMatching(/^8:\d+ guardrails\[0\]\.content_filters\[0\]\.pattern$/),
    expect.stringMatching(/^10:\d+ presets\[0\]\.settings\.temprature$/),
    expect.stringMatching(/^12:\d+ task_rules\[0\]\.when$/),
  ]);
  expect(outcome.err).not.toContain('sk-clear');
  expect((await config('plan', '--prune', '--file', at('found.yaml'))).out).toBe('The station is as the file says.\n');
});

test('a file is applied, holds, and is applied again without effect', async () => {
  const station = await file('station.yaml', STATION(lab.port));
  const refused = await config('apply', '--file', station);
  expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/--keys-file/)]);
  const applied = await config('apply', '--file', station, '--keys-file', at('keys.jsonl'));
  expect(applied).toMatchObject({ code: 0, err: '' });
  expect(applied.out).toContain('+ private_providers  lab\n');
  expect(applied.out).not.toContain('canary');

  expect((await stat(at('keys.jsonl'))).mode & 0o777).toBe(0o600);
  const [first = '{}'] = (await readFile(at('keys.jsonl'), 'utf8')).split('\n');
  const { name, key } = JSON.parse(first) as { readonly name: string; readonly key: string };
  expect(name).toBe('nightly');
  await until('the file’s key reaches the file’s provider through the file’s preset', 20_000, async () => {
    const { status, json } = await complete(system(), { ...say('hi'), model: '@preset/support' }, { key });
    return status === 200 && json.model === 'lab/small' ? true : undefined;
  });
  const guarded = await complete(system(), { ...say('it is secret-1'), model: 'lab/small' }, { key });
  expect(guarded.status).toBe(403);
  expect((await manage('GET', 'workspaces/default/surcharges')).json.data.markup_percent).toBe(2.5);

  const again = await config(
    'apply',
    '--prune',
    '--file',
    await file('again.yaml', (await config('export')).out),
    '--keys-file',
    at('none'),
  );
  expect(again).toEqual({ code: 0, out: 'The station is as the file says; nothing was done.\n', err: '' });
  expect((await config('apply', '--file', station)).out).toMatch(
    /^The station is as the file says; nothing was done\.\n/,
  );
});

test('what was changed by hand is told, set right, and what the file does not name goes with --prune alone', async () => {
  const station = at('station.yaml');
  expect(
    (
      await manage('PUT', 'workspaces/default/limits', {
        scope: 'workspace',
        metric: 'usd',
        window: 'month',
        limit: 7_000,
      })
    ).status,
  ).toBe(200);
  expect((await manage('POST', 'keys', { name: 'by hand' })).status).toBe(201);
  const drift = await config('diff', '--file', station);
  expect(drift.code).toBe(1);
  expect(drift.out).toContain('~ limits  workspace usd month\n    limit: 7000 → 500\n');
  expect(drift.out).toContain('? keys  by hand: is there, and the file does not name it\n');

  const kept = await config('apply', '--file', station);
  expect(kept.out).toContain('1 changes made.\n? keys');
  const pruned = await config('apply', '--prune', '--file', station);
  expect(pruned).toMatchObject({ code: 0, err: '' });
  expect(pruned.out).toContain('- keys  by hand\n');
  expect(await config('diff', '--file', station)).toEqual({
    code: 0,
    out: 'The station is as the file says.\n',
    err: '',
  });
  expect((await manage('GET', 'key')).status).toBe(200);
});

test('budgets that lean on each other change places in one go', async () => {
  const budgets = (day: number, month: number): string =>
    `limits:\n  - { scope: workspace, metric: usd, window: day, limit: ${day} }\n  - { scope: workspace, metric: usd, window: month, limit: ${month} }\n`;
  expect(await config('apply', '--file', await file('up.yaml', budgets(900, 1_000)))).toMatchObject({
    code: 0,
    err: '',
  });
  expect(await config('apply', '--file', await file('down.yaml', budgets(8, 9)))).toMatchObject({ code: 0, err: '' });
  expect((await config('plan', '--file', at('down.yaml'))).out).not.toContain('~');
});
