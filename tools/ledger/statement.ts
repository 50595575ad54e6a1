// `statement`: a workspace's month, as text for people and programs.
import { BillingStatementGet } from '@waystation/contracts';
import { UsageFault, type Command } from './command.ts';

const FORMATS = ['json', 'csv', 'html'] as const;

export const monthOf = (text: string | undefined): string => {
  if (text === undefined || !/^\d{4}-(0[1-9]|1[0-2])$/.test(text))
    throw new UsageFault(`${text ?? 'nothing'} is no month (YYYY-MM)`);
  return text;
};

export const statement: Command = {
  name: 'statement',
  words: ['WORKSPACE', 'MONTH'],
  options: { format: { type: 'string' }, out: { type: 'string' } },
  help: [
    "a workspace's statement of a month (YYYY-MM)",
    '--format F    json (default), csv or html, which prints well',
    '--out FILE    writes it there instead of to standard output',
  ],
  async run(books, [workspaceId = '', month], values, output) {
    const named = values.text('format') ?? 'json';
    const format = FORMATS.find((each) => each === named);
    if (format === undefined) throw new UsageFault(`--format must be ${FORMATS.join(', ')}, not ${named}`);
    const { text } = await books.ask(BillingStatementGet, { workspaceId, month: monthOf(month), format });
    await output.document(text);
    return true;
  },
};
