// A provider whose price counts output only, and whose every answer has the same length: what a call costs is known, and what it may cost is set by its cap.
import { setTimeout as sleep } from 'node:timers/promises';
import { fakeUpstream, type FakeUpstream, type RunningSystem, type UpstreamScript } from '@waystation/testing';
import { ask, complete, type Answer } from './ask.ts';
import { until } from './wait.ts';

export const MODEL = 'priced/dime';
export const FREE_MODEL = 'priced/free';
/** What may cost more than a whole wallet. */
export const DEAR_MODEL = 'priced/dear';
export const DEAR_TOKEN_USD = 0.01;
const TRIES_MAX = 20;
const AGAIN_AFTER_MS = 250;
/** Of every answer. */
export const OUTPUT_TOKENS = 100;
export const PROMPT_TOKENS = 10;
/** $0.10: 100 tokens at $1000 a million. */
export const COST_USD = 0.1;

const endpoint = (model: string, output: string, maxOutput = 4_096): string =>
  `{ model: ${model}, upstreamModel: ${model.replace('/', '-')}, context: ${maxOutput + 128_000}, maxOutput: ${maxOutput}, price: { input: "0", output: "${output}" } }`;

/** What the lab does unless told otherwise. */
export const answerDime: UpstreamScript = (request, reply) => {
  const { model } = request.json() as { model: string };
  const usage = {
    prompt_tokens: PROMPT_TOKENS,
    completion_tokens: OUTPUT_TOKENS,
    total_tokens: PROMPT_TOKENS + OUTPUT_TOKENS,
  };
  const choices = [{ index: 0, message: { role: 'assistant', content: 'a dime' }, finish_reason: 'stop' }];
  reply.json(200, { id: 'dime-1', object: 'chat.completion', created: 1, model, choices, usage });
};

export const startPriced = async (): Promise<{ lab: FakeUpstream; config: string }> => {
  const lab = await fakeUpstream(answerDime);
  const config = `
providers:
  - slug: priced
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${lab.port}/v1
    dataPolicy: { retains: false, trains: false, region: local }
    maxConnections: 2048
    endpoints: [${endpoint(MODEL, '1000')}, ${endpoint(FREE_MODEL, '0')}, ${endpoint(DEAR_MODEL, String(DEAR_TOKEN_USD * 1e6), 4_000_000)}]
`;
  return { lab, config };
};

/** One call, with a hold of `times` its cost, through any ingress. On a busy machine a worker may be slow to accept: who is told to come again for that comes again. */
export const dime = async (
  system: RunningSystem,
  ordinal: number,
  options: {
    readonly key: string;
    readonly times?: number;
    readonly model?: string;
    readonly user?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Answer> => {
  const { ingressUrls } = system;
  const { key, times = 1, model = MODEL, user, headers = {} } = options;
  const messages = [{ role: 'user', content: 'a dime, please' }];
  const body = { model, messages, max_tokens: OUTPUT_TOKENS * times, ...(user === undefined ? {} : { user }) };
  const url = ingressUrls[ordinal % ingressUrls.length] ?? system.url;
  for (let tries = 1; ; tries += 1) {
    const answer = await complete(system, body, { key, headers, url });
    if (answer.status !== 503 || tries === TRIES_MAX) return answer;
    await sleep(AGAIN_AFTER_MS);
  }
};

/** Makes a key, and waits until every ingress knows it. */
export const newKey = async (
  system: RunningSystem,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ key: string; hash: string }> => {
  const { status, json } = await ask(
    system,
    'POST',
    '/api/v1/keys',
    { name: 'budget', ...settings },
    { key: system.managementKey },
  );
  if (status !== 201) throw new Error(`no key was made: ${JSON.stringify(json)}`);
  const key = json.key as string;
  for (const url of system.ingressUrls) {
    await until(`${url} knows the key`, 10_000, async () =>
      (await ask(system, 'GET', '/api/v1/key', undefined, { key, url })).status === 200 ? true : undefined,
    );
  }
  return { key, hash: json.data.hash as string };
};

/** What billing has booked to a key, in picodollars and exact: the API writes money in full. */
export const usageOf = async (system: RunningSystem, key: string): Promise<number> =>
  (await ask(system, 'GET', '/api/v1/key', undefined, { key })).json.data.usage as number;

/** Until a key, at every ingress, meets a limit or a budget that is told so, or meets none. */
export const untilMet = async (
  system: RunningSystem,
  key: string,
  limit: Readonly<Record<string, unknown>>,
  isMet = true,
): Promise<void> => {
  const isIt = (each: Record<string, unknown>): boolean =>
    Object.entries(limit).every(([name, value]) => each[name] === value);
  for (const url of system.ingressUrls) {
    await until(`${url} lives by it: ${JSON.stringify(limit)}`, 10_000, async () => {
      const { json } = await ask(system, 'GET', '/api/v1/key', undefined, { key, url });
      const limits = json?.data?.limits as Record<string, unknown>[] | undefined;
      return limits?.some(isIt) === isMet ? true : undefined;
    });
  }
};

/** What a management key asks for, and gets. */
export const manage = async (
  system: RunningSystem,
  method: string,
  path: string,
  body?: unknown,
): Promise<Readonly<Record<string, unknown>>> => {
  const answer = await ask(system, method, `/api/v1${path}`, body, { key: system.managementKey });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
  return (answer.json.data ?? answer.json) as Readonly<Record<string, unknown>>;
};

let members = 0;
/** A new member of the workspace, by id. */
export const newMember = async (system: RunningSystem): Promise<string> => {
  const email = `member-${(members += 1)}-${Date.now()}@example.com`;
  return String((await manage(system, 'POST', '/workspaces/default/members', { email }))['id']);
};

/** A new guardrail, by id. */
export const newGuardrail = async (
  system: RunningSystem,
  settings: Readonly<Record<string, unknown>>,
): Promise<string> => String((await manage(system, 'POST', '/guardrails', { name: 'test', ...settings }))['id']);

/** Sets a limit of the workspace, and waits until every ingress lives by it, as one of its keys sees; answers how to take it away again. */
export const setLimit = async (
  system: RunningSystem,
  limit: Readonly<Record<string, unknown>>,
  key: string,
): Promise<() => Promise<void>> => {
  const at = '/api/v1/workspaces/default/limits';
  const options = { key: system.managementKey };
  const { status, text } = await ask(system, 'PUT', at, limit, options);
  if (status !== 200) throw new Error(`no limit was set: ${text}`);
  await untilMet(system, key, limit);
  return async () => {
    const named = Object.entries(limit).filter(([name]) => name !== 'limit' && name !== 'include_byok');
    const query = new URLSearchParams(Object.fromEntries(named.map(([name, value]) => [name, String(value)])));
    const removed = await ask(system, 'DELETE', `${at}?${query.toString()}`, undefined, options);
    if (removed.status !== 200) throw new Error(`the limit was not removed: ${removed.text}`);
  };
};
