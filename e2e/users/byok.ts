// A customer's own key at a provider: the provider sees exactly that key, the wallet sees nothing of it but the fee, and it is exchanged and forgotten without a restart.
import { fakeUpstream, type FakeUpstream, type RunningSystem } from '@waystation/testing';
import { ask, complete, say, stream, type Answer } from '../support/ask.ts';
import { baseline, creditsUsed } from '../support/audit.ts';
import { manage, newKey } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { until } from '../support/wait.ts';
import { ledger } from './books.ts';

const MODEL = 'keyed/usual';
/** A cent a token, and millions of them: more than the whole wallet. */
const DEAR = 'keyed/dear';
const DEAR_TOKEN_USD = 0.01;
const DEAR_TOKENS = 4_000_000;
const STATION = 'sk-station-0123456789';
const PROMPT_TOKENS = 10;
const COMPLETION_TOKENS = 5;
/** At $1 and $2 a million. */
const COST_USD = (PROMPT_TOKENS * 1 + COMPLETION_TOKENS * 2) / 1e6;
const WITHIN_MS = 20_000;

/** A provider that says with which key it was asked, and accepts none that is called revoked. Its lines go into the list of providers. */
export const startKeyed = async (): Promise<{ keyed: FakeUpstream; lines: string }> => {
  const keyed = await fakeUpstream((request, reply) => {
    const authorization = String(request.headers.authorization);
    if (authorization.includes('revoked'))
      return void reply.json(401, { error: { message: `no such key: ${authorization}`, code: 'invalid_api_key' } });
    const { model, stream: isStream } = request.json() as { model: string; stream?: boolean };
    const usage = {
      prompt_tokens: PROMPT_TOKENS,
      completion_tokens: COMPLETION_TOKENS,
      total_tokens: PROMPT_TOKENS + COMPLETION_TOKENS,
    };
    const head = { id: 'keyed-1', created: 1, model };
    if (isStream !== true)
      return void reply.json(200, {
        ...{ ...head, object: 'chat.completion', usage },
        choices: [{ index: 0, message: { role: 'assistant', content: authorization }, finish_reason: 'stop' }],
      });
    const chunk = (delta: object, finish: string | null) => ({
      ...{ ...head, object: 'chat.completion.chunk' },
      choices: [{ index: 0, delta, finish_reason: finish }],
    });
    reply.sse([
      chunk({ role: 'assistant', content: authorization }, null),
      chunk({}, 'stop'),
      { ...head, object: 'chat.completion.chunk', choices: [], usage },
      '[DONE]',
    ]);
  });
  const endpoint = (model: string, input: string, output: string, maxOutput = 4_096): string =>
    `{ model: ${model}, upstreamModel: ${model.replace('/', '-')}, context: ${maxOutput + 128_000}, maxOutput: ${maxOutput}, price: { input: "${input}", output: "${output}" } }`;
  const lines = `  - slug: keyed
    dialect: openai-chat
    baseUrl: http://127.0.0.1:${keyed.port}/v1
    apiKey: ${STATION}
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [${endpoint(MODEL, '1', '2')}, ${endpoint(DEAR, '0', String(DEAR_TOKEN_USD * 1e6), DEAR_TOKENS)}]
`;
  return { keyed, lines };
};

export const byok = (system: () => RunningSystem): void => {
  describe("a customer's own key", () => {
    const call = (model = MODEL, options: { key?: string; more?: object } = {}): Promise<Answer> =>
      complete(
        system(),
        { ...say('with which key?', model), ...options.more },
        options.key === undefined ? {} : { key: options.key },
      );
    const saidKey = ({ json }: Answer): unknown => json?.choices?.[0]?.message?.content;
    const keep = async (key: string, settings: object = {}): Promise<string> =>
      String((await manage(system(), 'POST', '/byok', { provider: 'keyed', key, ...settings }))['id']);
    const change = (id: string, settings: object) => manage(system(), 'PATCH', `/byok/${id}`, settings);
    const forget = (id: string) => manage(system(), 'DELETE', `/byok/${id}`);
    const answered = (
      what: string,
      isIt: (answer: Answer) => boolean,
      ...asked: Parameters<typeof call>
    ): Promise<Answer> =>
      until(what, WITHIN_MS, async () => {
        const answer = await call(...asked);
        return isIt(answer) ? answer : undefined;
      });
    const answeredWith = (key: string, ...asked: Parameters<typeof call>): Promise<Answer> =>
      answered(`calls are made with ${key}`, (answer) => saidKey(answer) === `Bearer ${key}`, ...asked);
    const generationOf = (answer: Answer): Promise<Answer['json']> =>
      until('the generation is settled', WITHIN_MS, async () => {
        const id = answer.headers.get('x-generation-id') ?? '';
        const { json } = await ask(system(), 'GET', `/api/v1/generation?id=${id}`);
        return json?.data?.settled === true ? json.data : undefined;
      });

    story('is what the provider gets, costs the wallet nothing, and is counted as what it is', system, async () => {
      const OWN = 'sk-own-first-0123456789';
      await answeredWith(STATION);
      const id = await keep(OWN, { name: 'Ours' });
      const shown = await ask(system(), 'GET', `/api/v1/byok/${id}`, undefined, { key: system().managementKey });
      expect(shown.json.data).toMatchObject({ id, provider: 'keyed', label: 'sk-...6789', name: 'Ours' });
      expect(shown.text).not.toContain(OWN);

      await answeredWith(OWN);
      // What the calls before cost, those with the station's key among them, is booked by then.
      const { used: before } = await baseline(system());
      const answer = await call();
      expect(answer.json.usage).toMatchObject({ cost: 0, is_byok: true });
      expect(answer.json.usage.cost_details.upstream_inference_cost).toBeCloseTo(COST_USD, 12);
      const generation = await generationOf(answer);
      expect(generation).toMatchObject({ is_byok: true, total_cost: 0, provider_responses: [{ is_byok: true }] });
      expect(generation.upstream_inference_cost).toBeCloseTo(COST_USD, 12);
      const streamed = await stream(system(), say('with which key?', MODEL));
      expect(streamed).toMatchObject({ status: 200, content: `Bearer ${OWN}`, usage: { cost: 0, is_byok: true } });
      expect(await creditsUsed(system())).toEqual(before);
      await until('the api key has it in its usage, apart', WITHIN_MS, async () => {
        const { json } = await ask(system(), 'GET', '/api/v1/key');
        return json.data.byok_usage_daily >= COST_USD ? true : undefined;
      });
      await forget(id);
      await answeredWith(STATION);
    });

    story('serves where no credit would do, and pays the fee that the station takes', system, async () => {
      const OWN = 'sk-own-dear-0123456789';
      const more = { max_tokens: DEAR_TOKENS };
      expect((await call(DEAR, { more })).status).toBe(402);
      const id = await keep(OWN);
      const served = await answeredWith(OWN, DEAR, { more });
      expect(served.json.usage).toMatchObject({ cost: 0, is_byok: true });
      expect(served.json.usage.cost_details.upstream_inference_cost).toBeCloseTo(
        COMPLETION_TOKENS * DEAR_TOKEN_USD,
        12,
      );
      const rates = (fee: number) =>
        manage(system(), 'PUT', '/workspaces/default/surcharges', { markup_percent: 0, byok_fee_percent: fee });
      await rates(10);
      const paid = await answered('the fee is taken', ({ json }) => json?.usage?.cost > 0);
      expect(paid.json.usage.cost).toBeCloseTo(COST_USD / 10, 12);
      expect(await generationOf(paid)).toMatchObject({ is_byok: true, total_cost: paid.json.usage.cost });
      expect((await call(DEAR, { more })).status).toBe(402);
      await rates(0);
      await answeredWith(OWN, DEAR, { more });
      await forget(id);
      await answered('the wallet is asked again', ({ status }) => status === 402, DEAR, { more });
    });

    story(
      "that is refused gives way to the station's, each try counted as what it was, unless it is always used",
      system,
      async () => {
        const REVOKED = 'sk-revoked-0123456789';
        const id = await keep(REVOKED);
        const fell = await until('the own key is tried first', WITHIN_MS, async () => {
          const answer = await call();
          const generation = await generationOf(answer);
          return generation.provider_responses.length === 2 ? { answer, generation } : undefined;
        });
        expect(saidKey(fell.answer)).toBe(`Bearer ${STATION}`);
        expect(fell.answer.json.usage).toMatchObject({ is_byok: false });
        expect(fell.answer.json.usage.cost).toBeCloseTo(COST_USD, 12);
        expect(fell.generation).toMatchObject({
          is_byok: false,
          provider_responses: [{ is_byok: true }, { is_byok: false }],
        });

        await change(id, { always_use: true });
        const refused = await answered('nothing else is tried', ({ status }) => status === 502);
        expect(refused.json.error.message).toContain("does not accept the workspace's own key");
        expect(refused.text).not.toContain(REVOKED);
        await change(id, { key: 'sk-own-mended-0123456789' });
        await answeredWith('sk-own-mended-0123456789');
        await forget(id);
        await answeredWith(STATION);
      },
    );

    story('serves whom its filters name, in its order, and while it is not disabled', system, async () => {
      const { key, hash } = await newKey(system());
      const first = await keep('sk-own-one-0123456789', { allowed_api_key_hashes: [hash] });
      const second = await keep('sk-own-two-0123456789', { is_fallback: true });
      await answeredWith('sk-own-one-0123456789', MODEL, { key });
      expect(saidKey(await call())).toBe(`Bearer ${STATION}`);
      await change(second, { is_fallback: false });
      await answeredWith('sk-own-two-0123456789');
      expect(saidKey(await call(MODEL, { key }))).toBe('Bearer sk-own-one-0123456789');
      await change(second, { sort_order: 0 });
      await change(first, { sort_order: 1 });
      await answeredWith('sk-own-two-0123456789', MODEL, { key });
      await change(second, { disabled: true });
      await answeredWith('sk-own-one-0123456789', MODEL, { key });
      expect(saidKey(await call())).toBe(`Bearer ${STATION}`);
      await change(first, { allowed_api_key_hashes: null, allowed_models: [DEAR] });
      await answeredWith(STATION, MODEL, { key });
      for (const id of [first, second]) await forget(id);
      const { status } = await ask(system(), 'GET', `/api/v1/byok/${first}`, undefined, {
        key: system().managementKey,
      });
      expect(status).toBe(404);
    });

    story('stands in no log, and leaves books that hold', system, async () => {
      expect(await ledger(system(), 'verify')).toMatchObject({ code: 0 });
      for (const name of system().processes) expect(await system().logs(name)).not.toMatch(/sk-(own|revoked)-/);
    });
  });
};
