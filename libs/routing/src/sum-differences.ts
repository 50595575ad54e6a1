// What a change of circumstances comes to, over all decisions and for whom: sums, and the table as CSV. Exact.
import type { DecisionDifference } from '@waystation/contracts';

export interface DifferenceSums {
  readonly decisions: number;
  readonly moved: number;
  /** Nothing would have been left. */
  readonly refused: number;
  /** Could not be planned again. */
  readonly unplanned: number;
  /** With a cost on both sides: the sums are theirs alone. */
  readonly priced: number;
  /** Picodollars. */
  readonly costBefore: bigint;
  readonly costAfter: bigint;
}

export interface Differences {
  readonly all: DifferenceSums;
  /** By API key, the most affected first: moved and refused, then the dearest change. */
  readonly byKey: readonly { readonly keyHash: string; readonly sums: DifferenceSums }[];
}

const NOTHING: DifferenceSums = {
  decisions: 0,
  moved: 0,
  refused: 0,
  unplanned: 0,
  priced: 0,
  costBefore: 0n,
  costAfter: 0n,
};

const add = (sums: DifferenceSums, { result, costBefore, costAfter }: DecisionDifference): DifferenceSums => {
  const isPriced = costBefore !== undefined && costAfter !== undefined;
  return {
    decisions: sums.decisions + 1,
    moved: sums.moved + Number(result === 'moved'),
    refused: sums.refused + Number(result === 'refused'),
    unplanned: sums.unplanned + Number(result === 'unplanned'),
    priced: sums.priced + Number(isPriced),
    costBefore: sums.costBefore + (isPriced ? BigInt(costBefore) : 0n),
    costAfter: sums.costAfter + (isPriced ? BigInt(costAfter) : 0n),
  };
};

const affected = ({ moved, refused }: DifferenceSums): number => moved + refused;
const distance = ({ costBefore, costAfter }: DifferenceSums): bigint =>
  costAfter > costBefore ? costAfter - costBefore : costBefore - costAfter;

export const sumDifferences = (rows: readonly DecisionDifference[]): Differences => {
  let all = NOTHING;
  const byKey = new Map<string, DifferenceSums>();
  for (const row of rows) {
    all = add(all, row);
    byKey.set(row.keyHash, add(byKey.get(row.keyHash) ?? NOTHING, row));
  }
  const keys = [...byKey].map(([keyHash, sums]) => ({ keyHash, sums }));
  keys.sort(
    (a, b) =>
      affected(b.sums) - affected(a.sums) ||
      Number(distance(b.sums) > distance(a.sums)) - Number(distance(b.sums) < distance(a.sums)) ||
      (a.keyHash < b.keyHash ? -1 : 1),
  );
  return { all, byKey: keys };
};

// RFC 4180; what a spreadsheet would take for a formula gets an apostrophe, for names come from callers.
const field = (text: string): string => {
  const plain = /^[=+\-@\t\r]/.test(text) && !/^-?\d+$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
};

const COLUMNS: readonly (readonly [string, (row: DecisionDifference) => string | undefined])[] = [
  ['generation_id', (row) => row.generationId],
  ['created_at', (row) => new Date(row.createdAt).toISOString()],
  ['api_key_hash', (row) => row.keyHash],
  ['user_id', (row) => row.memberId],
  ['external_user', (row) => row.endUserId],
  ['app', (row) => row.app],
  ['models', (row) => row.models.join(' ')],
  ['result', (row) => row.result],
  ['endpoint_before', (row) => row.before?.endpointId],
  ['endpoint_after', (row) => row.after?.endpointId],
  ['picodollars_before', (row) => row.costBefore],
  ['picodollars_after', (row) => row.costAfter],
  ['picodollars_difference', (row) => row.difference],
  ['because', (row) => row.because],
];

export const DIFFERENCES_CSV_HEAD = `${COLUMNS.map(([name]) => name).join(',')}\r\n`;

/** Without the head, so that pages can follow each other. */
export const differencesCsv = (rows: readonly DecisionDifference[]): string =>
  rows.map((row) => `${COLUMNS.map(([, read]) => field(read(row) ?? '')).join(',')}\r\n`).join('');
