// `rebuild`: works out balances, quotas and key usage again from entries, charges and leases.
import { BillingLedgerRebuild } from '@waystation/contracts';
import type { Command } from './command.ts';

export const rebuild: Command = {
  name: 'rebuild',
  words: [],
  options: { repair: { type: 'boolean' } },
  help: [
    'works out balances, quotas and key usage from entries and charges; exit code 1 with what differs',
    '--repair      writes what they should be; bookings wait meanwhile',
  ],
  async run(books, _words, values, output) {
    const repair = values.flag('repair');
    const report = await books.ask(BillingLedgerRebuild, { repair });
    output.json(report);
    const { balances, quotas, keyUsage } = report.checked;
    for (const difference of report.differences) output.say(difference);
    const left = report.differenceCount - report.differences.length;
    if (left > 0) output.say(`… and ${left} more`);
    output.say(
      `${balances} balances, ${quotas} quotas, ${keyUsage} days of keys: ${report.differenceCount} differ` +
        (repair && report.differenceCount > 0 ? ', repaired.' : '.'),
    );
    return repair || report.differenceCount === 0;
  },
};
