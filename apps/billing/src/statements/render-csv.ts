// A statement as one flat table: opening, movements and closing add up in the column of amounts; the other sections tell what usage and adjustments consist of.
import { csvLine, csvText, csvValue } from '../csv.js';
import type { DocumentUsageLine, StatementDocument } from './statement-document.js';

const COLUMNS = [
  'section',
  'name',
  'month',
  'requests',
  'prompt_tokens',
  'completion_tokens',
  'amount_usd',
  'own_keys_usd',
];

export const renderCsv = (document: StatementDocument): string => {
  const { month } = document;
  const balance = (section: string, name: string, amountUsd: string): string =>
    csvLine([section, csvText(name), month, '', '', '', csvValue(amountUsd), '']);
  const usage =
    (section: string) =>
    (line: DocumentUsageLine): string =>
      csvLine([
        section,
        csvText(line.name ?? 'all others'),
        month,
        ...[line.requests, line.promptTokens, line.completionTokens, line.amountUsd, line.ownKeysUsd].map(csvValue),
      ]);
  return [
    csvLine(COLUMNS),
    balance('balance', 'opening', document.openingUsd),
    ...document.movements.map(({ kind, amountUsd }) => balance('movement', kind, amountUsd)),
    balance('balance', 'closing', document.closingUsd),
    ...document.usageByModel.map(usage('usage-by-model')),
    ...document.usageByKey.map(usage('usage-by-key')),
    ...document.usageByTag.map(usage('usage-by-tag')),
    ...document.corrections.map(({ ofMonth, count, amountUsd }) =>
      csvLine(['correction', `${count} of ${ofMonth}`, ofMonth, csvValue(count), '', '', csvValue(amountUsd), '']),
    ),
    balance('memo', 'fees paid on top of credits', document.feesPaidUsd),
  ].join('');
};
