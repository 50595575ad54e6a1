// Row 3: budgets of key, member, guardrail, workspace, tag, end user and wallet at once, each the tightest in turn: the right one refuses, the refused request holds
// nothing, and all slices are back soon after.
import { invariants, type RunningSystem } from '@waystation/testing';
import { ask } from '../support/ask.ts';
import {
  COST_USD,
  DEAR_MODEL,
  DEAR_TOKEN_USD,
  dime,
  manage,
  newGuardrail,
  newKey,
  newMember,
  OUTPUT_TOKENS,
  setLimit,
  untilMet,
  usageOf,
} from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { deadline, until, withinOneDay } from '../support/wait.ts';

/** More than the wallet has. */
const AMPLE_USD = 1_000_000;
const TIGHT_USD = 0.35;
const SLICES_BACK_MS = 5_000;
const SETTLED_WITHIN_MS = 60_000;
/** Limits of a day begin anew at midnight. */
const TURN_MS = 20_000;

type Tightest = 'key' | 'limit of each key' | 'member' | 'guardrail' | 'workspace' | 'tag' | 'end user' | 'wallet';

export const row03 = (system: () => RunningSystem): void => {
  describe('row 3', () => {
    const credits = async (): Promise<{ total_credits: number; total_usage: number }> =>
      (await ask(system(), 'GET', '/api/v1/credits', undefined, { key: system().managementKey })).json.data;

    /** Limits that all meet the calls of one key; `tightest` leaves room for three of them. */
    const refusedBy = async (tightest: Tightest): Promise<unknown> => {
      const of = (name: Tightest): number => (name === tightest ? TIGHT_USD : AMPLE_USD);
      await withinOneDay(TURN_MS);
      const spent = await credits();
      const tag = `of-${tightest.replaceAll(' ', '-')}`;
      const member = await newMember(system());
      const { key, hash } = await newKey(system(), { limit: of('key'), creator_user_id: member });
      const guardrail = await newGuardrail(system(), { limit_usd: of('guardrail'), reset_interval: 'weekly' });
      await manage(system(), 'POST', `/guardrails/${guardrail}/assignments/members`, { member_user_ids: [member] });
      await untilMet(system(), key, { scope: 'guardrail', scope_id: guardrail, limit: of('guardrail') });
      // The workspace has spent before: its budget of the day counts that.
      const removals = [
        await setLimit(
          system(),
          { scope: 'key', scope_id: hash, metric: 'usd', window: 'day', limit: of('limit of each key') },
          key,
        ),
        await setLimit(
          system(),
          { scope: 'member', scope_id: member, metric: 'usd', window: 'month', limit: of('member') },
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
        const more = tightest === 'wallet' ? await moreThanTheWallet() : {};
        const refused = await untilSaidForGood(() => dime(system(), 0, { ...body, ...more }));
        expect(Math.round((await usageOfInTheEnd(key, 3 * COST_USD)) * 1e12)).toBe(3e11);
        return refused;
      } finally {
        for (const remove of removals) await remove();
        await manage(system(), 'DELETE', `/guardrails/${guardrail}`);
      }
    };
    const moreThanTheWallet = async (): Promise<{ model: string; times: number }> => {
      const { total_credits, total_usage } = await credits();
      return {
        model: DEAR_MODEL,
        times: Math.ceil((total_credits - total_usage + 1) / (OUTPUT_TOKENS * DEAR_TOKEN_USD)),
      };
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
      expect(await refusedBy('member')).toMatchObject({ scope: 'member', window: 'month', limit: '0.35' });
      expect(await refusedBy('guardrail')).toMatchObject({ scope: 'guardrail', window: 'week', limit: '0.35' });
      expect(await refusedBy('workspace')).toMatchObject({ scope: 'workspace', window: 'day' });
      expect(await refusedBy('tag')).toMatchObject({ scope: 'tag', window: 'week', limit: '0.35' });
      expect(await refusedBy('end user')).toMatchObject({ scope: 'end-user', window: 'month', limit: '0.35' });
      expect(await refusedBy('wallet')).toMatchObject({ scope: 'wallet', window: 'lifetime' });
      await invariants(system(), { withinMs: deadline(SLICES_BACK_MS), withoutLeases: true });
    });
  });
};
