// The command line: which command, its words and options, and where the system is.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { UsageFault, type Command, type Values } from './command.ts';

export interface Invocation {
  readonly command: Command;
  readonly words: readonly string[];
  readonly values: Values;
  readonly json: boolean;
  readonly out: string | undefined;
  readonly natsUrl: string | undefined;
  readonly dataDir: string;
}

const COMMON = {
  json: { type: 'boolean' },
  'data-dir': { type: 'string' },
  nats: { type: 'string' },
} as const;

/** Undefined where help is what was asked for. */
export function readInvocation(
  args: readonly string[],
  commands: readonly Command[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Invocation | undefined {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || args.includes('--help')) return undefined;
  const command = commands.find((each) => each.name === name);
  if (command === undefined)
    throw new UsageFault(`there is no command ${name}; there are ${commands.map((each) => each.name).join(', ')}`);
  const parsed = parse(command, rest);
  const { positionals } = parsed;
  const values: Readonly<Record<string, unknown>> = parsed.values;
  // `report` of reconcile takes no file, and words with alternatives count as two at most.
  const most = command.words.reduce((count, word) => count + (word.includes(' ') ? 2 : 1), 0);
  const least = command.words.length;
  if (positionals.length < least || positionals.length > most)
    throw new UsageFault(`${[name, ...command.words].join(' ')}: ${positionals.length} words were given`);
  const text = (key: string): string | undefined => (typeof values[key] === 'string' ? values[key] : undefined);
  return {
    command,
    words: positionals,
    values: {
      flag: (key) => values[key] === true,
      text,
      texts: (key) => (Array.isArray(values[key]) ? values[key].map(String) : []),
    },
    json: values['json'] === true,
    out: text('out'),
    natsUrl: text('nats') ?? (env['NATS_URL'] === '' ? undefined : env['NATS_URL']),
    dataDir: path.resolve(cwd, text('data-dir') ?? '.waystation'),
  };
}

function parse(command: Command, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { ...command.options, ...COMMON } });
  } catch (error) {
    throw new UsageFault(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
