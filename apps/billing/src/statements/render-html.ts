// A statement as a page that a person reads on a screen and prints to paper or PDF. No script, no picture, nothing loaded: it can be kept as it is.
import type { DocumentUsageLine, StatementDocument } from './statement-document.js';

const STYLE = `
@page { size: A4; margin: 18mm 16mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.45 system-ui, "Liberation Sans", Arial, sans-serif; color: #1b1f24; background: #fff; max-width: 190mm; margin: 0 auto; padding: 8mm 6mm; }
header { display: flex; justify-content: space-between; align-items: flex-start; gap: 12mm; border-bottom: 1.5pt solid #1b1f24; padding-bottom: 4mm; margin-bottom: 6mm; }
h1 { font-size: 18pt; margin: 0; font-weight: 600; }
h2 { font-size: 12pt; margin: 8mm 0 2mm; font-weight: 600; break-after: avoid; }
dl { display: grid; grid-template-columns: auto auto; gap: 0 4mm; margin: 0; font-size: 9pt; }
dt { color: #59636e; } dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
thead { display: table-header-group; } tr { break-inside: avoid; }
th { text-align: left; font-weight: 600; font-size: 9pt; color: #59636e; border-bottom: .75pt solid #1b1f24; padding: 1mm 2mm; }
td { padding: 1mm 1.5mm; border-bottom: .5pt solid #d1d9e0; vertical-align: baseline; overflow-wrap: anywhere; }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.f { color: #818b98; font-size: .82em; } .h { visibility: hidden; }
th, th.n { overflow-wrap: normal; white-space: normal; vertical-align: bottom; } td { font-size: 9.5pt; } td:first-child { min-width: 38mm; }
.sum td { font-weight: 600; border-top: .75pt solid #1b1f24; border-bottom: none; }
.open { color: #9a6700; font-weight: 600; }
p, footer { font-size: 9pt; color: #59636e; } footer { margin-top: 10mm; border-top: .5pt solid #d1d9e0; padding-top: 3mm; overflow-wrap: anywhere; }
@media print { body { padding: 0; max-width: none; } }
`;

const NAMES: Readonly<Record<string, string>> = {
  'top-ups': 'Top-ups',
  grants: 'Credits granted',
  promotions: 'Promotional credits',
  refunds: 'Refunds',
  fees: 'Fees',
  usage: 'Usage',
  markup: 'Markup',
  adjustments: 'Corrections of earlier bookings',
  other: 'Other',
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

type Amount = (usd: string) => string;

/** For a column that is rarely there, and must leave room for the others. */
const unpadded: Amount = (usd) => amountWith(0)(usd);

const fractionOf = (usd: string): string => usd.split('.')[1] ?? '';

/**
 * `1234.567` → `1,234.56` with the rest small behind it: every digit is there, and the eye finds the cents. All amounts of a page take the same room behind the
 * point, so that points stand under each other.
 */
const amountWith =
  (digits: number): Amount =>
  (usd) => {
    const [whole = '0'] = usd.replace('-', '').split('.');
    const fraction = fractionOf(usd);
    const rest = fraction.slice(2);
    const padding = '0'.repeat(Math.max(0, digits - 2 - rest.length));
    return (
      `${usd.startsWith('-') ? '−' : ''}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${fraction.slice(0, 2).padEnd(2, '0')}` +
      (rest === '' ? '' : `<span class="f">${rest}</span>`) +
      (padding === '' ? '' : `<span class="f h">${padding}</span>`)
    );
  };

const digitsOf = (document: StatementDocument): number => {
  const { movements, usageByModel, usageByKey, usageByTag, corrections } = document;
  const amounts = [...movements, ...usageByModel, ...usageByKey, ...usageByTag, ...corrections].map(
    ({ amountUsd }) => amountUsd,
  );
  return Math.max(2, ...[document.openingUsd, document.closingUsd, ...amounts].map((usd) => fractionOf(usd).length));
};

const count = (value: number): string => value.toLocaleString('en-US');

const table = (head: readonly string[], rows: readonly string[]): string =>
  `<table><thead><tr>${head.map((name, index) => `<th${index === 0 ? '' : ' class="n"'}>${name}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;

const row = (name: string, cells: readonly string[], isSum = false): string =>
  `<tr${isSum ? ' class="sum"' : ''}><td>${name}</td>${cells.map((cell) => `<td class="n">${cell}</td>`).join('')}</tr>`;

const usageTable = (
  what: string,
  lines: readonly DocumentUsageLine[],
  amount: Amount,
  nameOf: (name: string) => string,
): string => {
  const hasOwnKeys = lines.some(({ ownKeysUsd }) => ownKeysUsd !== '0');
  return table(
    [what, 'Requests', 'Prompt tokens', 'Completion tokens', ...(hasOwnKeys ? ['Own keys*'] : []), 'USD'],
    lines.map((line) =>
      row(line.name === null ? 'All others' : escaped(nameOf(line.name)), [
        count(line.requests),
        count(line.promptTokens),
        count(line.completionTokens),
        ...(hasOwnKeys ? [unpadded(line.ownKeysUsd)] : []),
        amount(line.amountUsd),
      ]),
    ),
  );
};

const section = (title: string, content: string): string => `<h2>${title}</h2>${content}`;

const monthName = (month: string): string =>
  new Date(`${month}-01T00:00:00Z`).toLocaleString('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' });

export const renderHtml = (document: StatementDocument, closed: boolean, hash: string): string => {
  const { workspaceId, month, corrections } = document;
  const amount = amountWith(digitsOf(document));
  const title = `Statement of ${monthName(month)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}, ${escaped(workspaceId)}</title><style>${STYLE}</style></head>
<body>
<header><h1>${title}</h1><dl><dt>Workspace</dt><dd>${escaped(workspaceId)}</dd><dt>From</dt><dd>${document.from.slice(0, 10)}</dd><dt>Until before</dt><dd>${document.to.slice(0, 10)} (UTC)</dd><dt>Currency</dt><dd>USD</dd><dt>State</dt><dd>${closed ? 'closed' : '<span class="open">not closed yet</span>'}</dd></dl></header>
${table(
  ['', 'USD'],
  [
    row('Opening balance', [amount(document.openingUsd)]),
    ...document.movements.map(({ kind, amountUsd }) => row(escaped(NAMES[kind] ?? kind), [amount(amountUsd)])),
    row('Closing balance', [amount(document.closingUsd)], true),
  ],
)}
${document.movements.some(({ kind }) => kind === 'markup' || kind === 'fees') ? '<p>Usage is at the prices of the endpoints. Markup and fees are what is charged on top of it, fees for calls with own provider keys; the tables below show both with their usage.</p>' : ''}
${document.feesPaidUsd === '0' ? '' : `<p>Fees paid on top of top-ups in this month, which are not part of the balance: ${unpadded(document.feesPaidUsd)} USD.</p>`}
${
  document.usageByModel.length === 0
    ? '<p>Nothing was used in this month.</p>'
    : section(
        'Usage by model',
        usageTable('Model', document.usageByModel, amount, (name) => name),
      ) +
      section(
        'Usage by key',
        usageTable('Key (its hash)', document.usageByKey, amount, (name) => name.slice(0, 12)),
      )
}
${
  document.usageByTag.length === 0
    ? ''
    : section(
        'Usage by tag',
        usageTable('Tag', document.usageByTag, amount, (name) => name) +
          '<p>A call with several tags counts under each of them, and one without tags under none: these lines do not add up to the usage.</p>',
      )
}
${
  corrections.length === 0
    ? ''
    : section(
        'Corrections booked in this month',
        table(
          ['Of generations of', 'Corrections', 'USD'],
          corrections.map(({ ofMonth, count: number, amountUsd }) =>
            row(monthName(ofMonth), [count(number), amount(amountUsd)]),
          ),
        ) +
          '<p>Better information came after a charge was booked. A closed month never changes: what is corrected later stands here.</p>',
      )
}
<footer>Amounts are exact to the picodollar (10<sup>−12</sup> USD); digits behind the cents are small. Opening balance and movements add up to the closing balance without rounding. Balances include credits held by calls that were running.<br>* Calls with your own provider keys: what they would have cost, not charged.<br>SHA-256 of this statement as JSON: ${hash}</footer>
</body></html>
`;
};
