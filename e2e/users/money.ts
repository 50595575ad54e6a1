// Two hundred requests of every kind, and not one picodollar unexplained; and budgets that hold under concurrency.
import type { RunningSystem } from '@waystation/testing';
import { ask, complete, say, stream, type ErrorBody } from '../support/ask.ts';
import { audit, baseline, creditsUsed, type Told } from '../support/audit.ts';
import { asOperator } from '../support/operator.ts';
import { story, type Random } from '../support/story.ts';
import { billOf, forgetTruth, sandboxPrices, truth } from '../support/truth.ts';
import { until } from '../support/wait.ts';
import { parseUsd } from '@waystation/contracts';

const REQUESTS = 200;
const AT_ONCE = 20;

const tools = [
  {
    type: 'function',
    function: { name: 'look_up', parameters: { type: 'object', properties: { word: { type: 'string' } } } },
  },
];

interface Asked extends Told {
  readonly model: string;
  readonly cancelled: boolean;
  readonly error: ErrorBody | undefined;
  /** The cost that the response told, if it told one. */
  readonly cost: bigint | undefined;
}

const costIn = (text: string): bigint | undefined => {
  const told = /"cost":\s*([0-9.]+(?:e-?\d+)?)/.exec(text)?.[1];
  // Below 10⁻⁶ JavaScript writes an exponent.
  return told === undefined ? undefined : (parseUsd(told) ?? parseUsd(Number(told).toFixed(12)));
};

const sumOf = (amounts: readonly string[]): bigint =>
  amounts.reduce((sum, amount) => sum + (parseUsd(amount) ?? fail(amount)), 0n);
const fail = (amount: string): never => {
  throw new Error(`no exact amount of USD: ${amount}`);
};

interface Explained {
  readonly cost: string;
  readonly lines: readonly { readonly count: number; readonly unit_price: string; readonly amount: string }[];
  readonly paid: Readonly<Record<'credits' | 'waste' | 'variance' | 'byok' | 'unbilled', string>>;
  readonly policy: { readonly bearer: string; readonly why: string };
  readonly history: readonly { readonly credits: string; readonly reason: string }[];
}

/** What a person finds who adds up the explanation: count × price is the line, the lines are the cost, the cost is what was borne, and the revisions are what was paid. */
const explainedCost = (attempts: readonly Explained[]): bigint => {
  let paid = 0n;
  for (const { cost, lines, paid: parts, policy, history } of attempts) {
    for (const line of lines) expect(BigInt(line.count) * sumOf([line.unit_price])).toBe(sumOf([line.amount]));
    const total = sumOf(lines.map(({ amount }) => amount));
    expect([total, sumOf(Object.values(parts))]).toEqual([sumOf([cost]), sumOf([cost])]);
    const credits = sumOf([parts.credits]);
    expect(sumOf(history.map((revision) => revision.credits))).toBe(credits);
    expect([policy.why, ...history.map(({ reason }) => reason)]).not.toContain('');
    if (policy.bearer === 'customer') expect(credits).toBe(total - sumOf([parts.variance, parts.unbilled, parts.byok]));
    else expect(credits).toBe(0n);
    paid += credits;
  }
  return paid;
};

const MODELS = [
  'sandbox/echo',
  'sandbox/echo-b',
  'sandbox/free',
  'sandbox/reason',
  'sandbox/cache',
  'sandbox/tools',
  'sandbox/late-usage',
  'sandbox/split-bytes',
  'sandbox/comments',
  'sandbox/crlf',
] as const;
const FAILING = [
  'sandbox/fail-500',
  'sandbox/fail-400',
  'sandbox/fail-429',
  'sandbox/error-first',
  'sandbox/empty',
  'sandbox/die-after-30',
  'sandbox/error-after-5',
  'sandbox/no-finish',
  'sandbox/reset-before-headers',
] as const;

/** Stands for a tool call: as long as one token is, for a call may be cut after one. */
const A_CALL = 'call';

export const money = (system: () => RunningSystem): void => {
  describe('money', () => {
    const askSomething = async (random: Random, index: number): Promise<Asked> => {
      const label = `money-${index}`;
      const kind = random.next();
      const model = kind < 0.8 ? random.pick(MODELS) : random.pick(FAILING);
      const text = `request ${index}: ${'way station '.repeat(random.whole(0, 60))}`;
      const body: Record<string, unknown> = {
        ...say(text, model),
        ...(model === 'sandbox/tools' ? { tools } : {}),
        ...(random.next() < 0.3 ? { max_tokens: random.whole(1, 200) } : {}),
        ...(kind >= 0.8 && random.next() < 0.5 ? { models: ['sandbox/echo'] } : {}),
        sandbox: { label },
      };
      if (kind > 0.7 && kind < 0.8) {
        // Leaves after a few tokens of a slow answer.
        const leave = new AbortController();
        const after = random.whole(1, 400);
        const slow = { ...say(text), sandbox: { label, outputTokens: 200, tokenDelayMs: 10 } };
        const end = await stream(system(), slow, {
          signal: leave.signal,
          onText: (soFar) => soFar.length > after * 10 && leave.abort(),
        });
        return {
          label,
          model: 'sandbox/echo',
          generationId: end.generationId,
          content: end.content,
          cancelled: end.broken,
          whole: end.done && end.error === undefined,
          error: end.error,
          cost: undefined,
        };
      }
      if (random.next() < 0.5) {
        const end = await stream(system(), body);
        return {
          label,
          model,
          generationId: end.generationId,
          content: end.content || (/"tool_calls"/.test(end.text) ? A_CALL : ''),
          cancelled: false,
          whole: end.done && end.error === undefined,
          error: end.error,
          cost: end.usage && costIn(JSON.stringify(end.usage)),
        };
      }
      const { json, headers, text: answer } = await complete(system(), body);
      const message = json?.choices?.[0]?.message;
      return {
        label,
        model,
        generationId: headers.get('x-generation-id') ?? undefined,
        content: message?.content ?? (message?.tool_calls ? A_CALL : ''),
        cancelled: false,
        whole: json?.error === undefined,
        error: json?.error,
        cost: costIn(answer),
      };
    };

    story(
      '200 mixed requests: each costs tokens × price, credits fall by the sum, the ledger adds up, and the provider agrees',
      system,
      async (random) => {
        const before = await baseline(system(), { leases: false });
        await forgetTruth(system());
        const prices = await sandboxPrices(system());
        const asked: Asked[] = [];
        let next = 0;
        const worker = async (): Promise<void> => {
          while (next < REQUESTS) asked.push(await askSomething(random, next++));
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
        expect(asked).toHaveLength(REQUESTS);

        const { records, charges } = await audit(system(), asked, before, { leases: false });
        const calls = await truth(system());
        let sum = 0n;
        for (const one of asked) {
          if (one.generationId === undefined || !records.has(one.generationId)) continue;
          const { json, text } = await until('the generation is settled', 30_000, async () => {
            const answer = await ask(system(), 'GET', `/api/v1/generation?id=${one.generationId}`);
            expect(answer.status).toBe(200);
            return answer.json.data.settled === true ? answer : undefined;
          });
          const cost =
            parseUsd(/"total_cost":\s*([0-9.]+)/.exec(text)?.[1] ?? '') ??
            BigInt(Math.round(json.data.total_cost * 1e12));
          sum += cost;
          expect({ ...one, explained: explainedCost(json.data.charges) }).toEqual({ ...one, explained: cost });
          // What is shown is what was booked.
          const booked = (charges.get(one.generationId) ?? []).filter((charge) => charge.payer === 'credits');
          expect({ ...one, cost, booked }).toEqual({
            ...one,
            cost: booked.reduce((total, charge) => total + BigInt(charge.amount), 0n),
            booked,
          });
          const served = calls.findLast((call) => call.label === one.label);
          const price = prices.get(json.data.model ?? '');
          if (price === undefined || served === undefined) {
            expect({ ...one, cost }).toEqual({ ...one, cost: 0n });
            continue;
          }
          // What the provider says, to the last picodollar, wherever the client got a whole answer.
          if (one.error === undefined && served.outcome === 'completed' && served.completionTokens > 0)
            expect({ ...one, cost }).toEqual({ ...one, cost: billOf(served, price) });
          if (one.cost !== undefined) expect({ ...one, cost }).toEqual({ ...one, cost: one.cost });
        }
        // Whatever failed or was left in the middle: ingress and worker tell of the same end alike.
        expect(await asOperator(system(), (operator) => operator.disagreements())).toEqual([]);
        const kinds = {
          completed: calls.filter((call) => call.outcome === 'completed').length,
          failed: calls.filter((call) => call.outcome === 'failed').length,
        };
        expect(kinds.completed).toBeGreaterThan(100);
        expect(kinds.failed).toBeGreaterThan(5);
        expect((await creditsUsed(system())) - before.used).toBe(sum);
      },
    );

    describe('a budget of a key', () => {
      const COST = 4n * 150_000n + 3n * 150_000n + 50n * 600_000n;
      const fifty = (label: string) => ({
        ...say('hello there'),
        max_tokens: 50,
        sandbox: { label, outputTokens: 50 },
      });
      const newKey = async (limit: bigint): Promise<string> => {
        const usd = Number(limit) / 1e12;
        const { status, json } = await ask(
          system(),
          'POST',
          '/api/v1/keys',
          { name: 'budget', limit: usd },
          { key: system().managementKey },
        );
        expect(status).toBe(201);
        return json.key as string;
      };
      const usageOf = async (key: string): Promise<{ usage: number; limit_remaining: number }> =>
        (await ask(system(), 'GET', '/api/v1/key', undefined, { key })).json.data;

      story('holds against thirty at once, and names itself in the refusals', system, async () => {
        const limit = COST * 10n;
        const key = await newKey(limit);
        await until('the key is known', 5_000, async () =>
          (await ask(system(), 'GET', '/api/v1/key', undefined, { key })).status === 200 ? true : undefined,
        );
        const answers = await Promise.all(
          Array.from({ length: 30 }, (_, index) => complete(system(), fifty(`budget-${index}`), { key })),
        );
        const admitted = answers.filter(({ status }) => status === 200);
        const refused = answers.filter(({ status }) => status !== 200);
        expect(admitted.length).toBeGreaterThan(0);
        expect(BigInt(admitted.length) * COST).toBeLessThanOrEqual(limit);
        expect(refused.length).toBeGreaterThanOrEqual(20);
        for (const { status, json } of refused)
          expect({ status, message: json.error.message }).toEqual({
            status: 402,
            message: expect.stringMatching(/key/i),
          });
        await until('the usage of the key is booked', 10_000, async () =>
          Math.round((await usageOf(key)).usage * 1e12) === Number(BigInt(admitted.length) * COST) ? true : undefined,
        );
      });

      story('is spent to the last request that fits when the refused come back, and not beyond', system, async () => {
        const limit = COST * 6n;
        const key = await newKey(limit);
        await until('the key is known', 5_000, async () =>
          (await ask(system(), 'GET', '/api/v1/key', undefined, { key })).status === 200 ? true : undefined,
        );
        let admitted = 0;
        let final: unknown;
        const answers: string[] = [];
        const caller = async (name: number): Promise<void> => {
          for (let turn = 0; turn < 40 && final === undefined; turn += 1) {
            const { status, headers, json } = await complete(system(), fifty(`again-${name}-${turn}`), { key });
            answers.push(`${status} ${json?.usage?.cost ?? JSON.stringify(json?.error?.metadata)}`);
            if (status === 200) admitted += 1;
            else if (headers.get('retry-after') === null) final = json.error;
            else await new Promise((resolve) => setTimeout(resolve, 100));
          }
        };
        await Promise.all(Array.from({ length: 8 }, (_, index) => caller(index)));
        const asked = parseUsd((final as { metadata?: { quota?: { asked?: string } } }).metadata?.quota?.asked ?? '');
        expect(final).toMatchObject({ code: 402 });
        expect(BigInt(admitted) * COST).toBeLessThanOrEqual(limit);
        // What was asked for one more did not fit into what was left, and nothing of it was kept from those who waited.
        const fitsNoMore = limit - BigInt(admitted) * COST < (asked ?? 0n);
        const { usage } = fitsNoMore ? { usage: undefined } : await usageOf(key);
        expect({ fitsNoMore, usage, answers }).toEqual({ fitsNoMore: true, usage: undefined, answers });
      });
    });
  });
};
