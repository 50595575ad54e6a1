// `usage`: what all workspaces used, or one, by any dimensions.
import { BillingUsageQuery, USAGE_DIMENSIONS, formatUsd, type UsageDimension } from '@waystation/contracts';
import { UsageFault, type Command } from './command.ts';
import { timeOf } from './read-value.ts';

const ROWS_MAX = 2_000;

export const usage: Command = {
  name: 'usage',
  words: [],
  options: {
    by: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    workspace: { type: 'string' },
  },
  help: [
    'what was used and what it cost, the dearest first; exit code 1 where there are more rows than are shown',
    `--by D,D      by these: ${USAGE_DIMENSIONS.join(', ')} (default workspace)`,
    '--from TIME --to TIME   of the generations, ISO 8601, the last excluded',
    '--workspace W only of this one',
  ],
  async run(books, _words, values, output) {
    const workspaceId = values.text('workspace');
    const groupBy = (values.text('by') ?? 'workspace').split(',').map(dimensionOf);
    const { rows, truncated } = await books.ask(BillingUsageQuery, {
      ...(workspaceId === undefined ? {} : { workspaceId }),
      from: timeOf('--from', values.text('from')),
      to: timeOf('--to', values.text('to')),
      groupBy,
      orderBy: { field: 'usage', descending: true },
      limit: ROWS_MAX,
    });
    output.json({ groupBy, rows, truncated });
    output.say([...groupBy, 'requests', 'prompt tokens', 'completion tokens', 'USD', 'own keys USD'].join('\t'));
    for (const { group, requests, promptTokens, completionTokens, usage: amount, byokUsage } of rows)
      output.say(
        [
          ...group.map((value) => value ?? '–'),
          ...[requests, promptTokens, completionTokens, formatUsd(BigInt(amount)), formatUsd(BigInt(byokUsage))],
        ].join('\t'),
      );
    if (truncated) output.say(`There are more rows: ask for a shorter time or fewer dimensions.`);
    return !truncated;
  },
};

const dimensionOf = (text: string): UsageDimension =>
  USAGE_DIMENSIONS.find((each) => each === text) ?? fail(`--by takes ${USAGE_DIMENSIONS.join(', ')}, not ${text}`);

const fail = (problem: string): never => {
  throw new UsageFault(problem);
};
