// `verify`: every invariant of the ledger over all that was ever booked; the first difference names its row.
import { BillingLedgerVerify } from '@waystation/contracts';
import type { Command } from './command.ts';

export const verify: Command = {
  name: 'verify',
  words: [],
  options: {},
  help: ['folds all entries, prices every charge again and checks every invariant; exit code 1 with what differs'],
  async run(books, _words, _values, output) {
    const begunMs = performance.now();
    const report = await books.ask(BillingLedgerVerify, {});
    const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
    output.json(report);
    const isBalanced = report.debits === report.credits;
    if (!isBalanced) output.say(`debits ${report.debits} are not credits ${report.credits}`);
    for (const problem of report.problems) output.say(problem);
    const isGood = isBalanced && report.problems.length === 0;
    output.say(
      isGood
        ? `The ledger holds: ${report.entries} entries, ${report.debits} picodollars on either side, ${report.openLeases} open leases (${seconds} s).`
        : `The ledger does not hold: ${report.problems.length} problems${report.problems.length === 100 ? ' or more' : ''} (${seconds} s).`,
    );
    return isGood;
  },
};
