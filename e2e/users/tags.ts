// A person labels calls, reads what each label cost, and then sets a budget for one of them: what was spent before it counts, to the picodollar, and the next call
// with that label is refused while others go on.
import type { RunningSystem } from '@waystation/testing';
import { parseUsd } from '@waystation/contracts';
import { ask, complete, say } from '../support/ask.ts';
import { setLimit } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { until, withinOneDay } from '../support/wait.ts';

const BOOKED_WITHIN_MS = 20_000;
/** A limit of a day begins anew at midnight, a statement with the month. */
const STORY_MS = 45_000;
const picodollars = (usd: number): bigint => BigInt(Math.round(usd * 1e12));

export const tags = (system: () => RunningSystem): void => {
  describe('tags', () => {
    const read = (path: string) => ask(system(), 'GET', path, undefined, { key: system().managementKey });
    /** What calls came to by tag, as analytics say it in full. */
    const usageByTag = async (filters: unknown[] = []): Promise<Map<string | null, bigint>> => {
      const query = { metrics: ['total_usage', 'request_count'], dimensions: ['tag'], filters };
      const { text } = await ask(system(), 'POST', '/api/v1/analytics/query', query, { key: system().managementKey });
      const rows = text.matchAll(/"tag":(null|"[^"]*"),"total_usage":(-?[0-9.]+)/g);
      return new Map(
        [...rows].map(([, tag = 'null', usd = '']) => [JSON.parse(tag) as string | null, parseUsd(usd) ?? -1n]),
      );
    };
    const call = async (labels: string, text: string) => {
      const headers = { 'x-waystation-tags': labels, 'x-title': 'Labeller' };
      const answer = await complete(system(), { ...say(text), user: 'labelled-user' }, { headers });
      return {
        ...answer,
        cost: answer.status === 200 ? picodollars((answer.json as { usage: { cost: number } }).usage.cost) : 0n,
      };
    };

    story('cost by tag, and a budget that counts what came before it', system, async () => {
      await withinOneDay(STORY_MS);
      const [nightly, search] = [`nightly-${Date.now()}`, `team/search-${Date.now()}`];
      const both = await call(`${nightly}, ${search}`, 'One call with two labels.');
      const one = await call(nightly, 'Another with one of them, and a few words more.');
      expect([both.status, one.status]).toEqual([200, 200]);
      const spent = both.cost + one.cost;
      const byTag = await until('both are booked', BOOKED_WITHIN_MS, async () => {
        const found = await usageByTag();
        return found.get(nightly) === spent ? found : undefined;
      });
      expect(byTag.get(search)).toBe(both.cost);
      // A filter chooses calls, which are listed under all their tags.
      expect([...(await usageByTag([{ field: 'tag', operator: 'eq', value: search }]))].sort()).toEqual([
        [nightly, both.cost],
        [search, both.cost],
      ]);
      const { json } = await read(`/api/v1/generation?id=${both.headers.get('x-generation-id') ?? ''}`);
      expect(json.data).toMatchObject({ tags: [nightly, search], external_user: 'labelled-user' });
      const month = new Date().toISOString().slice(0, 7);
      expect((await read(`/api/v1/exports/focus/${month}`)).text).toContain(`""tag:${search}"":true`);
      const statement = JSON.parse((await read(`/api/v1/statements/${month}`)).text) as {
        usageByTag: { name: string; amountUsd: string }[];
      };
      const line = statement.usageByTag.find(({ name }) => name === nightly);
      expect(parseUsd(line?.amountUsd ?? '')).toBe(spent);

      const limits = '/api/v1/workspaces/default/limits';
      const budget = { scope: 'tag', scope_id: nightly, metric: 'usd', window: 'month' };
      const below = await ask(system(), 'PUT', limits, { ...budget, limit: 0 }, { key: system().managementKey });
      expect([below.status, below.text]).toEqual([422, expect.stringContaining('has used already')]);
      const requests = { scope: 'tag', scope_id: nightly, metric: 'requests', window: 'day', limit: 2 };
      const refusedBy = async (limit: Readonly<Record<string, unknown>>, status: number): Promise<unknown> => {
        const remove = await setLimit(system(), limit, system().apiKey);
        try {
          const shown = (await read(limits)).json.data as { scope_id: string | null; used: number }[];
          const refused = await until('the limit refuses', BOOKED_WITHIN_MS, async () => {
            const answer = await call(`${search}, ${nightly}`, 'No more of this.');
            return answer.status === status ? answer : undefined;
          });
          expect(refused.json.error.metadata.quota).toMatchObject({ scope: 'tag', metric: limit['metric'], left: '0' });
          return shown.find((each) => each.scope_id === nightly)?.used;
        } finally {
          await remove();
        }
      };
      // Used up by what came before: not one more call with the tag, and all others.
      expect(await refusedBy({ ...budget, limit: Number(spent) / 1e12 }, 402)).toBe(Number(spent) / 1e12);
      expect(await refusedBy(requests, 429)).toBe(2);
      expect((await call(search, 'But of this.')).status).toBe(200);
      await until('every ingress knows that the limits are gone', BOOKED_WITHIN_MS, async () =>
        (await call(nightly, 'And again.')).status === 200 ? true : undefined,
      );
    });
  });
};
