// `npm run replay -- …`: what routing would have chosen under another policy, other prices or other health, from the decisions that were kept. Asks logging over the bus.
import { readFileSync } from 'node:fs';
import type { DecisionDifference } from '@waystation/contracts';
import { AwayFault, openBooks } from '../ledger/books.ts';
import { UsageFault } from '../ledger/command.ts';
import { HELP, readAsked } from './read-asked.ts';

const EXIT = { good: 0, usage: 2, away: 3 } as const;

/** Loaded when they are needed, so that help needs no build. */
const builtLibraries = () =>
  Promise.all([import('@waystation/contracts'), import('@waystation/routing'), import('./tell-text.ts')]).catch(
    (error: unknown) => {
      throw new AwayFault('the project is not built: npm start or npm run build first', { cause: error });
    },
  );

async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0 || args.includes('--help') || args[0] === 'help') {
    console.log(HELP);
    return args.length > 0 ? EXIT.good : EXIT.usage;
  }
  const [{ DECISIONS_PER_CALL_MAX, LoggingDecisionReplay, decisionChange }, routing, { tellText }] =
    await builtLibraries();
  const asked = readAsked(
    args,
    process.env,
    process.cwd(),
    (file) => readFileSync(file, 'utf8'),
    (value) => decisionChange.safeParse(value),
  );
  const { from, to, change, format } = asked;
  const books = await openBooks(asked.natsUrl, asked.dataDir);
  const rows: DecisionDifference[] = [];
  if (format === 'csv') process.stdout.write(routing.DIFFERENCES_CSV_HEAD);
  try {
    for (const workspaceId of asked.workspaceId === undefined ? await books.workspaces() : [asked.workspaceId]) {
      let after: string | undefined;
      do {
        const page = await books.ask(LoggingDecisionReplay, {
          ...{ workspaceId, from, to, change, limit: DECISIONS_PER_CALL_MAX },
          ...(after === undefined ? {} : { after }),
        });
        if (format === 'csv') process.stdout.write(routing.differencesCsv(page.rows));
        else if (format === 'json') for (const row of page.rows) console.log(JSON.stringify({ workspaceId, ...row }));
        else rows.push(...page.rows);
        after = page.next;
      } while (after !== undefined);
    }
  } finally {
    await books.close();
  }
  if (format === 'text') process.stdout.write(tellText(rows, routing.sumDifferences(rows)));
  return EXIT.good;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const isUsage = error instanceof UsageFault;
    const message = error instanceof Error ? error.message : String(error);
    console.error(`replay: ${message}${isUsage ? '\nnpm run replay -- --help shows what it takes.' : ''}`);
    process.exitCode = isUsage ? EXIT.usage : EXIT.away;
  },
);
