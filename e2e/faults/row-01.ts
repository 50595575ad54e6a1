// Row 1: 1000 at once against a budget of fifty, over three ingress processes: exactly fifty; and where each may cost three times what it does, fifty in the end.
import type { FakeUpstream, RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { timeScaleOfEnvironment } from '../config.ts';
import type { Answer } from '../support/ask.ts';
import { baseline } from '../support/audit.ts';
import { COST_USD, dime, newKey, usageOf } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { invariants } from '@waystation/testing';
import { until } from '../support/wait.ts';

const BUDGET_USD = 5;
const FIT = 50;
const REQUESTS = 1_000;
const SETTLED_WITHIN_MS = 60_000;
/** Twenty times over with real constants. */
const RUNS = timeScaleOfEnvironment() === 1 ? 20 : 3;

const statuses = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

export const row01 = (system: () => RunningSystem, lab: () => FakeUpstream): void => {
  describe('row 1', () => {
    const expectBooked = async (key: string): Promise<void> => {
      await until('all is booked', SETTLED_WITHIN_MS, async () =>
        (await usageOf(system(), key)) === BUDGET_USD ? true : undefined,
      );
      const report = await invariants(system(), { withinMs: SETTLED_WITHIN_MS, withoutLeases: true });
      expect(report.debits).toBe(report.credits);
    };

    story('exactly fifty are admitted where each costs what it may cost', system, async () => {
      for (let run = 0; run < RUNS; run += 1) {
        const { key } = await newKey(system(), { limit: BUDGET_USD });
        await baseline(system());
        const called = lab().requests.length;
        const answers = await Promise.all(
          Array.from({ length: REQUESTS }, (_, ordinal) => dime(system(), ordinal, { key })),
        );
        expect({ run, ...statuses(answers) }).toEqual({ run, 200: FIT, 402: REQUESTS - FIT });
        for (const { status, json } of answers) {
          if (status === 200) continue;
          expect(json.error.metadata.quota).toMatchObject({ scope: 'key', metric: 'usd' });
        }
        expect(lab().requests.length - called).toBe(FIT);
        await expectBooked(key);
      }
    });

    story(
      'and fifty in the end where each may cost three times as much, when the refused come back',
      system,
      async () => {
        for (let run = 0; run < RUNS; run += 1) {
          const { key } = await newKey(system(), { limit: BUDGET_USD });
          const called = lab().requests.length;
          let admitted = 0;
          const caller = async (name: number): Promise<void> => {
            for (let turn = 0; ; turn += 1) {
              // The last of them fit only with a smaller hold: that is for the client to ask for, once waiting no longer helps.
              const { status, headers, json } = await dime(system(), name + turn, { key, times: 3 });
              if (status === 200) admitted += 1;
              else if (headers.get('retry-after') === null) {
                expect({ status, scope: json?.error?.metadata?.quota?.scope }).toEqual({ status: 402, scope: 'key' });
                return;
              } else await sleep(50 + Math.random() * 100);
            }
          };
          await Promise.all(Array.from({ length: 100 }, (_, name) => caller(name)));
          for (let ordinal = 0; ; ordinal += 1) {
            const { status, headers } = await dime(system(), ordinal, { key });
            if (status === 200) admitted += 1;
            else if (headers.get('retry-after') === null) break;
            else await sleep(100);
          }
          expect({ run, admitted, called: lab().requests.length - called }).toEqual({
            run,
            admitted: FIT,
            called: FIT,
          });
          expect(FIT * COST_USD).toBe(BUDGET_USD);
          await expectBooked(key);
        }
      },
    );
  });
};
