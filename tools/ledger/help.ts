// The help text, made from the commands themselves.
import type { Command } from './command.ts';

export const helpText = (commands: readonly Command[]): string =>
  [
    'npm run ledger -- COMMAND [options]',
    '',
    ...commands.flatMap(({ name, words, help }) => [
      `  ${[name, ...words].join(' ')}`,
      ...help.map((line) => `      ${line}`),
      '',
    ]),
    'For every command:',
    '      --json          one line of JSON instead of text',
    '      --data-dir DIR  of the running system (default .waystation); its run.json says where NATS is',
    '      --nats URL      NATS itself, with the user operator and its password; so does the variable NATS_URL',
    '',
    'Exit codes: 0 all is well, 1 the books disagree, 2 the command makes no sense, 3 the system refused or could not be reached.',
  ].join('\n');
