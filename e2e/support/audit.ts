// What must hold after every fault: the ledger adds up, no lease is left, every generation that reached a provider has exactly one record and its charges
// agree with the sandbox's truth by the outcome policy, and no process has ended.
import { parseUsd, type GenerationRecorded } from '@waystation/contracts';
import { invariants, type RunningSystem } from '@waystation/testing';
import { ask } from './ask.ts';
import { asOperator, type Charge } from './operator.ts';
import { billOf, sandboxPrices, truth, type TokenPrice, type TruthCall } from './truth.ts';
import { until } from './wait.ts';

const SETTLED_WITHIN_MS = 20_000;
/** A lease that keeps the hold of a lost or cancelled attempt is swept 30 s after its end, which is 60 s away at most. */
const LEASE_LIFE_MS = 90_000;

/** One request as its client saw it. */
export interface Told {
  /** The label in its script. */
  readonly label: string;
  readonly generationId: string | undefined;
  /** Text that the client got. */
  readonly content: string;
}

export interface Audit {
  readonly records: ReadonlyMap<string, GenerationRecorded>;
  readonly charges: ReadonlyMap<string, readonly Charge[]>;
}

/** The exact number behind `"total_usage":`, which a double might not hold. */
export const creditsUsed = async (system: RunningSystem): Promise<bigint> => {
  const { text, status } = await ask(system, 'GET', '/api/v1/credits', undefined, { key: system.managementKey });
  const used = parseUsd(/"total_usage":\s*([0-9.]+)/.exec(text)?.[1] ?? '');
  if (status !== 200 || used === undefined) throw new Error(`GET /credits answered ${status}: ${text.slice(0, 300)}`);
  return used;
};

export interface Baseline {
  readonly used: bigint;
  readonly generations: ReadonlySet<string>;
}

/** Where things stand before a test's requests. */
export const baseline = (system: RunningSystem): Promise<Baseline> =>
  asOperator(system, async (operator) => ({
    used: await creditsUsed(system),
    generations: new Set((await operator.generations()).map((record) => record.generationId)),
  }));

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

export const deadProcesses = (system: RunningSystem): string[] =>
  system.processes.filter((name) => !alive(system.pid(name)));

const priceOf = (prices: ReadonlyMap<string, TokenPrice>, model: string): TokenPrice => {
  const price = prices.get(model);
  if (price === undefined) throw new Error(`the sandbox lists no price of ${model}`);
  return price;
};

const paidBy = (charges: readonly Charge[], payer: Charge['payer']): bigint =>
  charges.filter((charge) => charge.payer === payer).reduce((sum, charge) => sum + BigInt(charge.amount), 0n);

/** What is wrong with the charges of one generation, given what the client got and what the provider billed. */
const complaints = (
  told: Told,
  charges: readonly Charge[],
  calls: readonly TruthCall[],
  prices: ReadonlyMap<string, TokenPrice>,
): string[] => {
  const paid = paidBy(charges, 'credits');
  const say = (wrong: string): string =>
    `${told.generationId ?? told.label}: ${wrong}; charges ${JSON.stringify(charges)}; truth ${JSON.stringify(calls)}; the client got ${told.content.length} characters`;
  if (calls.length === 0) return paid === 0n ? [] : [say('charged, and no provider was called')];
  const served = calls.at(-1) as TruthCall;
  const price = priceOf(prices, served.model.startsWith('sandbox/') ? served.model : `sandbox/${served.model}`);
  const bill = billOf(served, price);
  const exact = charges.every((charge) => charge.usageSource === 'provider');
  if (served.outcome === 'completed' && exact && told.content !== '' && paid !== bill)
    return [say(`charged ${paid}, billed ${bill}`)];
  if (told.content === '' && paid !== 0n && served.completionTokens === 0) return [say(`charged ${paid} for nothing`)];
  // Estimated: the prompt's estimate is a bound, so only the output is held against the truth, to one token in flight.
  const output = charges.reduce(
    (sum, charge) =>
      sum + (charge.payer === 'credits' ? (charge.usage['output'] ?? 0) + (charge.usage['reasoning'] ?? 0) : 0),
    0,
  );
  if (paid > 0n && output > served.completionTokens + 1)
    return [say(`charged for ${output} output tokens, ${served.completionTokens} were billed`)];
  return [];
};

/** All of it. `requests` are all that were made since `before`. With `leases: false` it does not wait for the last lease to end. */
export const audit = async (
  system: RunningSystem,
  requests: readonly Told[],
  before: Baseline,
  options: { readonly leases?: boolean } = {},
): Promise<Audit> => {
  const prices = await sandboxPrices(system);
  const calls = await until('every call of the sandbox has ended', SETTLED_WITHIN_MS, async () => {
    const all = await truth(system);
    return all.some((call) => call.outcome === 'running') ? undefined : all;
  });
  const callsOf = (label: string): TruthCall[] => calls.filter((call) => call.label === label);
  const reached = requests.filter(({ generationId, label }) => generationId !== undefined && callsOf(label).length > 0);

  return asOperator(system, async (operator) => {
    const records = await until('every generation that reached a provider is recorded', SETTLED_WITHIN_MS, async () => {
      const since = (await operator.generations()).filter(({ generationId }) => !before.generations.has(generationId));
      const byId = new Map(since.map((record) => [record.generationId, record]));
      return reached.every(({ generationId }) => byId.has(generationId ?? '')) ? byId : undefined;
    });
    const report = await invariants(system, {
      withinMs: SETTLED_WITHIN_MS + LEASE_LIFE_MS * system.timeScale,
      withoutLeases: options.leases ?? true,
    });
    expect(report.debits).toBe(report.credits);

    const charges = new Map<string, readonly Charge[]>();
    for (const generationId of new Set([
      ...records.keys(),
      ...requests.flatMap((request) => request.generationId ?? []),
    ])) {
      charges.set(generationId, await operator.charges(generationId));
    }
    const wrong = requests.flatMap((request) => {
      const its = charges.get(request.generationId ?? '') ?? [];
      const calls = callsOf(request.label);
      if (request.generationId !== undefined && calls.length > 0 && its.length === 0) {
        return [`${request.generationId} reached a provider and has no terminal record in the ledger`];
      }
      return complaints(request, its, calls, prices);
    });
    expect(wrong).toEqual([]);

    const paid = [...charges.values()].reduce((sum, its) => sum + paidBy(its, 'credits'), 0n);
    expect((await creditsUsed(system)) - before.used).toBe(paid);
    expect(deadProcesses(system)).toEqual([]);
    return { records, charges };
  });
};
