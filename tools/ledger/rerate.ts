// `rerate`: what was charged by a wrong price is brought to another, with a difference report before and after.
import {
  BillingRerateApply,
  BillingReratePlan,
  BillingRerateReport,
  BillingRerateStop,
  formatUsd,
} from '@waystation/contracts';
import { UsageFault, type Books, type Command, type Output, type Values } from './command.ts';

const PAGE = 500;
/** Calls of `apply` in a row: each books a bounded number of attempts. */
const CALLS_MAX = 100_000;

export const rerate: Command = {
  name: 'rerate',
  words: ['plan | apply ID | report ID | stop ID'],
  options: {
    provider: { type: 'string' },
    model: { type: 'string' },
    endpoint: { type: 'string' },
    workspace: { type: 'string' },
    'charged-by': { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    price: { type: 'string' },
    reason: { type: 'string' },
    out: { type: 'string' },
  },
  help: [
    'plan: what a re-rating would change, as CSV; nothing is changed',
    'apply ID: books the corrections; the same ID again goes on where it stopped',
    'report ID: what it has booked, as CSV; stop ID: ends one that shall not go on',
    '--provider P --from TIME --to TIME --price VERSION   which charges (TIME of the generation, ISO 8601, the last excluded), by which price',
    '--model M, --endpoint E, --workspace W, --charged-by VERSION   only those',
    '--reason TEXT why, for apply',
    '--out FILE    writes the CSV there instead of to standard output',
  ],
  run(books, [verb, id], values, output) {
    switch (verb) {
      case 'plan':
        return plan(books, values, output);
      case 'apply':
        return apply(books, idOf(id), values, output);
      case 'report':
        return report(books, idOf(id), output);
      case 'stop':
        return stop(books, idOf(id), output);
      default:
        throw new UsageFault('rerate takes plan, apply ID, report ID or stop ID');
    }
  },
};

const needed = (values: Values, name: string): string => {
  const text = values.text(name);
  if (text === undefined || text === '') throw new UsageFault(`--${name} is missing`);
  return text;
};

const timeOf = (values: Values, name: string): number => {
  const text = needed(values, name);
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new UsageFault(`--${name} must be an ISO 8601 time, not ${text}`);
  return time;
};

const idOf = (id: string | undefined): string => {
  if (id === undefined)
    throw new UsageFault('an id is missing: choose one, 8 to 64 lower-case letters, digits and dashes');
  return id;
};

const selectionOf = (values: Values) => {
  const [model, endpointId, workspaceId, chargedBy] = (['model', 'endpoint', 'workspace', 'charged-by'] as const).map(
    (name) => values.text(name),
  );
  return {
    provider: needed(values, 'provider'),
    from: timeOf(values, 'from'),
    to: timeOf(values, 'to'),
    ...(model === undefined ? {} : { model }),
    ...(endpointId === undefined ? {} : { endpointId }),
    ...(workspaceId === undefined ? {} : { workspaceId }),
    ...(chargedBy === undefined ? {} : { chargedBy }),
  };
};

const plan = async (books: Books, values: Values, output: Output): Promise<boolean> => {
  const asked = {
    selection: selectionOf(values),
    priceVersion: needed(values, 'price'),
    limit: PAGE,
    format: 'csv' as const,
  };
  let page = await books.ask(BillingReratePlan, asked);
  output.json(page.totals);
  for (;;) {
    if (output.onlyJson) return true;
    await output.document(page.csv ?? '');
    if (page.next === undefined) return true;
    page = await books.ask(BillingReratePlan, { ...asked, after: page.next });
  }
};

const apply = async (books: Books, rerateId: string, values: Values, output: Output): Promise<boolean> => {
  const asked = {
    rerateId,
    selection: selectionOf(values),
    priceVersion: needed(values, 'price'),
    reason: needed(values, 'reason'),
  };
  for (let calls = 0; calls < CALLS_MAX; calls += 1) {
    const { run } = await books.ask(BillingRerateApply, asked);
    if (run.state === 'running') continue;
    output.json(run);
    sayRun(run, output);
    return run.state === 'finished';
  }
  throw new Error(`re-rating ${rerateId} is not finished after ${CALLS_MAX} calls: call again to go on`);
};

const report = async (books: Books, rerateId: string, output: Output): Promise<boolean> => {
  const asked = { rerateId, limit: PAGE, format: 'csv' as const };
  let page = await books.ask(BillingRerateReport, asked);
  output.json(page.run);
  for (;;) {
    if (output.onlyJson) return true;
    await output.document(page.csv ?? '');
    if (page.next === undefined) return true;
    page = await books.ask(BillingRerateReport, { ...asked, after: page.next });
  }
};

const stop = async (books: Books, rerateId: string, output: Output): Promise<boolean> => {
  const { run } = await books.ask(BillingRerateStop, { rerateId });
  output.json(run);
  sayRun(run, output);
  return true;
};

interface Run {
  readonly rerateId: string;
  readonly state: string;
  readonly totals: {
    readonly attempts: number;
    readonly changed: number;
    readonly chargedDifference: string;
    readonly payableDifference: string;
  };
}

const sayRun = ({ rerateId, state, totals }: Run, output: Output): void =>
  output.say(
    `Re-rating ${rerateId} is ${state}: ${totals.attempts} attempts, ${totals.changed} of them cost something else; ` +
      `customers ${formatUsd(BigInt(totals.chargedDifference))} USD, providers ${formatUsd(BigInt(totals.payableDifference))} USD.`,
  );
