// Row 1 for members and guardrails: many at once, over three ingress processes and several keys, against a budget that all of them share, or that each has for itself.
import { invariants, type FakeUpstream, type RunningSystem } from '@waystation/testing';
import type { Answer } from '../support/ask.ts';
import {
  COST_USD,
  dime,
  FREE_MODEL,
  manage,
  MODEL,
  newGuardrail,
  newKey,
  newMember,
  setLimit,
  untilMet,
  usageOf,
} from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { until, withinOneDay } from '../support/wait.ts';

const REQUESTS = 120;
const FIT = 20;
const SETTLED_WITHIN_MS = 60_000;
const SLICES_BACK_MS = 60_000;
/** Limits of a day begin anew at midnight. */
const TURN_MS = 60_000;

export const row01Scopes = (system: () => RunningSystem, lab: () => FakeUpstream): void => {
  describe('row 1, of members and guardrails', () => {
    const keysOf = async (count: number, settings: object = {}) => {
      const keys = [];
      for (let each = 0; each < count; each += 1) keys.push(await newKey(system(), { ...settings }));
      return keys;
    };
    const give = async (guardrail: string, to: 'keys' | 'members', ids: readonly string[]): Promise<void> => {
      const body = to === 'keys' ? { key_hashes: ids } : { member_user_ids: ids };
      await manage(system(), 'POST', `/guardrails/${guardrail}/assignments/${to}`, body);
    };
    /** All at once, by the keys in turn. Answers those that were refused, of whom none reached the provider. */
    const rush = async (
      keys: readonly { readonly key: string }[],
      expected: { readonly fit: number; readonly refused: number; readonly model?: string },
      requests = REQUESTS,
    ): Promise<Answer[]> => {
      const called = lab().requests.length;
      const { fit, refused, model = MODEL } = expected;
      const answers = await Promise.all(
        Array.from({ length: requests }, (_, ordinal) =>
          dime(system(), ordinal, { key: keys[ordinal % keys.length]?.key ?? '', model }),
        ),
      );
      const counts = new Map<number, number>();
      for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
      expect(Object.fromEntries(counts)).toEqual({
        ...(fit === 0 ? {} : { 200: fit }),
        [refused]: requests - fit,
      });
      expect(lab().requests.length - called).toBe(fit);
      return answers.filter(({ status }) => status !== 200);
    };
    const quotasOf = (answers: readonly Answer[]): Record<string, unknown>[] =>
      answers.map(({ json }) => json.error.metadata.quota as Record<string, unknown>);
    /** Of the last that was refused, when nothing is under way any more. */
    const saidForGood = (key: string): Promise<Record<string, unknown>> =>
      until('it is refused for good', SETTLED_WITHIN_MS, async () => {
        const answer = await dime(system(), 0, { key });
        expect(answer.status).toBe(402);
        return answer.headers.get('retry-after') === null ? quotasOf([answer])[0] : undefined;
      });
    const expectBooked = async (keys: readonly { readonly key: string }[], usd: number): Promise<void> => {
      await until('all is booked', SETTLED_WITHIN_MS, async () => {
        let sum = 0;
        for (const { key } of keys) sum += await usageOf(system(), key);
        return Math.round(sum * 1e12) === Math.round(usd * 1e12) ? true : undefined;
      });
      await invariants(system(), { withinMs: SLICES_BACK_MS, withoutLeases: true });
    };

    story('a member has one budget for all of its keys, exact to the picodollar', system, async () => {
      await withinOneDay(TURN_MS);
      const member = await newMember(system());
      const keys = await keysOf(3, { creator_user_id: member });
      const [{ key } = { key: '' }] = keys;
      const limit = { scope: 'member', scope_id: member, metric: 'usd', window: 'day' };
      const almost = FIT * COST_USD - 1e-12;
      await setLimit(system(), { ...limit, limit: almost }, key);
      for (const other of keys.slice(1)) await untilMet(system(), other.key, { ...limit, limit: almost });
      const refused = await rush(keys, { fit: FIT - 1, refused: 402 });
      expect(quotasOf(refused).every(({ scope }) => scope === 'member')).toBe(true);
      expect(await saidForGood(key)).toMatchObject({ scope: 'member', left: '0.099999999999', asked: '0.1' });
      await expectBooked(keys, (FIT - 1) * COST_USD);

      const remove = await setLimit(system(), { ...limit, limit: FIT * COST_USD }, key);
      for (const other of keys.slice(1)) await untilMet(system(), other.key, { ...limit, limit: FIT * COST_USD });
      await rush(keys, { fit: 1, refused: 402 }, 30);
      await expectBooked(keys, FIT * COST_USD);
      const listed = (await manage(system(), 'GET', '/workspaces/default/limits')) as unknown as Record<
        string,
        unknown
      >[];
      expect(listed.find(({ scope_id: whose }) => whose === member)).toMatchObject({
        used: 2,
        in_flight: 0,
        remaining: 0,
      });
      await remove();
    });

    story('a member has one number of requests for all of its keys', system, async () => {
      await withinOneDay(TURN_MS);
      const member = await newMember(system());
      const keys = await keysOf(3, { creator_user_id: member });
      const limit = { scope: 'member', scope_id: member, metric: 'requests', window: 'day', limit: FIT };
      const remove = await setLimit(system(), limit, keys[0]?.key ?? '');
      for (const { key } of keys) await untilMet(system(), key, limit);
      const refused = await rush(keys, { fit: FIT, refused: 429, model: FREE_MODEL });
      for (const { headers, json } of refused) {
        expect(json.error.metadata.quota).toMatchObject({ scope: 'member', metric: 'requests', window: 'day' });
        expect(headers.get('retry-after')).not.toBeNull();
      }
      await remove();
    });

    story(
      'a guardrail gives a member one budget for all of its keys, and each key one for itself',
      system,
      async () => {
        const member = await newMember(system());
        const shared = await keysOf(2, { creator_user_id: member });
        const each = await keysOf(2);
        const guardrail = await newGuardrail(system(), { limit_usd: FIT * COST_USD, reset_interval: 'monthly' });
        await give(guardrail, 'members', [member]);
        await give(
          guardrail,
          'keys',
          each.map(({ hash }) => hash),
        );
        const met = { scope: 'guardrail', scope_id: guardrail, window: 'month', limit: FIT * COST_USD };
        for (const { key } of [...shared, ...each]) await untilMet(system(), key, met);

        const refused = [
          ...(await rush(shared, { fit: FIT, refused: 402 })),
          ...(await rush(each, { fit: 2 * FIT, refused: 402 })),
        ];
        for (const quota of quotasOf(refused))
          expect(quota).toMatchObject({ scope: 'guardrail', guardrail_id: guardrail, window: 'month', limit: '2' });
        await expectBooked([...shared, ...each], 3 * FIT * COST_USD);
        const at = `/guardrails/${guardrail}/assignments`;
        for (const path of [`${at}/members`, `${at}/keys`]) {
          const assigned = (await manage(system(), 'GET', path)) as unknown as { budget: unknown }[];
          for (const { budget } of assigned) expect(budget).toMatchObject({ used: 2, in_flight: 0, remaining: 0 });
          expect(assigned).toHaveLength(path.endsWith('keys') ? 2 : 1);
        }

        // A picodollar less than what one more costs is not enough, and another guardrail is no fresh start.
        const [{ key, hash } = { key: '', hash: '' }] = each;
        const another = await newGuardrail(system(), { limit_usd: (FIT + 1) * COST_USD - 1e-12 });
        await give(another, 'keys', [hash]);
        await untilMet(system(), key, { scope: 'guardrail', scope_id: another, window: 'lifetime' });
        expect(await saidForGood(key)).toMatchObject({ guardrail_id: another, left: '0.099999999999', asked: '0.1' });
        await manage(system(), 'PATCH', `/guardrails/${another}`, { limit_usd: (FIT + 1) * COST_USD });
        await untilMet(system(), key, { scope: 'guardrail', limit: (FIT + 1) * COST_USD });
        await rush([{ key }], { fit: 1, refused: 402 }, 10);
        await manage(system(), 'DELETE', `/guardrails/${another}`);
        await untilMet(system(), key, { scope: 'guardrail' }, false);
        expect((await dime(system(), 0, { key })).status).toBe(200);
      },
    );

    story(
      'the guardrail of the whole workspace restricts everybody, and a member’s cannot widen it',
      system,
      async () => {
        const member = await newMember(system());
        const { key } = await newKey(system(), { creator_user_id: member });
        const wide = await newGuardrail(system(), {
          allowed_models: [MODEL, FREE_MODEL],
          allowed_providers: ['priced'],
        });
        await give(wide, 'members', [member]);
        await manage(system(), 'PATCH', '/guardrails/default', { allowed_models: [FREE_MODEL] });
        try {
          const refused = await until('it is in force', SETTLED_WITHIN_MS, async () => {
            const answers = await Promise.all(
              system().ingressUrls.map((_url, ordinal) => dime(system(), ordinal, { key })),
            );
            return answers.every(({ status }) => status === 404) ? answers[0] : undefined;
          });
          expect(refused.json.error.availability).toMatchObject({ excluded_by: ['allowed_models'] });
          expect((await dime(system(), 0, { key, model: FREE_MODEL })).status).toBe(200);
        } finally {
          await manage(system(), 'DELETE', '/guardrails/default');
        }
        await until('it is gone', SETTLED_WITHIN_MS, async () =>
          (await dime(system(), 0, { key })).status === 200 ? true : undefined,
        );
      },
    );

    story('who is removed is out, with all of its keys, within seconds and for good', system, async () => {
      const member = await newMember(system());
      const keys = await keysOf(2, { creator_user_id: member });
      await manage(system(), 'DELETE', `/workspaces/default/members/${member}`);
      for (const { key, hash } of keys) {
        await until('its key is refused everywhere', SETTLED_WITHIN_MS, async () => {
          const answers = await Promise.all(
            system().ingressUrls.map((_url, ordinal) => dime(system(), ordinal, { key })),
          );
          return answers.every(({ status }) => status === 401) ? true : undefined;
        });
        await expect(manage(system(), 'PATCH', `/keys/${hash}`, { disabled: false })).rejects.toThrow(/was removed/);
      }
      await expect(newKey(system(), { creator_user_id: member })).rejects.toThrow(/no key was made/);
    });
  });
};
