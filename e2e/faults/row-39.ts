// Row 39: a workspace under zero data retention, and a canary in prompts and answers. Whatever fails meanwhile (provider, client, a killed process, facts that nobody can store), with
// everything logged and traced, the canary is found nowhere, nobody who keeps what he is sent is ever asked, and where nobody else is left the client is told why.
import { randomBytes } from 'node:crypto';
import type { RunningSystem, UpstreamScript } from '@waystation/testing';
import pg from 'pg';
import { ask, complete, say, stream, type Answer } from '../support/ask.ts';
import { watchAtRest, type Watch } from '../support/at-rest.ts';
import { factsSettled } from '../support/jetstream.ts';
import { metric } from '../support/metrics.ts';
import { manage, newKey } from '../support/priced-lab.ts';
import { BOTH, FORGETTING, KEEPING, KEPT, type RetentionLabs } from '../support/retention-lab.ts';
import { story } from '../support/story.ts';
import { until } from '../support/wait.ts';

const KNOWN_WITHIN_MS = 20_000;
const SETTLED_WITHIN_MS = 30_000;
const SERVES_WITHIN_MS = 30_000;
/** The caches of answers are asked for too: nothing may be kept there either. */
const HEADERS = { 'x-openrouter-cache': 'true', 'x-openrouter-metadata': 'enabled' };
/** Of facts that Postgres is made to refuse. */
const REFUSED_USER = 'refused-by-postgres';

const newCanary = (): string => `canary${randomBytes(12).toString('hex')}`;

const chunk = (content: string, finish: string | null = null) => ({
  ...{ id: 'c-1', object: 'chat.completion.chunk', created: 1, model: 'm' },
  choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: finish }],
});

export const row39 = (system: () => RunningSystem, labs: () => RetentionLabs): void => {
  describe('row 39', () => {
    let watch: Watch;
    /** In all that is asked, and in all that providers say. */
    let canary = '';
    let asked = 0;

    beforeAll(async () => {
      watch = await watchAtRest(system(), labs().traces);
    });
    afterAll(() => watch.close());

    /** Every part of a chat that can hold words of a user. */
    const chat = (more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
      model: BOTH,
      messages: [
        { role: 'system', content: `You are ${canary}.` },
        { role: 'user', content: [{ type: 'text', text: `First ${canary}` }] },
        {
          ...{ role: 'assistant', content: null },
          tool_calls: [{ id: 't1', type: 'function', function: { name: 'look', arguments: `{"at":"${canary}"}` } }],
        },
        { role: 'tool', tool_call_id: 't1', content: `Seen ${canary}` },
        { role: 'user', content: `${canary} ${'and more of it '.repeat(400)}` },
      ],
      tools: [
        { type: 'function', function: { name: 'look', description: canary, parameters: { description: canary } } },
      ],
      ...more,
    });

    const answering: UpstreamScript = (request, reply) => {
      const { stream: streamed } = request.json() as { stream?: boolean };
      if (streamed === true)
        return reply.sse([chunk(`I heard ${canary}`), chunk(`, ${canary}`), chunk('', 'stop'), '[DONE]']);
      const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
      const choices = [{ index: 0, message: { role: 'assistant', content: canary }, finish_reason: 'stop' }];
      reply.json(200, { id: 'x-1', object: 'chat.completion', created: 1, model: 'm', choices, usage });
    };

    /** For everybody in the workspace, and known wherever it is asked. */
    const underZdr = async (): Promise<void> => {
      await manage(system(), 'PATCH', '/guardrails/default', { enforce_zdr: true });
      for (const url of system().ingressUrls)
        await until('it is in force', KNOWN_WITHIN_MS, async () => {
          const { status } = await complete(system(), say('hello', KEPT), { url });
          return status === 404 ? true : undefined;
        });
      canary = newCanary();
      asked = labs().keeping.requests.length;
      labs().forgetting.script(answering);
    };

    const serves = async (): Promise<void> => {
      let last: string | undefined;
      const ends = until('it serves again', SERVES_WITHIN_MS, async () => {
        const answer = await complete(system(), chat()).catch(() => undefined);
        last = answer?.text;
        return answer?.status === 200 ? true : undefined;
      });
      await ends.catch((error: unknown) => {
        throw new Error(`the last answer was ${last?.slice(0, 500) ?? 'none'}`, { cause: error });
      });
    };

    /** After all that is told of calls has arrived wherever it goes. */
    const expectNoTrace = async (): Promise<void> => {
      await factsSettled(system(), SETTLED_WITHIN_MS);
      expect(await watch.find(canary)).toEqual([]);
      expect(labs().keeping.requests).toHaveLength(asked);
    };

    story('what is looked through holds what may be there', system, async () => {
      await underZdr();
      const name = newCanary();
      const { key } = await newKey(system(), { name });
      const answer = await complete(system(), chat({ user: name }), { key });
      expect(answer.status).toBe(200);
      await factsSettled(system(), SETTLED_WITHIN_MS);
      const untilIn = (what: string, looked: string, ...wanted: readonly RegExp[]): Promise<unknown> =>
        until(`${what} is found`, KNOWN_WITHIN_MS, async () => {
          const places = await watch.find(looked);
          return wanted.every((form) => places.some((place) => form.test(place))) ? places : undefined;
        });
      await untilIn('the name', name, /^table logging\.generation/, /^bus /, /^file /);
      // Attempts are named after their generation.
      const ofCall = (answer.headers.get('x-generation-id') ?? '').replace('gen-', 'att-');
      await untilIn('the attempt', ofCall, /^file data\/logs\//);
      await until('spans of it arrive', KNOWN_WITHIN_MS, () =>
        labs().traces.requests.some(({ body }) => body.includes('control.key.create')) ? true : undefined,
      );
    });

    story('calls of every kind leave nothing behind, and go to nobody who keeps them', system, async () => {
      await underZdr();
      const preferences = [
        {},
        { provider: { order: [KEEPING, FORGETTING] } },
        { provider: { sort: 'price' } },
        { provider: { zdr: false, data_collection: 'allow' } },
        { models: [KEPT, BOTH] },
        { model: `${BOTH}:floor` },
      ];
      for (const more of preferences) {
        expect((await complete(system(), chat(more), { headers: HEADERS })).status).toBe(200);
        const end = await stream(system(), chat(more), { headers: HEADERS });
        expect([end.status, end.content, end.done]).toEqual([200, `I heard ${canary}, ${canary}`, true]);
      }
      const words = [{ role: 'user', content: canary }];
      for (const [path, body] of [
        ['/api/v1/responses', { model: BOTH, input: canary, instructions: canary }],
        ['/api/v1/messages', { model: BOTH, max_tokens: 20, system: canary, messages: words }],
        ['/api/v1/completions', { model: BOTH, prompt: canary }],
      ] as const) {
        const answer = await ask(system(), 'POST', path, body, { headers: HEADERS });
        expect([answer.status, answer.text]).toEqual([200, expect.stringContaining(canary)]);
      }
      await expectNoTrace();
    });

    story('where only those are left who keep it, the client is told so', system, async () => {
      await underZdr();
      const refusals: [Record<string, unknown>, string[]][] = [
        [{ model: KEPT }, ['data_policy:zdr']],
        [{ provider: { only: [KEEPING] } }, ['allowed_providers', 'data_policy:zdr']],
        [{ provider: { order: [KEEPING], allow_fallbacks: false } }, ['allowed_providers', 'data_policy:zdr']],
        [{ provider: { ignore: [FORGETTING] } }, ['allowed_providers', 'data_policy:zdr']],
      ];
      for (const [more, rules] of refusals) {
        const { status, json } = await complete(system(), chat(more));
        const { message, availability } = json.error;
        expect([status, [...availability.excluded_by].sort()]).toEqual([404, rules]);
        if (rules.length === 1) {
          expect(message).toBe('No endpoints found matching your data policy (Zero data retention).');
          expect(availability).toMatchObject({ code: 'privacy_restricted', retryable: false });
        }
      }
      await expectNoTrace();
    });

    story('a provider that fails, and says the prompt while it does, is not quoted', system, async () => {
      await underZdr();
      const words =
        (status: number, more: object = {}): UpstreamScript =>
        (_request, reply) =>
          reply.json(status, { error: { message: `cannot read '${canary}'`, type: canary, code: canary, ...more } });
      const raw =
        (type: string, text: string): UpstreamScript =>
        (_request, reply) =>
          void reply.raw.writeHead(200, { 'content-type': type }).end(text);
      const faults: [string, UpstreamScript][] = [
        ...[400, 401, 403, 404, 413, 422, 429, 500, 503, 529].map((status): [string, UpstreamScript] => [
          String(status),
          words(status),
        ]),
        ['too long', words(400, { message: `maximum context length: ${canary}` })],
        ['a page', (_request, reply) => void reply.raw.writeHead(502, { 'content-type': 'text/html' }).end(canary)],
        ['a redirection', (_request, reply) => void reply.raw.writeHead(302, { location: `/${canary}` }).end(canary)],
        ['no JSON', raw('application/json', `${canary} is no JSON`)],
        ['half a JSON', raw('application/json', `{"choices":[{"message":{"content":"${canary}`)],
        ['no event', raw('text/event-stream', `${canary}\n\ndata: ${canary} is no JSON\n\n`)],
        [
          'an error in the stream',
          raw('text/event-stream', `data: ${JSON.stringify({ error: { message: canary } })}\n\n`),
        ],
        ['a wrong header', (_request, reply) => void reply.raw.writeHead(200, { 'content-type': canary }).end(canary)],
        ['no answer', (_request, reply) => reply.hangUp()],
        [
          'an end in the middle',
          async (_request, reply) => {
            await reply.sse([chunk(`it was ${canary}`)], { end: false });
            reply.hangUp();
          },
        ],
      ];
      for (const [, fault] of faults) {
        labs().forgetting.script(fault);
        await complete(system(), chat(), { headers: HEADERS }).catch(() => undefined);
        await stream(system(), chat({ models: [BOTH, KEPT] }), { headers: HEADERS });
        // Ten failures in a row would leave nobody to fail.
        labs().forgetting.script(answering);
        await serves();
      }
      await expectNoTrace();
    });

    story('requests that are wrong are not quoted', system, async () => {
      await underZdr();
      const document = `data:application/pdf;base64,${Buffer.from(`%PDF-1.7 ${canary}`).toString('base64')}`;
      const file = { type: 'file', file: { filename: 'a.pdf', file_data: document } };
      const wrong: (string | Record<string, unknown>)[] = [
        canary,
        `{"model":"${BOTH}","messages":[{"role":"user","content":"${canary}`,
        `{"${canary}`,
        { model: BOTH, messages: canary },
        { model: BOTH, messages: [{ role: canary, content: canary }] },
        { model: BOTH, messages: [{ role: 'user', content: [{ type: canary }] }] },
        chat({ provider: { [canary]: true } }),
        chat({ provider: { sort: canary } }),
        chat({ temperature: canary, response_format: canary, stop: { at: canary } }),
        chat({ plugins: [{ id: canary }] }),
        { model: BOTH, messages: [{ role: 'user', content: [file] }], plugins: [{ id: 'file-parser' }] },
        { model: BOTH, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: document } }] }] },
      ];
      for (const body of wrong) {
        const { status } = await complete(system(), body, { headers: HEADERS });
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
      }
      await expectNoTrace();
    });

    for (const victim of ['worker', 'ingress'] as const)
      story(`a ${victim} that is killed in the middle leaves nothing behind`, system, async () => {
        await underZdr();
        let begun = 0;
        labs().forgetting.script((_request, reply) => {
          begun += 1;
          return reply.sse(
            Array.from({ length: 400 }, () => chunk(`${canary} `)),
            { everyMs: 50 },
          );
        });
        const streams = Array.from({ length: 4 }, () => stream(system(), chat(), { headers: HEADERS }));
        await until('all of them run', SERVES_WITHIN_MS, () => (begun >= streams.length ? true : undefined));
        await system().kill(victim);
        await system().restartService(victim);
        for (const { done } of await Promise.all(streams)) expect(done).toBe(false);
        labs().forgetting.script(answering);
        await serves();
        await expectNoTrace();
      });

    story('facts that Postgres refuses become dead letters without it', system, async () => {
      await underZdr();
      const client = new pg.Client({ connectionString: system().databaseUrl });
      await client.connect();
      const letters = async (): Promise<number[]> => [
        await metric(system(), 'billing', 'waystation_billing_dead_letters_total'),
        await metric(system(), 'logging', 'waystation_logging_trail_dead_letters_total'),
      ];
      const [money = 0, trail = 0] = await letters();
      try {
        await client.query(`
          create function refuse() returns trigger language plpgsql as $$ begin
            if new.end_user_id = '${REFUSED_USER}' then raise exception 'refused' using errcode = '23514'; end if;
            return new;
          end $$`);
        for (const table of ['logging.generation', 'billing.charge'])
          await client.query(`create trigger refuse before insert on ${table} for each row execute function refuse()`);
        for (let call = 0; call < 3; call += 1) {
          const answer: Answer = await complete(system(), chat({ user: REFUSED_USER }), { headers: HEADERS });
          expect(answer.status).toBe(200);
        }
        await until('they are dead letters', SETTLED_WITHIN_MS, async () => {
          const [moneyNow = 0, trailNow = 0] = await letters();
          return moneyNow > money && trailNow >= trail + 3 ? true : undefined;
        });
        expect((await watch.find(REFUSED_USER)).filter((place) => place.includes('dead_letter')).sort()).toEqual([
          'table billing.dead_letter',
          'table logging.dead_letter',
        ]);
        await expectNoTrace();
      } finally {
        for (const table of ['logging.generation', 'billing.charge'])
          await client.query(`drop trigger if exists refuse on ${table}`);
        await client.query('drop function if exists refuse()');
        await client.end();
      }
    });
  });
};
