// Row 3: budgets of key, workspace, tag and end user at once, each the tightest in turn: the right one refuses, the refused request holds nothing, and all slices
// are back soon after.
import { invariants, type RunningSystem } from '@waystation/testing';
import { ask } from '../support/ask.ts';
import { COST_USD, dime, newKey, setLimit, usageOf } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { deadline, until } from '../support/wait.ts';

const AMPLE_USD = 50;
const TIGHT_USD = 0.35;
const SLICES_BACK_MS = 5_000;
const SETTLED_WITHIN_MS = 60_000;

type Tightest = 'key' | 'limit of each key' | 'workspace' | 'tag' | 'end user';

export const row03 = (system: () => RunningSystem): void => {
  describe('row 3', () => {
    const credits = async (): Promise<{ total_credits: number; total_usage: number }> =>
      (await ask(system(), 'GET', '/api/v1/credits', undefined, { key: system().managementKey })).json.data;

    /** Limits that all meet the calls of one key; `tightest` leaves room for three of them. */
    const refusedBy = async (tightest: Tightest): Promise<unknown> => {
      const of = (name: Tightest): number => (name === tightest ? TIGHT_USD : AMPLE_USD);
      const spent = await credits();
      const tag = `of-${tightest.replaceAll(' ', '-')}`;
      const { key, hash } = await newKey(system(), { limit: of('key') });
      // The workspace has spent before: its budget of the day counts that.
      const removals = [
        await setLimit(
          system(),
          { scope: 'key', scope_id: hash, metric: 'usd', window: 'day', limit: of('limit of each key') },
          key,
        ),
        await setLimit(
          system(),
          {
            scope: 'workspace',
            metric: 'usd',
            window: 'day',
            limit: Math.ceil((spent.total_usage + of('workspace')) * 1e6) / 1e6,
          },
          key,
        ),
        await setLimit(system(), { scope: 'tag', scope_id: tag, metric: 'usd', window: 'week', limit: of('tag') }, key),
        await setLimit(system(), { scope: 'end-user', metric: 'usd', window: 'month', limit: of('end user') }, key),
      ];
      try {
        const body = { key, headers: { 'x-waystation-tags': tag }, user: `user-${tightest}` };
        const answers = [];
        for (let ordinal = 0; ordinal < 3; ordinal += 1) answers.push(await dime(system(), ordinal, body));
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
        const refused = await untilSaidForGood(() => dime(system(), 0, body));
        expect(Math.round((await usageOfInTheEnd(key, 3 * COST_USD)) * 1e12)).toBe(3e11);
        return refused;
      } finally {
        for (const remove of removals) await remove();
      }
    };
    const usageOfInTheEnd = (key: string, expected: number): Promise<number> =>
      until('the usage is booked', SETTLED_WITHIN_MS, async () => {
        const usage = await usageOf(system(), key);
        return Math.abs(usage - expected) < 1e-12 ? usage : undefined;
      });
    /** Until waiting no longer helps. */
    const untilSaidForGood = (again: () => ReturnType<typeof dime>): Promise<unknown> =>
      until('it is refused for good', SETTLED_WITHIN_MS, async () => {
        const { status, headers, json } = await again();
        expect(status).toBe(402);
        return headers.get('retry-after') === null ? (json.error.metadata.quota as unknown) : undefined;
      });

    story('the tightest refuses, and names itself', system, async () => {
      expect(await refusedBy('key')).toMatchObject({ scope: 'key', window: 'lifetime', limit: '0.35' });
      expect(await refusedBy('limit of each key')).toMatchObject({ scope: 'key', window: 'day', limit: '0.35' });
      expect(await refusedBy('workspace')).toMatchObject({ scope: 'workspace', window: 'day' });
      expect(await refusedBy('tag')).toMatchObject({ scope: 'tag', window: 'week', limit: '0.35' });
      expect(await refusedBy('end user')).toMatchObject({ scope: 'end-user', window: 'month', limit: '0.35' });
      await invariants(system(), { withinMs: deadline(SLICES_BACK_MS), withoutLeases: true });
    });
  });
};
