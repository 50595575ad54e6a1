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
  /** Whether that was all of it, without an error. */
  readonly whole: boolean;
  /** Its provider told counts that cannot be: what it billed says nothing about the charge. */
  readonly misreported?: boolean;
  /** It broke off, and another attempt went on: both are paid for, and its test looks at each. */
  readonly continued?: boolean;
  /**
   * Its ingress was lost, so that only the ledger has a record of it; or its worker with it, so that it is settled from the last that was told, which may be less
   * than was delivered.
   */
  readonly lost?: 'ingress' | 'both';
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
export const baseline = async (
  system: RunningSystem,
  options: { readonly leases?: boolean } = {},
): Promise<Baseline> => {
  // Whatever came before is settled when no lease is open.
  await invariants(system, {
    withinMs: SETTLED_WITHIN_MS + LEASE_LIFE_MS * system.timeScale,
    withoutLeases: options.leases ?? true,
  });
  return asOperator(system, async (operator) => ({
    used: await creditsUsed(system),
    generations: new Set((await operator.generations()).map((record) => record.generationId)),
  }));
};

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

interface Net {
  readonly paid: bigint;
  /** As last concluded. */
  readonly output: number;
  readonly exact: boolean;
}

/** What each attempt's customer pays when all revisions are added up. */
const netOf = (charges: readonly Charge[]): Net[] =>
  [...Map.groupBy(charges, (charge) => charge.attemptId).values()].map((revisions) => {
    const last = revisions.at(-1);
    return {
      paid: paidBy(revisions, 'credits'),
      output: (last?.usage['output'] ?? 0) + (last?.usage['reasoning'] ?? 0),
      exact: last?.usageSource === 'provider',
    };
  });

/** What is wrong with the charges of one generation, given what the client got and what the provider billed. */
const complaintsOf = (
  told: Told,
  charges: readonly Charge[],
  calls: readonly TruthCall[],
  prices: ReadonlyMap<string, TokenPrice>,
): string[] => {
  const wrong: string[] = [];
  const say = (what: string): void => {
    const { label, generationId, content } = told;
    const facts = { label, generationId, content: content.length, whole: told.whole, charges, calls };
    wrong.push(`${what}: ${JSON.stringify(facts)}`);
  };
  const billOfCall = (call: TruthCall): bigint =>
    billOf(call, priceOf(prices, call.model.startsWith('sandbox/') ? call.model : `sandbox/${call.model}`));
  const counts = netOf(charges);
  const paying = counts.filter(({ paid }) => paid !== 0n);
  const [payer] = paying;
  if (paying.length > (told.continued === true ? 2 : 1)) say('more than one attempt is paid for');
  if (payer !== undefined && calls.length === 0) say('charged, and no provider was called');
  if (told.misreported === true || told.continued === true) return wrong;
  if (payer !== undefined && told.content === '' && told.whole === false && payer.output > 1)
    say('charged for what was not delivered');
  const completed = calls.filter((call) => call.outcome === 'completed');
  const isExact = (payer ?? counts.at(-1))?.exact !== false;
  if (told.whole === true && isExact && !completed.some((call) => billOfCall(call) === (payer?.paid ?? 0n)))
    say('the charge is not what was billed');
  if (payer !== undefined) {
    // Estimated: the prompt's estimate is a bound, so only the output is held against the truth, to one token in flight.
    if (!calls.some((call) => payer.output <= call.completionTokens + 1))
      say('charged for more output than was billed');
    if (told.lost !== 'both' && Math.ceil(told.content.length / 4) > payer.output + 1)
      say('more was delivered than is charged');
  } else if (told.content !== '' && calls.some((call) => billOfCall(call) > 0n)) say('delivered and not charged');
  return wrong;
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
  const reached = requests.filter(
    ({ generationId, label, lost }) => generationId !== undefined && callsOf(label).length > 0 && lost === undefined,
  );

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
      return complaintsOf(request, its, calls, prices);
    });
    expect(wrong).toEqual([]);

    const paid = [...charges.values()].reduce((sum, its) => sum + paidBy(its, 'credits'), 0n);
    expect((await creditsUsed(system)) - before.used).toBe(paid);
    expect(deadProcesses(system)).toEqual([]);
    return { records, charges };
  });
};
