// Row 15, first half: the price changes while a stream is open. The stream is charged by the price of its plan; calls that come after it by the new one.
import {
  BillingGenerationExplain,
  BillingLedgerVerify,
  BillingRerateApply,
  BillingReratePlan,
  parseUsd,
} from '@waystation/contracts';
import type { RunningSystem } from '@waystation/testing';
import { ask, complete, say, stream } from '../support/ask.ts';
import { asOperator, WORKSPACE } from '../support/operator.ts';
import { story } from '../support/story.ts';
import { deadline, scaled, until } from '../support/wait.ts';

const MODEL = 'price-lab/echo';
const ENDPOINT = `${MODEL}@price-lab`;
const TOKENS = 40;
/** The stream is still open when the file has been looked at again and the new price has come everywhere. */
const tokenDelayMs = (): number => 100 + scaled(200);
const [OLD, NEW] = ['0.15', '0.45'];
const PICODOLLARS_PER_TOKEN = 1_000_000n;
const operator = { kind: 'service' as const, permissions: ['operator', 'generations:read'] };

/** The sandbox under another name, at a price of the operator's own. */
const configOf = (sandboxUrl: string, output: string): string => `providers:
  - slug: price-lab
    dialect: openai-chat
    baseUrl: ${sandboxUrl}/v1
    endpoints:
      - model: ${MODEL}
        upstreamModel: sandbox/echo
        context: 8000
        maxOutput: 4000
        price: { input: "0", output: "${output}" }
`;

const costOf = (output: string): bigint => BigInt(TOKENS) * ((parseUsd(output) ?? 0n) / PICODOLLARS_PER_TOKEN);

export const row15 = (system: () => RunningSystem): void => {
  describe('row 15', () => {
    const listedAt = async (output: string): Promise<true | undefined> => {
      const { json } = await ask(system(), 'GET', `/api/v1/models/${MODEL}/endpoints`);
      return parseUsd(json?.data?.endpoints?.[0]?.pricing?.completion ?? '') === costOf(output) / BigInt(TOKENS)
        ? true
        : undefined;
    };
    const chargesOf = (generationId: string) =>
      asOperator(system(), (_, bus) =>
        until('the charge is booked', deadline(5_000), async () => {
          const { charges } = await bus.request(BillingGenerationExplain, {
            ...{ v: 1, principal: operator, workspaceId: WORKSPACE, generationId },
          });
          return charges.length > 0 ? charges : undefined;
        }),
      );

    story('a stream keeps the price of its plan, and re-rating brings it to another', system, async () => {
      await system().configure(configOf(system().sandboxUrl, OLD));
      await until('the old price is listed', deadline(10_000), () => listedAt(OLD));
      let changed: Promise<true> | undefined;
      let endedFirst = false;
      const body = { ...say('a long story', MODEL), sandbox: { outputTokens: TOKENS, tokenDelayMs: tokenDelayMs() } };
      const end = await stream(system(), body, {
        onText: () => {
          changed ??= (async () => {
            await system().configure(configOf(system().sandboxUrl, NEW));
            const listed = await until('the new price is listed', deadline(10_000), () => listedAt(NEW));
            expect(endedFirst).toBe(false);
            return listed;
          })();
        },
      });
      endedFirst = true;
      await changed;
      expect([end.status, end.done]).toEqual([200, true]);
      const during = end.generationId ?? '';
      const after = await complete(system(), { ...say('again', MODEL), sandbox: { outputTokens: TOKENS } });
      expect(after.status).toBe(200);

      const { json: history } = await ask(
        system(),
        'GET',
        `/api/v1/prices?endpoint=${encodeURIComponent(ENDPOINT)}`,
        undefined,
        {
          key: system().managementKey,
        },
      );
      const [current, former] = history.data;
      expect([current.ended_at, former.ended_at]).toEqual([null, current.effective_at]);
      expect(await chargesOf(during)).toMatchObject([
        { amount: costOf(OLD).toString(), payer: 'credits', priceVersion: former.version },
      ]);
      expect(await chargesOf(after.json.id)).toMatchObject([
        { amount: costOf(NEW).toString(), payer: 'credits', priceVersion: current.version },
      ]);

      // The operator finds that the old price was wrong all the time.
      const meant = {
        selection: { provider: 'price-lab', model: MODEL, from: Date.now() - 3_600_000, to: Date.now() },
        priceVersion: current.version as string,
      };
      await asOperator(system(), async (_, bus) => {
        const plan = await bus.request(BillingReratePlan, { v: 1, principal: operator, ...meant });
        const difference = (costOf(NEW) - costOf(OLD)).toString();
        expect(plan).toMatchObject({
          totals: { attempts: 1, chargedDifference: difference },
          differences: [{ generationId: during, chargedDifference: difference }],
        });
        const { run } = await bus.request(BillingRerateApply, {
          ...{ v: 1, principal: operator, ...meant, rerateId: `row-15-${Date.now()}`, reason: 'row 15' },
        });
        expect(run).toMatchObject({ state: 'finished', totals: { chargedDifference: difference } });
        expect(await chargesOf(during)).toMatchObject([
          { revision: 0, amount: costOf(OLD).toString(), priceVersion: former.version },
          { revision: 1, amount: difference, priceVersion: current.version, rerateId: run.rerateId },
        ]);
        expect(await bus.request(BillingLedgerVerify, { v: 1, principal: operator })).toMatchObject({ problems: [] });
      });
      await system().configure('');
    });
  });
};
