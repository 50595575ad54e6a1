// Lines of the journal → what was said of which attempt. The unit of rejection is the line: a bad one becomes a dead letter with its position and never
// holds up the others.
import { moneyLine, quickParse, type MoneyLine, type PriceVector } from '@waystation/contracts';
import type { ConsumedLine } from '@waystation/bus';
import { NO_EVIDENCE, type Evidence } from '@waystation/ledger';
import { backingOf, type Backing, type Held } from './backing.js';
import { inSlices } from './in-slices.js';
import type { PriceBook } from './price-book.js';

/** One witness of one attempt. */
export interface Testimony {
  readonly attemptId: string;
  readonly generationId: string;
  /** Absent in progress lines, which name only the attempt. */
  readonly backing?: Backing;
  /** What was held by then, in progress lines of holds that grow. */
  readonly held?: Held;
  readonly evidence: Evidence;
  /** Unix ms from which the attempt may be settled without a better witness. Absent: what is known already decides. */
  readonly dueAtMs?: number;
  /** Only to be added to what is known: an attempt that the ingress never dispatched is no charge by itself. */
  readonly onlyIfKnown: boolean;
  readonly source: ConsumedLine;
}

export interface BadLine {
  readonly position: string;
  readonly instance: string;
  /** What is wrong with which field, without its value. */
  readonly reason: string;
  /** The line as JSON text, bounded. Absent where the message was no JSON. Money lines hold no content. */
  readonly text?: string;
}

export interface SettleTimes {
  /** How long a finished attempt waits for the other witness. */
  readonly witnessWaitMs: number;
  /** How long after its deadline an attempt of which nothing was heard is settled. */
  readonly graceMs: number;
}

export const DEAD_LETTER_UNITS_MAX = 65_536;
const REASONS_MAX = 5;
const parseMoneyLine = quickParse(moneyLine);

export const badLine = ({ position, instance, line }: ConsumedLine, reason: string): BadLine => ({
  position,
  instance,
  reason,
  ...(line === undefined
    ? {}
    : { text: JSON.stringify(line).slice(0, DEAD_LETTER_UNITS_MAX).replaceAll('\0', '\uFFFD') }),
});

/** Price versions that lines named for the first time, hash verified. */
export type NewPrices = Map<string, { readonly price: PriceVector; readonly effectiveAtMs: number }>;

export interface ReadLines {
  readonly heard: Testimony[];
  readonly bad: BadLine[];
  readonly newPrices: NewPrices;
}

export const readLines = async (
  lines: readonly ConsumedLine[],
  prices: PriceBook,
  times: SettleTimes,
): Promise<ReadLines> => {
  const read: ReadLines = { heard: [], bad: [], newPrices: new Map() };
  await inSlices(lines, (slice) => {
    for (const source of slice) readLine(source, prices, times, read);
  });
  return read;
};

/** Adds what one line says to what was read before it. */
const readLine = (
  source: ConsumedLine,
  prices: PriceBook,
  times: SettleTimes,
  { heard, bad, newPrices }: ReadLines,
): void => {
  const read = source.line === undefined ? undefined : parseMoneyLine(source.line);
  if (read === undefined) bad.push(badLine(source, 'The message is not a batch of lines.'));
  else if (!read.success) {
    const issues = read.error.issues
      .slice(0, REASONS_MAX)
      .map((issue) => `${issue.path.join('.') || 'line'}: ${issue.message}`);
    bad.push(badLine(source, issues.join('; ')));
  } else {
    const fault = notePrices(read.data, prices, newPrices);
    if (fault === undefined) heard.push(...testimoniesOf(read.data, source, times));
    else bad.push(badLine(source, fault));
  }
};

/** Takes note of unknown price versions; answers what is wrong where a vector is not what its version says. */
const notePrices = (line: MoneyLine, prices: PriceBook, newPrices: NewPrices): string | undefined => {
  if (line.kind === 'attempt.progressed') return undefined;
  for (const { priceVersion, price } of line.kind === 'generation.finished' ? line.attempts : [line]) {
    if (prices.has(priceVersion) || newPrices.has(priceVersion)) continue;
    if (!prices.isVersionOf(priceVersion, price))
      return `priceVersion: ${priceVersion} is not the hash of the price it comes with`;
    newPrices.set(priceVersion, { price, effectiveAtMs: line.at });
  }
  return undefined;
};

const testimoniesOf = (line: MoneyLine, source: ConsumedLine, times: SettleTimes): Testimony[] => {
  const { generationId } = line;
  switch (line.kind) {
    case 'attempt.started': {
      const { attemptId } = line;
      const dueAtMs = line.deadlineAt + times.graceMs;
      return [
        {
          attemptId,
          generationId,
          backing: backingOf(generationId, line.identity, line),
          evidence: NO_EVIDENCE,
          dueAtMs,
          onlyIfKnown: false,
          source,
        },
      ];
    }
    case 'attempt.progressed': {
      const { attemptId, sequence } = line;
      const evidence: Evidence = { ...NO_EVIDENCE, ...usageOf(line, 'progress'), sequence };
      const { holdPicodollars: hold, holdTokens } = line;
      const held: Held = {
        ...(hold === undefined ? {} : { hold }),
        ...(holdTokens === undefined ? {} : { holdTokens }),
      };
      return [{ attemptId, generationId, held, evidence, onlyIfKnown: true, source }];
    }
    case 'attempt.finished': {
      const { attemptId, outcome } = line;
      const evidence: Evidence = { ...NO_EVIDENCE, outcomeBy: 'worker', outcome, ...usageOf(line, 'worker') };
      const dueAtMs = line.at + times.witnessWaitMs;
      return [
        {
          attemptId,
          generationId,
          backing: backingOf(generationId, line.identity, line),
          evidence,
          dueAtMs,
          onlyIfKnown: false,
          source,
        },
      ];
    }
    case 'generation.finished': {
      const dueAtMs = line.at + times.witnessWaitMs;
      return line.attempts.map((attempt) => {
        const { attemptId, outcome, dispatched } = attempt;
        const served = dispatched && (line.servedBy === attemptId || line.continuedFrom === attemptId);
        const usage = dispatched ? usageOf(attempt, 'ingress') : {};
        const delivered = attempt.deliveredTokens ?? 0;
        const evidence: Evidence = { ...NO_EVIDENCE, outcomeBy: 'ingress', outcome, served, delivered, ...usage };
        return {
          attemptId,
          generationId,
          backing: backingOf(generationId, line.identity, attempt),
          evidence,
          dueAtMs,
          onlyIfKnown: !dispatched,
          source,
        };
      });
    }
    default: {
      const unreachable: never = line;
      return unreachable;
    }
  }
};

type UsageReport = Pick<Evidence, 'usageSource' | 'serviceTier'> & { readonly usage: Evidence['usage'] | 'pending' };

const usageOf = ({ usage, usageSource, serviceTier }: UsageReport, usageBy: Evidence['usageBy']): Partial<Evidence> =>
  usage === 'pending' ? {} : { usageBy, usage, usageSource, ...(serviceTier === undefined ? {} : { serviceTier }) };
