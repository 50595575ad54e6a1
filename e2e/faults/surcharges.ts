// What a workspace pays on top of prices, through the running system: set over the API, charged to the picodollar in whole answers, streams, streams whose hold grows
// and streams whose client leaves, shown by the generation and by the statement, and nobody's any more once it is taken away.
import { createHash, randomBytes } from 'node:crypto';
import { priceVersionOf } from '@waystation/catalog';
import { attemptIdOf, newGenerationId, parseUsd, type GenerationFinished } from '@waystation/contracts';
import { invariants, type RunningSystem } from '@waystation/testing';
import { ask, complete, say, stream } from '../support/ask.ts';
import { asOperator, WORKSPACE } from '../support/operator.ts';
import { newKey } from '../support/priced-lab.ts';
import { story } from '../support/story.ts';
import { until } from '../support/wait.ts';

const RATES = { markup_percent: 7.5, byok_fee_percent: 5 };
const NONE = { markup_percent: 0, byok_fee_percent: 0 };
const AT = `/api/v1/workspaces/${WORKSPACE}/surcharges`;
const WITHIN_MS = 20_000;
const QUIET_WITHIN_MS = 100_000;

/** What a call cost at its price, and what was charged for it. */
interface Paid {
  readonly base: bigint;
  readonly cost: bigint;
}

/** Half up, worked out here by hand. */
const onTop = (base: bigint, perMille: bigint): bigint => (base * perMille + 500n) / 1_000n;

const amount = (name: string, text: string): bigint => {
  const told = new RegExp(`"${name}":\\s*"?([0-9.e-]+)`).exec(text)?.[1] ?? '';
  // Below 10⁻⁶ JavaScript writes an exponent.
  const exact = parseUsd(told) ?? parseUsd(Number(told).toFixed(12));
  if (told === '' || exact === undefined) throw new Error(`there is no ${name} in ${text.slice(0, 500)}`);
  return exact;
};

const paidIn = (text: string): Paid => ({
  base: amount('upstream_inference_prompt_cost', text) + amount('upstream_inference_completions_cost', text),
  cost: amount('cost', text),
});

const movementsOf = async (system: RunningSystem) => {
  const month = new Date().toISOString().slice(0, 7);
  const options = { key: system.managementKey };
  const { json } = await ask(system, 'GET', `/api/v1/statements/${month}`, undefined, options);
  const movements = json.movements as readonly { readonly kind: string; readonly amountUsd: string }[];
  const of = (kind: string): bigint =>
    -(parseUsd(movements.find((each) => each.kind === kind)?.amountUsd ?? '0') ?? 0n);
  return { usage: of('usage') + of('adjustments'), markup: of('markup'), fees: of('fees') };
};

/** A call with an own key, as its ingress would tell the journal: no plan leads to one yet. */
const byOwnKey = (base: bigint, keyHash: string): GenerationFinished => {
  const price = { perUnit: { output: base.toString() } };
  const generationId = newGenerationId(Date.now(), randomBytes);
  const attemptId = attemptIdOf(generationId, 0);
  const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
  return {
    ...{ kind: 'generation.finished', v: 1, at: Date.now(), ingress: 'ingress-1', generationId },
    ...{ identity: { workspaceId: WORKSPACE, keyHash }, outcome: 'completed', servedBy: attemptId },
    attempts: [
      {
        ...{ attemptId, provider: 'own', endpointId: 'own:model', model: 'own/model', dispatched: true },
        ...{ holdPicodollars: base.toString(), quotaSet: [`wallet:${WORKSPACE}`], deadlineAt: Date.now() },
        ...{ priceVersion: priceVersionOf(price, sha256), price, byok: true, surchargePpm: 50_000 },
        ...{ outcome: 'completed', usage: { output: 1 }, usageSource: 'provider' },
      },
    ],
  };
};

export const surcharges = (system: () => RunningSystem): void => {
  describe('what is on top of prices', () => {
    const set = (rates: Readonly<Record<string, unknown>>) =>
      ask(system(), 'PUT', AT, rates, { key: system().managementKey });
    afterAll(() => set(NONE));

    story('7.5 % and 5 % are charged to the picodollar, and the statement shows them', system, async (random) => {
      const { key, hash } = await newKey(system());
      await invariants(system(), { withinMs: QUIET_WITHIN_MS, withoutLeases: true });
      const before = await movementsOf(system());
      const all: Paid[] = [];
      /** As its client was told, in whole or as a stream. */
      const told = async (
        body: Readonly<Record<string, unknown>>,
        streamed: boolean,
      ): Promise<Paid & { id: string }> => {
        const { text, id } = await until('it is served', WITHIN_MS, async () => {
          if (streamed) {
            const { done, usage, generationId } = await stream(system(), body, { key });
            return done ? { text: JSON.stringify(usage), id: generationId ?? '' } : undefined;
          }
          const answer = await complete(system(), { ...body, max_tokens: 60 }, { key });
          const generationId = answer.headers.get('x-generation-id') ?? '';
          return answer.status === 200 ? { text: answer.text, id: generationId } : undefined;
        });
        const paid = paidIn(text);
        all.push(paid);
        return { ...paid, id };
      };
      const inForce = (isSo: (paid: Paid) => boolean) =>
        until('the rates are in force', WITHIN_MS, async () =>
          isSo(await told(say('Is it so?'), false)) ? true : undefined,
        );
      /** As billing has booked it. */
      const booked = async (id: string): Promise<Paid> => {
        const { text, json } = await until('the generation is settled', WITHIN_MS, async () => {
          const answer = await ask(system(), 'GET', `/api/v1/generation?id=${id}`, undefined, { key });
          return answer.status === 200 && answer.json.data.settled === true ? answer : undefined;
        });
        const [charge] = json.data.charges as readonly {
          readonly cost: string;
          readonly surcharge: { readonly account: string; readonly percent: string; readonly amount: string };
        }[];
        const base = parseUsd(charge?.cost ?? '') ?? -1n;
        const surcharge = parseUsd(charge?.surcharge.amount ?? '') ?? -1n;
        expect(charge?.surcharge).toMatchObject({ account: 'markup', percent: '7.5' });
        expect({ base, surcharge }).toEqual({ base, surcharge: onTop(base, 75n) });
        expect(amount('total_cost', text)).toBe(base + surcharge);
        return { base, cost: base + surcharge };
      };

      await inForce(({ base, cost }) => cost === base);
      expect(await set(RATES)).toMatchObject({ status: 200, json: { data: RATES } });
      await inForce(({ base, cost }) => cost > base);
      for (const bad of [
        { ...RATES, markup_percent: -1 },
        { ...RATES, byok_fee_percent: 5.00001 },
        { markup_percent: 1 },
      ])
        expect(await set(bad)).toMatchObject({ status: 400 });

      for (let turn = 0; turn < 8; turn += 1) {
        const paid = await told(say('way station '.repeat(random.whole(1, 40))), turn % 2 === 0);
        expect(paid).toMatchObject({ cost: paid.base + onTop(paid.base, 75n) });
        expect(await booked(paid.id)).toEqual({ base: paid.base, cost: paid.cost });
      }
      const long = await told({ ...say('long'), sandbox: { outputTokens: 1_500, tokenDelayMs: 1 } }, true);
      expect(await booked(long.id)).toEqual({ base: long.base, cost: long.base + onTop(long.base, 75n) });
      const leave = new AbortController();
      const left = await stream(
        system(),
        { ...say('left'), sandbox: { outputTokens: 200, tokenDelayMs: 10 } },
        { key, signal: leave.signal, onText: (soFar) => soFar.length > 40 && leave.abort() },
      );
      all.push(await booked(left.generationId ?? ''));

      const owned = BigInt(random.whole(10_000, 10_000_000));
      const line = byOwnKey(owned, hash);
      await asOperator(system(), async (operator, bus) => {
        await bus.facts.append(line);
        const charges = await until('the fee is booked', WITHIN_MS, async () => {
          const found = await operator.charges(line.generationId);
          return found.length > 0 ? found : undefined;
        });
        expect(charges.map((charge) => [charge.payer, BigInt(charge.amount)])).toEqual([
          ['credits', onTop(owned, 50n)],
          ['byok', owned],
        ]);
      });

      expect(await set(NONE)).toMatchObject({ status: 200, json: { data: NONE } });
      await inForce(({ base, cost }) => cost === base);
      await invariants(system(), { withinMs: QUIET_WITHIN_MS, withoutLeases: true });
      const after = await movementsOf(system());
      const usage = all.reduce((sum, { base }) => sum + base, 0n);
      const markup = all.reduce((sum, { base, cost }) => sum + cost - base, 0n);
      expect([usage > 0n, markup > 0n]).toEqual([true, true]);
      expect({
        usage: after.usage - before.usage,
        markup: after.markup - before.markup,
        fees: after.fees - before.fees,
      }).toEqual({ usage, markup, fees: onTop(owned, 50n) });
    });
  });
};
