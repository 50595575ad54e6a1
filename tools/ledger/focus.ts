// `focus`: a workspace's charges of a month in the FOCUS format, part after part.
import { BillingFocusExport } from '@waystation/contracts';
import type { Command } from './command.ts';
import { monthOf } from './statement.ts';

export const focus: Command = {
  name: 'focus',
  words: ['WORKSPACE', 'MONTH'],
  options: { out: { type: 'string' } },
  help: [
    "a workspace's charges of a month as a FOCUS 1.2 CSV",
    '--out FILE    writes it there instead of to standard output',
  ],
  async run(books, [workspaceId = '', word], _values, output) {
    const month = monthOf(word);
    let after: string | undefined;
    do {
      const isFirst = after === undefined;
      const part = await books.ask(BillingFocusExport, {
        workspaceId,
        month,
        ...(after === undefined ? {} : { after }),
      });
      await output.document(isFirst ? part.header + part.lines : part.lines);
      after = part.next;
    } while (after !== undefined);
    return true;
  },
};
