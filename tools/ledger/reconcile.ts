// `reconcile`: a provider's own account of what it bills against ours.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { BillingReconcileImport, BillingReconcileReport, formatUsd } from '@waystation/contracts';
import { UsageFault, type Books, type Command, type Output, type Values } from './command.ts';

const FORMATS = ['openai-costs', 'anthropic-cost-report', 'csv'] as const;

export const reconcile: Command = {
  name: 'reconcile',
  words: ['import FILE | report'],
  options: {
    provider: { type: 'string' },
    format: { type: 'string' },
    model: { type: 'string', multiple: true },
    from: { type: 'string' },
    to: { type: 'string' },
    book: { type: 'boolean' },
  },
  help: [
    "import FILE: reads a provider's cost export; the same file or line again changes nothing",
    'report: ours against theirs by day and model; exit code 1 where an exception is left',
    '--provider P  its slug in our catalog',
    `--format F    of the file: ${FORMATS.join(', ')}`,
    '--model A=B   their name A is our model B, where the catalog does not say so; may be given several times',
    '--from DAY --to DAY   of the report, both included',
    '--book        books the differences of matched days to the account variance, once',
  ],
  run(books, [verb, file], values, output) {
    if (verb === 'import') return importFile(books, file, values, output);
    if (verb === 'report') return report(books, values, output);
    throw new UsageFault('reconcile takes import FILE or report');
  },
};

const needed = (values: Values, name: string): string => {
  const text = values.text(name);
  if (text === undefined || text === '') throw new UsageFault(`--${name} is missing`);
  return text;
};

const importFile = async (books: Books, file: string | undefined, values: Values, output: Output): Promise<boolean> => {
  if (file === undefined) throw new UsageFault('reconcile import takes a file');
  const named = needed(values, 'format');
  const format = FORMATS.find((each) => each === named);
  if (format === undefined) throw new UsageFault(`--format must be ${FORMATS.join(', ')}, not ${named}`);
  const assigned = values.texts('model').map(assignment);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageFault(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const provider = needed(values, 'provider');
  const models = [...(await books.upstreamModels(provider)), ...assigned];
  const report = await books.ask(BillingReconcileImport, {
    ...{ provider, format, text, models },
    fileName: path.basename(file).slice(-256),
  });
  output.json(report);
  output.say(
    report.known
      ? `This file was imported before; nothing changed.`
      : `${report.lines} lines, ${report.added} of them new (SHA-256 ${report.fileHash}).`,
  );
  for (const { day, upstreamModel, amount } of report.unassigned)
    output.say(`${day}  ${upstreamModel}  ${formatUsd(BigInt(amount))} USD: no model of ours; name it with --model`);
  return report.unassigned.length === 0;
};

const assignment = (text: string): { upstreamModel: string; model: string } => {
  const at = text.lastIndexOf('=');
  if (at < 1 || at === text.length - 1) throw new UsageFault(`--model must be THEIRS=OURS, not ${text}`);
  return { upstreamModel: text.slice(0, at), model: text.slice(at + 1) };
};

const report = async (books: Books, values: Values, output: Output): Promise<boolean> => {
  const told = await books.ask(BillingReconcileReport, {
    provider: needed(values, 'provider'),
    from: dayOf(values, 'from'),
    to: dayOf(values, 'to'),
    book: values.flag('book'),
  });
  output.json(told);
  const usd = (amount: string): string => formatUsd(BigInt(amount)).padStart(18);
  output.say(`day         ours               theirs             booked             difference         model (USD)`);
  for (const { day, model, ours, theirs, booked, difference, exception } of told.rows)
    output.say(
      `${day} ${usd(ours)} ${usd(theirs)} ${usd(booked)} ${usd(difference)} ${model}${exception === undefined ? '' : `  ← ${exception}`}`,
    );
  output.say(`in all     ${usd(told.ours)} ${usd(told.theirs)} ${usd(told.booked)}`);
  if (told.truncated) output.say('There are more rows: ask for fewer days.');
  const exceptions = told.rows.filter(({ exception }) => exception !== undefined).length;
  if (exceptions > 0) output.say(`${exceptions} exceptions are not booked.`);
  return exceptions === 0 && !told.truncated;
};

const dayOf = (values: Values, name: string): string => {
  const text = needed(values, name);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new UsageFault(`--${name} must be a day as YYYY-MM-DD, not ${text}`);
  return text;
};
