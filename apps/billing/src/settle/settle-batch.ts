// Settles what was heard in one transaction of set-based statements: charges and entries are added, leases follow, and nothing else changes in the normal case.
// What is not complete waits. Redelivery changes nothing: what was settled is found by its natural key, and hearing it again adds nothing to what is known.
import type { QueryRunner } from 'typeorm';
import {
  conclude,
  decideCharge,
  decideSettlement,
  touchesQuotas,
  type Book,
  type ChargeDecision,
  type Evidence,
  type Settlement,
} from '@waystation/ledger';
import type { PriceVector } from '@waystation/contracts';
import { queryAtCommit } from '@waystation/postgres';
import { inputTokens, outputTokens } from '@waystation/generation';
import { atReratedVersions } from '../rerate/rerated-versions.js';
import { lockLeases, lockQuotas, newPosting, openLedger, type Ledger } from '../ledger/store.js';
import type { Backing } from './backing.js';
import { sortCases, type Case, type Waiting } from './cases.js';
import { addedKeyUsage, closedGenerations, insertCharges, loadCharges, type ChargeRow } from './charge-rows.js';
import { inSlices } from './in-slices.js';
import { leftBehindOf, type LeftBehind } from './left-behind.js';
import { storePrices, type PriceBook } from './price-book.js';
import { badLine, type BadLine, type ReadLines, type Testimony } from './read-lines.js';
import { leftOpenOf, type SettledLeftOpen } from './tell-settled.js';
import type { DisagreementKind } from '../witnesses/compare-witnesses.js';
import { insertDisagreements, type Disagreement } from '../witnesses/disagreement-rows.js';
import { deletedWitnesses, insertDeadLetters, lockWitnesses, upsertWitnesses } from './witness-rows.js';

export interface SettleResult {
  readonly settled: number;
  readonly corrected: number;
  /** Attempts that wait for more. */
  readonly waiting: number;
  readonly bad: readonly BadLine[];
  /** What witnesses were found to say differently, and no correction sets right. */
  readonly disagreements: readonly DisagreementKind[];
  /** Of those settled, what ingresses wait to be told. */
  readonly leftOpen: readonly SettledLeftOpen[];
}

/** Settles what is complete and keeps the rest. */
export const settleHeard = async (runner: QueryRunner, prices: PriceBook, read: ReadLines): Promise<SettleResult> => {
  const ledger = openLedger(runner);
  await lockLeases(
    runner,
    ledger.book,
    read.heard.flatMap(({ backing }) => backing?.leaseId ?? []),
  );
  const { heard, strangers } = withoutStrangers(read.heard, ledger.book);
  const bad = [...read.bad, ...strangers];
  await insertDeadLetters(runner, bad);
  await storePrices(
    runner,
    [...read.newPrices].map(([version, each]) => ({ version, ...each })),
  );

  const waiting = await lockWitnesses(runner, [...new Set(heard.map(({ attemptId }) => attemptId))]);
  const settledFrom = await loadCharges(runner, ledger.book, heard);
  const { ready, open, disagreements: found } = sortCases(heard, settledFrom, waiting);
  await upsertWitnesses(runner, open);
  const { rows, leftOpen } = await bookCases(runner, ledger, prices, ready);
  const disagreements = await insertDisagreements(
    runner,
    prices,
    found.length === 0 ? found : withoutCorrected(found, rows),
  );
  return { ...countRevisions(rows), waiting: open.length, bad, disagreements, leftOpen };
};

/** Settles attempts whose time has come from what is known of them by now. */
export const settleDue = async (
  runner: QueryRunner,
  prices: PriceBook,
  due: readonly Waiting[],
): Promise<SettleResult> => {
  const ledger = openLedger(runner);
  await lockLeases(
    runner,
    ledger.book,
    due.flatMap(({ backing }) => backing.leaseId ?? []),
  );
  const still = await lockWitnesses(
    runner,
    due.map(({ backing }) => backing.attemptId),
  );
  await loadCharges(
    runner,
    ledger.book,
    [...still.values()].map(({ backing }) => backing),
  );
  const ready = [...still.values()].map((each) => ({ ...each, waits: true, corrects: false }));
  const { rows, leftOpen } = await bookCases(runner, ledger, prices, ready);
  return { ...countRevisions(rows), waiting: 0, bad: [], disagreements: [], leftOpen };
};

/** A line that names a lease of another workspace is nobody's money. */
const withoutStrangers = (all: readonly Testimony[], book: Book): { heard: Testimony[]; strangers: BadLine[] } => {
  const heard: Testimony[] = [];
  const strangers: BadLine[] = [];
  for (const testimony of all) {
    const { backing, source } = testimony;
    const lease = backing?.leaseId === undefined ? undefined : book.leases.get(backing.leaseId);
    if (lease === undefined || lease.workspaceId === backing?.workspaceId) heard.push(testimony);
    else strangers.push(badLine(source, 'leaseId: the lease belongs to another workspace'));
  }
  return { heard, strangers };
};

/** The revisions that were made, and what there is to tell of them. */
interface Booked {
  readonly rows: readonly ChargeRow[];
  readonly leftOpen: readonly SettledLeftOpen[];
}

/** Books cases as they stand, in order: the one way to a charge. */
const bookCases = async (
  runner: QueryRunner,
  ledger: Ledger,
  prices: PriceBook,
  all: readonly Case[],
): Promise<Booked> => {
  if (all.length === 0) return { rows: [], leftOpen: [] };
  const cases = await atReratedVersions(runner, all);
  const { book } = ledger;
  const withoutIngress = cases.filter(({ evidence }) => evidence.outcomeBy !== 'ingress');
  const closed = await closedGenerations(
    runner,
    withoutIngress.map(({ backing }) => backing.generationId),
  );
  const behind = await leftBehindOf(
    runner,
    withoutIngress.map(({ backing }) => backing),
  );
  const priceOf = await prices.of(
    runner,
    cases.map(({ backing }) => backing.priceVersion),
  );
  const judged: Judged[] = [];
  await inSlices(cases, (slice) => {
    for (const each of slice) judged.push(judge(each, priceOf, closed, behind.get(each.backing.attemptId)));
  });
  await lockQuotas(
    runner,
    book,
    quotaIdsFor(
      book,
      judged.map(({ settlement }) => settlement),
    ),
  );

  const rows: ChargeRow[] = [];
  await inSlices(judged, (slice) => {
    for (const { each, concluded, decision, settlement } of slice) {
      const event = decideSettlement(book, settlement);
      if (event === undefined) continue;
      ledger.apply([event]);
      const { usage, usageSource, outcome, served } = concluded;
      rows.push({
        backing: each.backing,
        decision,
        event,
        outcome,
        served,
        evidence: { ...each.evidence, usage, usageSource },
      });
    }
  });
  const posting = await newPosting(runner);
  await insertCharges(runner, posting, rows);
  queryAtCommit(runner, [
    ...deletedWitnesses(cases.filter(({ waits }) => waits).map(({ backing }) => backing.attemptId)),
    ...addedKeyUsage(rows),
  ]);
  ledger.flushAtCommit(posting);
  return { rows, leftOpen: cases.flatMap(({ backing, evidence }) => leftOpenOf(book, backing, evidence)) };
};

/** A case, with what is known of it in the end and what that comes to. */
interface Judged {
  readonly each: Case;
  readonly concluded: ReturnType<typeof conclude>;
  readonly decision: ChargeDecision;
  readonly settlement: Settlement;
}

const judge = (
  each: Case,
  priceOf: (version: string) => PriceVector,
  closed: ReadonlySet<string>,
  leftBehind: LeftBehind | undefined,
): Judged => {
  const { backing, evidence } = each;
  const concluded = conclude(evidence, closed.has(backing.generationId) || leftBehind !== undefined);
  const { byok, surchargePpm, priceVersion, hold } = backing;
  const decision = decideCharge({
    ...concluded,
    serviceTier: evidence.serviceTier,
    byok,
    surchargePpm,
    price: priceOf(priceVersion),
    holdPicodollars: BigInt(hold),
  });
  const settlement: Settlement = { ...backing, decision, ...countsOf(backing, decision, concluded, leftBehind) };
  return { each, concluded, decision, settlement };
};

const isCorrection = ({ event }: ChargeRow): boolean => event.revision > 0;

const countRevisions = (rows: readonly ChargeRow[]): Pick<SettleResult, 'settled' | 'corrected'> => {
  const corrected = rows.filter(isCorrection).length;
  return { settled: rows.length - corrected, corrected };
};

/** Where the worker's word was charged and the ingress's corrected it, the revisions tell what each said. */
const withoutCorrected = (found: readonly Disagreement[], rows: readonly ChargeRow[]): Disagreement[] => {
  const corrected = new Set(rows.filter(isCorrection).map(({ backing }) => backing.attemptId));
  return found.filter(({ backing, workerWasCharged }) => !(workerWasCharged && corrected.has(backing.attemptId)));
};

/** What the quotas of requests and tokens are told: tokens that nobody is charged for are nobody's use, and a try that was passed over for another is no request. */
const countsOf = (
  { requests = 0, holdTokens = 0 }: Backing,
  { payer }: ChargeDecision,
  { outcome, usage }: Pick<Evidence, 'outcome' | 'usage'>,
  leftBehind: LeftBehind | undefined,
): Pick<Settlement, 'requests' | 'tokens'> => ({
  requests: outcome === 'passed-over' || leftBehind?.requestWentOn === true ? 0n : BigInt(requests),
  tokens: payer === 'waste' ? 0n : BigInt(Math.min(holdTokens, inputTokens(usage) + outputTokens(usage))),
});

const quotaIdsFor = (book: Book, settlements: readonly Settlement[]): string[] =>
  touchesQuotas(book, settlements).flatMap(
    ({ leaseId, quotaSet }) => (leaseId === undefined ? undefined : book.leases.get(leaseId)?.quotaIds) ?? quotaSet,
  );
