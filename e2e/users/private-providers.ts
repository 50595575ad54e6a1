// An operator adds servers of their own while the station runs: each is tried before anybody is served there, then served and charged by its price; what is wrong is
// refused with the step at which it failed, and changes nothing; what is deleted says so to whoever still asks for it.
import { fakeUpstream, type FakeUpstream, type RunningSystem, type UpstreamScript } from '@waystation/testing';
import { ask, complete, say, type Answer } from '../support/ask.ts';
import { asOperator } from '../support/operator.ts';
import { story } from '../support/story.ts';
import { until } from '../support/wait.ts';

/** What control has to be told, so that servers of this machine may be named: `127.0.0.1` and no other address of it. */
export const PRIVATE_HOSTS = { WAYSTATION_PRIVATE_HOSTS: '127.0.0.1' };

const SERVED_WITHIN_MS = 15_000;
const BOOKED_WITHIN_MS = 20_000;
const PATH = '/api/v1/private/providers';
const AZURE_KEY = 'azure-key-0123456789';
const VERSION = '2024-10-21';

/** Azure as its documents have it: the key in a header of its own, deployments in the path. */
const azure: UpstreamScript = (request, reply) => {
  if (request.headers['api-key'] !== AZURE_KEY)
    return reply.json(401, {
      error: { code: '401', message: `Access denied for ${String(request.headers['api-key'])}.` },
    });
  if (request.path !== `/openai/deployments/my-gpt/chat/completions?api-version=${VERSION}`)
    return reply.json(404, { error: { code: 'DeploymentNotFound', message: 'The API deployment does not exist.' } });
  const head = { id: 'chatcmpl-1', created: 1, model: 'gpt' };
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  if (!(request.json() as { stream?: boolean }).stream)
    return reply.json(200, {
      ...{ ...head, object: 'chat.completion', usage },
      choices: [{ index: 0, message: { role: 'assistant', content: 'from Azure' }, finish_reason: 'stop' }],
    });
  const chunk = (delta: object, finish: string | null) => ({
    ...{ ...head, object: 'chat.completion.chunk' },
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  return reply.sse([
    chunk({ role: 'assistant', content: 'from Azure' }, null),
    chunk({}, 'stop'),
    { ...head, object: 'chat.completion.chunk', choices: [], usage },
    '[DONE]',
  ]);
};

export const privateProviders = (system: () => RunningSystem): void => {
  describe('private providers', () => {
    let server: FakeUpstream;
    beforeAll(async () => {
      server = await fakeUpstream(azure);
    });
    afterAll(() => server.close());

    const manage = (method: string, path = '', body?: object): Promise<Answer> =>
      ask(system(), method, `${PATH}${path}`, body, { key: system().managementKey });
    const call = (model: string): Promise<Answer> =>
      complete(system(), { ...say('How much is it?', model), max_tokens: 50 });
    const served = (model: string): Promise<Answer> =>
      until(`${model} is served`, SERVED_WITHIN_MS, async () => {
        const answer = await call(model);
        return answer.status === 200 ? answer : undefined;
      });
    const chargeOf = (answer: Answer): Promise<bigint> =>
      asOperator(system(), (operator) =>
        until('it is booked', BOOKED_WITHIN_MS, async () => {
          const [charge] = await operator.charges(answer.headers.get('x-generation-id') ?? '');
          return charge === undefined ? undefined : BigInt(charge.amount);
        }),
      );
    interface Tokens {
      readonly prompt_tokens: number;
      readonly completion_tokens: number;
    }
    /** At so many dollars a million. */
    const costAt = (answer: Answer, input: number, output: number): bigint => {
      const { prompt_tokens, completion_tokens } = (answer.json as { usage: Tokens }).usage;
      return BigInt(prompt_tokens * input + completion_tokens * output) * 1_000_000n;
    };
    const echo = (price: object) => ({ model: 'own/echo', upstreamModel: 'sandbox/echo', context: 128_000, price });

    story(
      'are tried, served at once, charged by their price and by the new one after it changed, and told to be gone',
      system,
      async () => {
        const provider = {
          ...{ slug: 'own-vllm', dialect: 'openai-chat', baseUrl: `${system().sandboxUrl}/v1` },
          endpoints: [echo({ input: '3', output: '7' })],
        };
        const created = await manage('POST', '', provider);
        expect([created.status, created.json.data]).toMatchObject([
          201,
          { slug: 'own-vllm', key: 'none', endpoints: [{ model: 'own/echo', serving: true, status: 'passing' }] },
        ]);
        expect(created.json.data.endpoints[0].probe.cost_usd).toBeGreaterThan(0);
        const first = await served('own/echo');
        expect(first.json).toMatchObject({ model: 'own/echo', provider: 'own-vllm' });
        expect(await chargeOf(first)).toBe(costAt(first, 3, 7));
        const listed = await ask(system(), 'GET', '/api/v1/models');
        expect((listed.json.data as { id: string }[]).map(({ id }) => id)).toContain('own/echo');

        expect((await manage('PUT', '/own-vllm/endpoints', echo({ input: '30', output: '70' }))).status).toBe(200);
        const dearer = await until('the new price holds', SERVED_WITHIN_MS, async () => {
          const answer = await served('own/echo');
          return (await chargeOf(answer)) === costAt(answer, 30, 70) ? answer : undefined;
        });
        expect(dearer.status).toBe(200);
        // What was charged before stays.
        expect(await chargeOf(first)).toBe(costAt(first, 3, 7));

        expect((await manage('DELETE', '/own-vllm')).json).toEqual({ deleted: true });
        const refused = await until('it is gone', SERVED_WITHIN_MS, async () => {
          const answer = await call('own/echo');
          return answer.status === 404 ? answer : undefined;
        });
        const why = /the provider own-vllm was deleted at 20\d\d-/;
        expect(refused.json.error.message).toMatch(why);
        const read = await manage('GET', '/own-vllm');
        expect([read.status, read.json.error.message]).toEqual([
          404,
          expect.stringMatching(/"own-vllm" was deleted at 20/),
        ]);
        const models = await ask(system(), 'GET', '/api/v1/models');
        expect((models.json.data as { id: string }[]).map(({ id }) => id)).not.toContain('own/echo');
      },
    );

    story(
      'of Azure are refused with the step at which they fail, and nothing of them is there, until all of it is right',
      system,
      async () => {
        const deployment = (more: object = {}, upstreamModel = 'my-gpt') => ({
          ...{ slug: 'own-azure', dialect: 'azure-openai', baseUrl: server.url, apiKey: AZURE_KEY },
          quirks: { apiVersion: VERSION },
          endpoints: [{ model: 'own/gpt', upstreamModel, context: 128_000, price: { input: '2', output: '8' } }],
          ...more,
        });
        const cases: [string, object, string, object][] = [
          ['a wrong key', deployment({ apiKey: 'wrong-key-0123456789' }), 'credential', { upstream_status: 401 }],
          ['a deployment that is not there', deployment({}, 'my-gtp'), 'model', { upstream_status: 404 }],
          ['nobody at the port', deployment({ baseUrl: 'http://127.0.0.1:1' }), 'connection', {}],
          ['https where there is none', deployment({ baseUrl: server.url.replace('http:', 'https:') }), 'tls', {}],
          [
            'an address that is not allowed',
            deployment({ baseUrl: server.url.replace('127.0.0.1', '127.0.0.2') }),
            'address',
            {},
          ],
          ['another dialect', deployment({ dialect: 'anthropic-messages' }), 'credential', { upstream_status: 401 }],
        ];
        for (const [what, body, step, problem] of cases) {
          const answer = await manage('POST', '', body);
          expect([what, answer.status, answer.json.error.metadata.problems]).toMatchObject([
            what,
            422,
            [{ step, ...problem }],
          ]);
          expect(answer.json.error.message).toContain(
            `Nothing was changed: own/gpt@own-azure does not pass its probe. ${step}: `,
          );
          expect(answer.text).not.toContain('key-0123456789');
          if (step === 'address') expect(answer.json.error.message).toContain('WAYSTATION_PRIVATE_HOSTS');
        }
        expect((await manage('GET', '/own-azure')).status).toBe(404);
        expect((await call('own/gpt')).status).toBe(400);

        expect((await manage('POST', '', deployment())).status).toBe(201);
        const answer = await served('own/gpt');
        expect(answer.json.choices[0].message.content).toBe('from Azure');
        expect(await chargeOf(answer)).toBe(costAt(answer, 2, 8));

        // A change that does not pass leaves what is there as it is.
        const changed = await manage('PATCH', '/own-azure', { apiKey: 'wrong-key-0123456789' });
        expect(changed.status).toBe(422);
        expect((await call('own/gpt')).status).toBe(200);
        expect((await manage('GET', '/own-azure')).json.data).toMatchObject({
          key: 'sealed',
          endpoints: [{ status: 'passing' }],
        });

        // The key is withdrawn at Azure: tried again, it serves no more, and says why.
        server.script((_request, reply) => reply.json(401, { error: { message: 'Access denied.' } }));
        expect((await manage('POST', '/own-azure/probe')).json.data.endpoints).toMatchObject([
          { serving: false, status: 'failing', probe: { problem: { step: 'credential', upstream_status: 401 } } },
        ]);
        const refused = await until('it is out of service', SERVED_WITHIN_MS, async () => {
          const given = await call('own/gpt');
          return given.status === 404 ? given : undefined;
        });
        expect(refused.json.error.message).toBe('No endpoints found for own/gpt: it failed when it was last tried.');
        server.script(azure);
        expect((await manage('POST', '/own-azure/probe')).json.data.endpoints).toMatchObject([{ serving: true }]);
        await served('own/gpt');
        expect((await manage('DELETE', '/own-azure')).status).toBe(200);
      },
    );
  });
};
