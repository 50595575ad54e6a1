// The differences as a person reads them in a terminal: sums, who is affected, and the first decisions that would have come out otherwise.
import { formatUsd, type DecisionDifference } from '@waystation/contracts';
import type { Differences, DifferenceSums } from '@waystation/routing';

const ROWS_TOLD_MAX = 20;
const KEYS_TOLD_MAX = 20;
const HASH_CHARACTERS = 12;

const signed = (picodollars: bigint): string => `${picodollars > 0n ? '+' : ''}${formatUsd(picodollars)}`;

const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, at) => Math.max(most[at] ?? 0, cell.length)), []);
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

const sumsRow = (name: string, { decisions, moved, refused, unplanned, costBefore, costAfter }: DifferenceSums) => [
  name,
  ...[decisions, moved, refused, unplanned].map(String),
  ...[formatUsd(costBefore), formatUsd(costAfter), signed(costAfter - costBefore)],
];

export const tellText = (rows: readonly DecisionDifference[], { all, byKey }: Differences): string => {
  const differing = rows.filter(({ result }) => result !== 'same');
  const sums = [
    ['', 'decisions', 'moved', 'refused', 'unplanned', 'USD before', 'USD after', 'difference'],
    sumsRow('all', all),
    ...byKey
      .slice(0, KEYS_TOLD_MAX)
      .map(({ keyHash, sums: ofKey }) => sumsRow(`key ${keyHash.slice(0, HASH_CHARACTERS)}`, ofKey)),
  ];
  const told = differing
    .slice(0, ROWS_TOLD_MAX)
    .map((row) => [
      ...[row.generationId, row.result, row.before?.endpointId ?? '–', row.after?.endpointId ?? '–'],
      row.difference === undefined ? '–' : signed(BigInt(row.difference)),
      row.because ?? '',
    ]);
  const head = ['generation', 'result', 'before', 'after', 'USD', 'because'];
  return [
    ...columns(sums),
    ...(told.length === 0 ? [] : ['', ...columns([head, ...told])]),
    ...(differing.length > told.length ? [`… and ${differing.length - told.length} more: --csv shows all`] : []),
    '',
  ].join('\n');
};
