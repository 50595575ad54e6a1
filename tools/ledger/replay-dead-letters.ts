// `replay-dead-letters`: settles again what could not be settled when it came.
import { BillingDeadLettersReplay } from '@waystation/contracts';
import type { Command } from './command.ts';
import { timeOf, wholeNumber } from './read-value.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

export const replayDeadLetters: Command = {
  name: 'replay-dead-letters',
  words: [],
  options: {
    id: { type: 'string', multiple: true },
    reason: { type: 'string' },
    since: { type: 'string' },
    limit: { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  help: [
    'settles dead letters again, each once; exit code 1 where one still cannot be',
    '--id N        only this one; may be given several times',
    '--reason TEXT only those whose reason holds this text',
    '--since TIME  only those received at or after this ISO 8601 time',
    `--limit N     at most so many, the oldest first (default ${LIMIT_DEFAULT}, at most ${LIMIT_MAX})`,
    '--dry-run     lists them and changes nothing',
  ],
  async run(books, _words, values, output) {
    const ids = values.texts('id').map((text) => wholeNumber('--id', text, Number.MAX_SAFE_INTEGER));
    const reason = values.text('reason');
    const since = values.text('since');
    const report = await books.ask(BillingDeadLettersReplay, {
      ...(ids.length === 0 ? {} : { ids }),
      ...(reason === undefined ? {} : { reason }),
      ...(since === undefined ? {} : { since: timeOf('--since', since) }),
      limit: wholeNumber('--limit', values.text('limit') ?? String(LIMIT_DEFAULT), LIMIT_MAX),
      dryRun: values.flag('dry-run'),
    });
    output.json(report);
    for (const { id, position, receivedAt, reason: why, result } of report.letters)
      output.say(`${id}  ${new Date(receivedAt).toISOString()}  at ${position}  ${result}: ${why}`);
    const bad = report.letters.filter(({ result }) => result === 'still-bad').length;
    output.say(`${report.letters.length} looked at, ${bad} still bad; ${report.left} not replayed in all.`);
    return bad === 0;
  },
};
