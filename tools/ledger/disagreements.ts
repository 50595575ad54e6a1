// `disagreements`: attempts whose two witnesses, ingress and worker, told different outcomes or usages; the ingress's word was charged.
import { BillingWitnessesDisagreements, formatUsd } from '@waystation/contracts';
import type { z } from 'zod';
import type { Command } from './command.ts';
import { timeOf, wholeNumber } from './read-value.ts';

type Disagreement = z.infer<typeof BillingWitnessesDisagreements.reply>['disagreements'][number];

const LIMIT_DEFAULT = 1_000;
const LIMIT_MAX = 100_000;
/** As many as one answer holds. */
const PAGE = 500;

export const disagreements: Command = {
  name: 'disagreements',
  words: [],
  options: { workspace: { type: 'string' }, since: { type: 'string' }, limit: { type: 'string' } },
  help: [
    'attempts of which ingress and worker told different things, the newest first; exit code 1 where there are any',
    '--workspace W only of this one',
    '--since TIME  only those found at or after this ISO 8601 time',
    `--limit N     at most so many (default ${LIMIT_DEFAULT}, at most ${LIMIT_MAX})`,
  ],
  async run(books, _words, values, output) {
    const workspaceId = values.text('workspace');
    const since = values.text('since');
    const about = {
      ...(workspaceId === undefined ? {} : { workspaceId }),
      ...(since === undefined ? {} : { since: timeOf('--since', since) }),
    };
    const most = wholeNumber('--limit', values.text('limit') ?? String(LIMIT_DEFAULT), LIMIT_MAX);
    const found: Disagreement[] = [];
    let isMore = true;
    while (isMore && found.length < most) {
      const limit = Math.min(PAGE, most - found.length);
      const before = found.at(-1)?.id;
      const page = await books.ask(BillingWitnessesDisagreements, {
        ...about,
        limit,
        ...(before === undefined ? {} : { before }),
      });
      found.push(...page.disagreements);
      isMore = page.disagreements.length === limit;
    }
    output.json({ disagreements: found, truncated: isMore });
    for (const line of tableOf(found)) output.say(line);
    if (isMore) output.say(`There may be more: ask with a larger --limit.`);
    return found.length === 0;
  },
};

const HEADER = [
  'found',
  'workspace',
  'attempt',
  'what differs',
  'ingress (charged)',
  'worker',
  "USD beyond, by worker's count",
];

const tableOf = (found: readonly Disagreement[]): string[] => {
  if (found.length === 0) return ['No witnesses disagree.'];
  const rows = [HEADER, ...found.map(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const sum = found.reduce((total, { difference }) => total + BigInt(difference), 0n);
  return [
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    `${found.length} in all; by the workers' counts ${formatUsd(sum)} USD beyond what was charged. npm run ledger -- explain GENERATION tells each.`,
  ];
};

const cellsOf = ({ foundAt, workspaceId, attemptId, kind, ingress, worker, difference }: Disagreement): string[] => [
  new Date(foundAt).toISOString(),
  workspaceId,
  attemptId,
  kind,
  wordOf(ingress),
  wordOf(worker),
  formatUsd(BigInt(difference)),
];

/** `completed: 10 input, 20 output (provider)`. */
const wordOf = ({ outcome, usage, usageSource, serviceTier }: Disagreement['ingress']): string =>
  [
    `${outcome}:`,
    usage === undefined
      ? 'no usage'
      : Object.entries(usage)
          .map(([unit, count]) => `${count} ${unit}`)
          .join(', '),
    ...(usageSource === undefined ? [] : [`(${usageSource})`]),
    ...(serviceTier === undefined ? [] : [`at ${serviceTier}`]),
  ].join(' ');
