// The page: what came out, as tables and a plot. Nothing of the machine or the day is in it, so that the same seed writes the same page.
import { MESSAGE_TOKENS } from './asks.ts';
import type { Incident } from './incidents.ts';
import { OFFERS } from './market.ts';
import { plotWeek, type Line } from './plot.ts';
import { amplificationOf, costOf, firstTokenOf, successOf, type Sums, type Told } from './told.ts';

export interface Result {
  readonly name: string;
  readonly told: Told;
}

/** Cached shares of input tokens, by contestant, and what was possible. */
export interface AgentsResult {
  readonly title: string;
  readonly possible: number;
  readonly shares: readonly { readonly name: string; readonly share: number; readonly costUsd: number }[];
}

const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`;
const seconds = (ms: number): string => (Number.isNaN(ms) ? '–' : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`);
const usd = (value: number): string => `$${value.toFixed(2)}`;
const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly string[]): string[] => [
  row(...head),
  row(...head.map(() => '---')),
  ...rows,
  '',
];
const count = (value: number): string => value.toLocaleString('en-US');
export const cachedShareOf = ({ cachedTokens, inputTokens }: Sums): number => cachedTokens / inputTokens;

export const writePage = (
  results: readonly Result[],
  incidents: readonly Incident[],
  agents: readonly AgentsResult[],
  setting: string,
): string => {
  const [ours, ...others] = results;
  if (ours === undefined) return '';
  const patient = others.filter(({ name }) => name.endsWith('fallbacks'));
  return [
    '# A simulated week of routing',
    '',
    'Written by `npm run bench:week`; how it is made is in [bench/README.md](../bench/README.md). Time is virtual, providers are the sandbox’s own scripts, replies and prompt caches, and the routers, workers and ingresses run the product’s own code.',
    setting,
    '',
    '![What goes wrong in the week, and how requests fared by hour](routing-week.svg)',
    '',
    '## The week',
    '',
    'Success is of the requests that some endpoint would have served, had it been asked at the moment at which they came. All contestants meet the same requests, incidents and luck; those without a memory of how endpoints do go on to the next one after a failure (with fallbacks), or do not. The cost is what providers bill, broken answers included.',
    '',
    ...table(
      ['', 'success', 'attempts for a request', 'cost of 1,000 requests', 'cached input', 'first token p50', 'p99'],
      results.map(({ name, told: { all } }) =>
        row(
          name,
          percent(successOf(all), 3),
          amplificationOf(all).toFixed(3),
          usd(costOf(all)),
          percent(cachedShareOf(all), 1),
          seconds(firstTokenOf(all, 0.5)),
          seconds(firstTokenOf(all, 0.99)),
        ),
      ),
    ),
    `Without success at Waystation: ${[...ours.told.reasons].map(([why, times]) => `${why} ${count(times)}`).join(', ') || 'none'}. A stream that breaks after its first token was not begun again: continuing it is an option of its own.`,
    '',
    '## Incident by incident',
    '',
    'Requests that came while it lasted. Success is of those that some endpoint would have served; where that is a dash, none would have.',
    '',
    ...table(
      [
        'incident',
        'requests',
        'success',
        'attempts for a request',
        'p99 of the first token',
        ...patient.map(({ name }) => `${name}: attempts, p99`),
      ],
      incidents.map(({ name }, place) => {
        const sums = ours.told.incidents[place];
        if (sums === undefined) return '';
        return row(
          name,
          count(sums.requests),
          sums.servable === 0 ? '–' : percent(successOf(sums)),
          amplificationOf(sums).toFixed(2),
          seconds(firstTokenOf(sums, 0.99)),
          ...patient.map(({ told }) => {
            const theirs = told.incidents[place];
            return theirs === undefined
              ? ''
              : `${amplificationOf(theirs).toFixed(2)}, ${seconds(firstTokenOf(theirs, 0.99))}`;
          }),
        );
      }),
    ),
    '## Who asked',
    '',
    '`quick` prefers a first token within 2.5 s (p90), `european` may use the region eu only, `own-key` brings a key for alder that is refused from Wednesday 11:00 on: its own requests try it now and then, and nobody else notices.',
    '',
    ...table(
      ['tenant', 'requests', 'success', 'attempts for a request', 'first token p50', 'p99'],
      [...ours.told.tenants].map(([tenant, sums]) =>
        row(
          tenant,
          count(sums.requests),
          percent(successOf(sums), 3),
          amplificationOf(sums).toFixed(3),
          seconds(firstTokenOf(sums, 0.5)),
          seconds(firstTokenOf(sums, 0.99)),
        ),
      ),
    ),
    '## Agents and prompt caches',
    '',
    'Conversations of agents whose prompts grow with each turn. Possible is what one cache for everything would have given, with the five minutes that providers keep what nobody reads.',
    '',
    ...agents.flatMap(({ title, possible, shares }) => [
      `${title}: ${percent(possible)} of the input tokens could have come from a cache.`,
      '',
      ...table(
        ['', 'cached share of input tokens', 'of the possible', 'cost of the trace'],
        shares.map(({ name, share, costUsd }) => row(name, percent(share), percent(share / possible, 1), usd(costUsd))),
      ),
    ]),
    `A token is four characters here, and each message has ${MESSAGE_TOKENS} more, as the sandbox counts.`,
    '',
  ].join('\n');
};

const PALETTE: readonly string[] = ['#1d4ed8', '#d97706', '#d97706', '#15803d', '#15803d'];
/** What none of a thousand requests is, on a scale that has no zero. */
const FEWEST = 0.000_1;

export const writePlot = (
  results: readonly Result[],
  incidents: readonly Incident[],
  beginsMs: number,
  endsMs: number,
): string => {
  const linesOf = (valueOf: (hour: Sums) => number, all: boolean): Line[] =>
    results.flatMap(({ name, told }, place) =>
      all || place === 0 || name.endsWith('fallbacks')
        ? [
            {
              ...{ name, colour: PALETTE[place] ?? '#111827', dashed: place > 0 && !name.endsWith('fallbacks') },
              values: told.hours.map(valueOf),
            },
          ]
        : [],
    );
  return plotWeek({
    ...{ beginsMs, endsMs, incidents, slugs: OFFERS.map(({ slug }) => slug) },
    panels: [
      {
        ...{ title: 'Requests not served', scale: 'log', least: FEWEST, most: 1 },
        ticks: [
          [FEWEST, 'none'],
          [0.001, '0.1 %'],
          [0.01, '1 %'],
          [0.1, '10 %'],
          [1, '100 %'],
        ],
        lines: linesOf((hour) => (hour.servable === 0 ? Number.NaN : 1 - successOf(hour)), true),
      },
      {
        ...{ title: 'Attempts for a request', scale: 'linear', least: 1, most: 3 },
        ticks: [
          [1, '1'],
          [1.2, '1.2'],
          [2, '2'],
          [3, '3'],
        ],
        lines: linesOf(amplificationOf, false),
      },
      {
        ...{ title: 'First token, p99', scale: 'log', least: 500, most: 64_000 },
        ticks: [
          [500, '0.5 s'],
          [2_000, '2 s'],
          [8_000, '8 s'],
          [32_000, '32 s'],
        ],
        lines: linesOf((hour) => firstTokenOf(hour, 0.99), false),
      },
      {
        ...{ title: 'Cost of 1,000 requests', scale: 'linear', least: 0, most: 2.5 },
        ticks: [
          [0, '$0'],
          [1, '$1'],
          [2, '$2'],
        ],
        lines: linesOf(costOf, false),
      },
    ],
  });
};
