// `npm run ledger -- …`: the operator's commands on the books.
import { appendFile, writeFile } from 'node:fs/promises';
import { AwayFault, openBooks } from './books.ts';
import { UsageFault, type Command, type Output } from './command.ts';
import { readInvocation, type Invocation } from './options.ts';
import { helpText } from './help.ts';

const EXIT = { good: 0, disagree: 1, usage: 2, away: 3 } as const;

/** Contracts are part of the build, and help needs none. */
const loadCommands = async (): Promise<Command[]> => {
  const modules = await Promise.all([
    import('./verify.ts').then(({ verify }) => verify),
    import('./rebuild.ts').then(({ rebuild }) => rebuild),
    import('./explain.ts').then(({ explain }) => explain),
    import('./replay-dead-letters.ts').then(({ replayDeadLetters }) => replayDeadLetters),
    import('./disagreements.ts').then(({ disagreements }) => disagreements),
    import('./usage.ts').then(({ usage }) => usage),
    import('./statement.ts').then(({ statement }) => statement),
    import('./focus.ts').then(({ focus }) => focus),
    import('./rerate.ts').then(({ rerate }) => rerate),
    import('./reconcile.ts').then(({ reconcile }) => reconcile),
  ]).catch((error: unknown) => {
    throw new AwayFault('the project is not built: npm start or npm run build first', { cause: error });
  });
  return modules;
};

const outputOf = ({ json, out }: Invocation): Output => {
  let begun = false;
  return {
    onlyJson: json && out === undefined,
    say: (line) => {
      if (!json) console.log(line);
    },
    json: (value) => {
      if (json) console.log(JSON.stringify(value));
    },
    document: async (text) => {
      if (out === undefined) process.stdout.write(text);
      else await (begun ? appendFile(out, text) : writeFile(out, text, { mode: 0o600 }));
      begun = true;
    },
  };
};

async function main(): Promise<number> {
  const commands = await loadCommands();
  const invocation = readInvocation(process.argv.slice(2), commands, process.env, process.cwd());
  if (invocation === undefined) {
    console.log(helpText(commands));
    return process.argv.length > 2 ? EXIT.good : EXIT.usage;
  }
  const { command, words, values, natsUrl, dataDir } = invocation;
  const books = await openBooks(natsUrl, dataDir);
  try {
    return (await command.run(books, words, values, outputOf(invocation))) ? EXIT.good : EXIT.disagree;
  } finally {
    await books.close();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const isUsage = error instanceof UsageFault;
    const message = error instanceof Error ? error.message : String(error);
    console.error(`ledger: ${message}${isUsage ? '\nnpm run ledger -- help shows the commands.' : ''}`);
    process.exitCode = isUsage ? EXIT.usage : EXIT.away;
  },
);
