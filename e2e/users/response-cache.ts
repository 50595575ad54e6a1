// A user lets answers be kept: the same request again costs nothing, says the same and reaches no provider; and everything that must not be answered that way is not.
import { randomBytes, createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BillingCreditsGrant,
  SNAPSHOT_KEYS,
  newApiKey,
  type KeyEntry,
  type WorkspaceEntry,
} from '@waystation/contracts';
import type { RunningSystem } from '@waystation/testing';
import OpenAI from 'openai';
import { ask, complete, say } from '../support/ask.ts';
import { asOperator } from '../support/operator.ts';
import { story } from '../support/story.ts';
import { truth } from '../support/truth.ts';
import { until } from '../support/wait.ts';

const KNOWN_WITHIN_MS = 20_000;
const CACHE = { 'X-OpenRouter-Cache': 'true' };
const TEXT = 'A way station is where a traveller changes horses and rides on.';

export const responseCache = (system: () => RunningSystem): void => {
  describe('response caching', () => {
    const client = (): OpenAI =>
      new OpenAI({ baseURL: `${system().url}/api/v1`, apiKey: system().apiKey, maxRetries: 0 });
    /** A request that nobody made before. */
    const question = () => ({
      model: 'sandbox/echo',
      messages: [{ role: 'user' as const, content: TEXT }],
      sandbox: { label: `cache-${randomUUID()}` },
    });
    const reached = async ({ sandbox }: ReturnType<typeof question>): Promise<number> =>
      (await truth(system())).filter(({ label }) => label === sandbox.label).length;
    const statusOf = async (
      asked: Record<string, unknown>,
      headers: Record<string, string> = CACHE,
      key?: string,
    ): Promise<string | null> => {
      const answer = await complete(system(), asked, { headers, ...(key === undefined ? {} : { key }) });
      expect([answer.status, answer.json?.choices?.[0]?.message?.content]).toEqual([200, TEXT]);
      return answer.headers.get('x-openrouter-cache-status');
    };
    /** What is kept is kept in the background. */
    const kept = (
      asked: Record<string, unknown>,
      headers: Record<string, string> = CACHE,
      key?: string,
    ): Promise<true> =>
      until('the answer is kept', KNOWN_WITHIN_MS, async () =>
        (await statusOf(asked, headers, key)) === 'HIT' ? true : undefined,
      );

    story(
      'the SDK asks twice: the second answer says the same, costs nothing and names its source',
      system,
      async () => {
        const asked = question();
        const create = () => client().chat.completions.create(asked, { headers: CACHE }).withResponse();
        const first = await create();
        expect(first.response.headers.get('x-openrouter-cache-status')).toBe('MISS');
        await kept(asked);
        const calls = await reached(asked);
        const { data, response } = await create();
        expect(response.headers.get('x-openrouter-cache-status')).toBe('HIT');
        expect(await reached(asked)).toBe(calls);
        expect(data.choices).toEqual(first.data.choices);
        expect(data.id).not.toBe(first.data.id);
        expect(data.usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, cost: 0 });
        expect(first.data.usage).toMatchObject({ cost: expect.any(Number), completion_tokens: expect.any(Number) });
        const source = response.headers.get('x-openrouter-cache-source-id') ?? '';
        const shown = await ask(system(), 'GET', `/api/v1/generation?id=${data.id}`);
        expect(shown.json.data).toMatchObject({
          ...{ response_cache_source_id: source, total_cost: 0, usage: 0, policy_row: 'cache-hit', settled: true },
          ...{ charges: [], provider_responses: [], finish_reason: 'stop', model: 'sandbox/echo' },
        });
        const made = await ask(system(), 'GET', `/api/v1/generation?id=${source}`);
        expect(made.json.data).toMatchObject({ response_cache_source_id: null, policy_row: 'completed' });
      },
    );

    story('a stream is given again as a stream, piece by piece', system, async () => {
      const asked = { ...question(), stream: true as const };
      const read = async () => {
        const { data, response } = await client().chat.completions.create(asked, { headers: CACHE }).withResponse();
        const chunks = [];
        for await (const chunk of data) chunks.push(chunk);
        const pieces = chunks.map(({ choices }) => choices[0]?.delta.content ?? '');
        const status = response.headers.get('x-openrouter-cache-status');
        return { status, pieces, ids: new Set(chunks.map(({ id }) => id)), usage: chunks.at(-1)?.usage };
      };
      const first = await read();
      const again = await until('the answer is kept', KNOWN_WITHIN_MS, async () => {
        const told = await read();
        return told.status === 'HIT' ? told : undefined;
      });
      expect([first.status, again.pieces.join('')]).toEqual(['MISS', TEXT]);
      expect(again.pieces).toEqual(first.pieces);
      expect([again.ids.size, [...again.ids][0] === [...first.ids][0]]).toEqual([1, false]);
      expect(again.usage).toMatchObject({ total_tokens: 0, cost: 0 });
    });

    story('what expired, and what was cleared, is made anew', system, async () => {
      const asked = question();
      await statusOf(asked, { ...CACHE, 'X-OpenRouter-Cache-TTL': '86400' });
      await kept(asked);
      expect(
        await statusOf(asked, { ...CACHE, 'X-OpenRouter-Cache-Clear': 'true', 'X-OpenRouter-Cache-TTL': '2' }),
      ).toBe('MISS');
      const calls = await reached(asked);
      await sleep(2_500);
      expect(await statusOf(asked)).toBe('MISS');
      expect(await reached(asked)).toBe(calls + 1);
    });

    story('never under zero data retention, and not without the header', system, async () => {
      const asked = question();
      await statusOf(asked);
      await kept(asked);
      expect(await statusOf(asked, {})).toBeNull();
      const closed = { ...asked, provider: { zdr: true } };
      for (let time = 0; time < 3; time += 1) expect(await statusOf(closed)).toBeNull();
    });

    story('another key and another workspace never get the answer', system, async () => {
      const asked = question();
      await statusOf(asked);
      await kept(asked);
      const named = { name: 'beside it' };
      const made = await ask(system(), 'POST', '/api/v1/keys', named, { key: system().managementKey });
      const beside = made.json.key as string;
      const stranger = await strangerKey(system());
      for (const key of [beside, stranger]) {
        const isServed = async (): Promise<true | undefined> =>
          (await complete(system(), say('known?'), { key })).status === 200 ? true : undefined;
        await until('the key is known', KNOWN_WITHIN_MS, isServed);
        expect(await statusOf(asked, CACHE, key)).toBe('MISS');
        await kept(asked, CACHE, key);
      }
    });
  });
};

/** A key of a second workspace with credits of its own, as control would publish both. */
const strangerKey = (system: RunningSystem): Promise<string> =>
  asOperator(system, async (_operator, bus) => {
    const key = newApiKey(randomBytes);
    const id = 'strangers';
    const [workspaces, keys] = await Promise.all([bus.kv('workspaces'), bus.kv('keys')]);
    const workspace: WorkspaceEntry = {
      ...{ v: 1, version: 1, id, slug: id, name: 'Strangers', suspended: false, storesContent: false },
    };
    const hash = createHash('sha256').update(key).digest('hex');
    const entry: KeyEntry = {
      ...{ v: 1, version: 1, hash, label: 'sk-way-v1-stranger', name: 'stranger', workspaceId: id, kind: 'inference' },
      ...{ disabled: false, deleted: false, createdAt: Date.now(), includeByokInLimit: false },
    };
    await bus.request(BillingCreditsGrant, {
      ...{ v: 1, principal: { kind: 'service', permissions: ['operator', 'credits:write'] }, workspaceId: id },
      ...{ grantId: randomUUID(), amount: '1000000000000', reason: 'a stranger' },
    });
    await workspaces.put(SNAPSHOT_KEYS.workspace(id), workspace);
    await keys.put(SNAPSHOT_KEYS.key(hash), entry);
    return key;
  });
