// Where each picodollar of a generation comes from, as lines for a person: usage × price, who bears it and why, what was held, whose word it is, what was booked.
import { formatUsd, percentOf, priceVector, unixOfGeneration } from '@waystation/contracts';
import { itemise, type CostLine } from '@waystation/catalog';
import { policyRowOf, surchargeAccountOf } from '@waystation/ledger';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

interface ChargeRow {
  readonly attempt_id: string;
  readonly revision: number;
  readonly posting: string;
  readonly workspace_id: string;
  readonly key_hash: string;
  readonly member_id: string | null;
  readonly end_user_id: string | null;
  readonly app: string | null;
  readonly provider: string;
  readonly endpoint_id: string;
  readonly model: string;
  readonly lease_id: string | null;
  readonly quota_set: readonly string[];
  readonly hold: string;
  readonly price_version: string;
  readonly charged: string;
  readonly waste: string;
  readonly variance: string;
  readonly byok: string;
  readonly surcharge: string;
  readonly surcharge_ppm: number;
  readonly payer: string;
  readonly policy_row: string;
  readonly outcome: string;
  readonly outcome_by: string;
  readonly served: boolean;
  readonly usage: Readonly<Record<string, number>>;
  readonly usage_source: string;
  readonly usage_by: string;
  readonly service_tier: string | null;
  readonly rerate_id: string | null;
  readonly settled_at: string;
  readonly price: unknown;
  readonly price_from_ms: string | null;
}

interface LeaseRow {
  readonly id: string;
  readonly instance: string;
  readonly granted: string;
  readonly held: string;
  readonly created_at: string;
  readonly closed_at: string | null;
}

interface EntryRow {
  readonly id: string;
  readonly posting: string;
  readonly kind: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
}

const ROWS_MAX = 100;
const UTC = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'`;

/** `0.000000000030 USD` with its whole picodollars, so that both can be copied. */
const money = (picodollars: bigint | string): string =>
  `${formatUsd(BigInt(picodollars))} USD (${BigInt(picodollars)} pUSD)`;

/** Empty where nobody knows the generation. `runner` is the writer's: the operator asks about any workspace. */
export const tellStory = async (runner: QueryRunner, generationId: string): Promise<string[]> => {
  const charges = await queryRows<ChargeRow>(
    runner,
    `select c.*, coalesce(app_title, app_referer) as app, ${UTC('settled_at')} as settled_at, p.price, p.effective_at_ms as price_from_ms
       from charge c left join price_version p on p.id = c.price_version
      where generation_id = $1 order by attempt_id, revision limit ${ROWS_MAX}`,
    [generationId],
  );
  const waiting = await queryRows<{ attempt_id: string; due_at: string }>(
    runner,
    `select attempt_id, ${UTC('to_timestamp(due_at_ms / 1000.0)')} as due_at from witness where generation_id = $1 order by attempt_id limit ${ROWS_MAX}`,
    [generationId],
  );
  if (charges.length === 0 && waiting.length === 0) return [];
  const lines = [`Generation ${generationId}, begun ${beginning(generationId)}`, ...whose(charges[0])];
  for (const [attemptId, revisions] of Map.groupBy(charges, (row) => row.attempt_id))
    lines.push('', ...attemptLines(attemptId, revisions), ...(await holdLines(runner, revisions[0])));
  for (const { attempt_id, due_at } of waiting)
    lines.push('', `Attempt ${attempt_id} waits for a better witness; it is settled from what is known at ${due_at}.`);
  lines.push('', ...totals(charges), ...(await bookedLines(runner, charges)));
  return lines;
};

const beginning = (generationId: string): string => {
  const seconds = unixOfGeneration(generationId);
  return Number.isFinite(seconds) ? new Date(seconds * 1_000).toISOString() : 'at an unknown time';
};

const whose = (row: ChargeRow | undefined): string[] =>
  row === undefined
    ? []
    : [
        `Workspace ${row.workspace_id}, key ${row.key_hash.slice(0, 12)}…` +
          (row.member_id === null ? '' : `, member ${row.member_id}`) +
          (row.end_user_id === null ? '' : `, end user ${row.end_user_id}`) +
          (row.app === null ? '' : `, app ${row.app}`),
      ];

const attemptLines = (attemptId: string, revisions: readonly ChargeRow[]): string[] => {
  const [first] = revisions;
  return [
    `Attempt ${attemptId} at ${first?.endpoint_id} (provider ${first?.provider}, model ${first?.model})`,
    ...revisions.flatMap(revisionLines),
  ];
};

const revisionLines = (row: ChargeRow): string[] => {
  const policy = policyRowOf(row.policy_row);
  return [
    row.revision === 0
      ? `  Settled ${row.settled_at}`
      : `  Corrected ${row.settled_at} (revision ${row.revision}), ${row.rerate_id === null ? 'for better information' : `by re-rating ${row.rerate_id}`}`,
    `    outcome   ${row.outcome}, by the word of ${row.outcome_by}; ${row.served ? 'the client got output of it' : 'the client got nothing of it'}`,
    `    usage     by the word of ${row.usage_by}, ${row.usage_source}`,
    ...costLines(row),
    ...surchargeLines(row),
    `    policy    ${row.policy_row}: ${policy === undefined ? 'no such row today' : `${policy.why} Borne by ${policy.bearer}.`}`,
    `    hold      ${money(row.hold)}: no customer pays more`,
    `    borne by  ${bearers(row)}${row.revision === 0 ? '' : ' (differences to the revision before)'}`,
  ];
};

const costLines = (row: ChargeRow): string[] => {
  const price = priceVector.safeParse(row.price);
  if (!price.success) return [`    price     ${row.price_version}, which is not stored`];
  const lines = itemise(price.data, row.usage, row.service_tier ?? undefined);
  const from = row.price_from_ms === null ? '' : `, in force from ${new Date(Number(row.price_from_ms)).toISOString()}`;
  return [
    `    price     ${row.price_version}${from}${row.service_tier === null ? '' : `, service tier ${row.service_tier}`}`,
    ...lines.map((line) => `      ${costLine(line)}`),
    `      ${'='.repeat(3)} ${money(lines.reduce((sum, line) => sum + line.amountPicodollars, 0n))}`,
  ];
};

/** What is on top, as a share of what it costs: less than the share says where the hold ended it, and nothing of what nobody is charged for. */
const surchargeLines = ({ payer, surcharge, surcharge_ppm: ratePpm, revision }: ChargeRow): string[] => {
  if (ratePpm === 0) return [];
  const name = surchargeAccountOf(payer === 'byok') === 'fees' ? 'fee for the own key' : 'markup';
  return [
    `    on top    ${name} of ${percentOf(ratePpm)} %, half up and within the hold: ${money(surcharge)}${revision === 0 ? '' : ' more than before'}`,
  ];
};

const costLine = ({ unit, count, pricedAs, unitPicodollars, amountPicodollars }: CostLine): string =>
  `${count} ${unit} × ${unitPicodollars} pUSD${pricedAs === unit || pricedAs === undefined ? '' : ` (priced as ${pricedAs})`}` +
  ` = ${amountPicodollars} pUSD${pricedAs === undefined ? ' (no price: free)' : ''}`;

const bearers = ({ charged, waste, variance, byok }: ChargeRow): string => {
  const parts = [
    ['credits of the workspace', charged],
    ['waste (nobody pays)', waste],
    ['variance (beyond what could be charged)', variance],
    ["the customer's own key", byok],
  ].filter(([, amount]) => amount !== '0');
  return parts.length === 0
    ? 'nobody: it is nothing'
    : parts.map(([who, amount]) => `${who} ${money(amount ?? 0n)}`).join(', ');
};

const holdLines = async (runner: QueryRunner, row: ChargeRow | undefined): Promise<string[]> => {
  if (row === undefined) return [];
  const quotas = `  Quotas ${row.quota_set.join(', ') || 'none'}`;
  if (row.lease_id === null) return [quotas, '  Held by no lease'];
  const [lease] = await queryRows<LeaseRow>(
    runner,
    `select id, instance, granted, held, ${UTC('created_at')} as created_at, ${UTC('closed_at')} as closed_at from lease where id = $1`,
    [row.lease_id],
  );
  if (lease === undefined) return [quotas, `  Lease ${row.lease_id}, which billing never granted`];
  return [
    quotas,
    `  Lease ${lease.id} of ${lease.instance}, granted ${lease.created_at}: ${money(lease.granted)} in all, ${money(lease.held)} not settled; ` +
      (lease.closed_at === null ? 'open' : `closed ${lease.closed_at}`),
  ];
};

const totals = (charges: readonly ChargeRow[]): string[] => {
  const sum = (column: 'charged' | 'waste' | 'variance' | 'byok' | 'surcharge'): bigint =>
    charges.reduce((total, row) => total + BigInt(row[column]), 0n);
  return [
    `In all: the workspace pays ${money(sum('charged'))}; waste ${sum('waste')} pUSD, variance ${sum('variance')} pUSD, own key ${sum('byok')} pUSD.` +
      (sum('surcharge') === 0n ? '' : ` Of it ${sum('surcharge')} pUSD are on top of the price.`),
  ];
};

/** One entry stands for all that a posting moved between two accounts on one lease. */
const bookedLines = async (runner: QueryRunner, charges: readonly ChargeRow[]): Promise<string[]> => {
  const postings = [...new Set(charges.map(({ posting }) => posting))];
  const entries = await queryRows<EntryRow>(
    runner,
    `select id, posting, kind, debit, credit, amount from entry
      where posting = any($1) and workspace_id = $2 and kind in ('settle', 'adjust') and (lease_id is null or lease_id = any($3))
      order by id limit ${ROWS_MAX}`,
    [postings, charges[0]?.workspace_id ?? '', charges.flatMap(({ lease_id }) => lease_id ?? [])],
  );
  if (entries.length === 0) return [];
  return [
    `Booked with others of the same posting${postings.length === 1 ? '' : 's'}:`,
    ...entries.map(
      ({ id, posting, kind, debit, credit, amount }) =>
        `  posting ${posting}, entry ${id}: ${kind} ${debit} → ${credit}, ${money(amount)}`,
    ),
  ];
};
