// A provider's own account of what it bills → lines by UTC day and the provider's name of the model. Amounts keep every digit that the file has.
//   openai-costs           GET /v1/organization/costs?bucket_width=1d&group_by=line_item: pages of buckets with Unix seconds and dollars
//                          https://platform.openai.com/docs/api-reference/usage/costs
//   anthropic-cost-report  GET /v1/organizations/cost_report?group_by[]=description: RFC 3339 days and CENTS as decimal text
//                          https://platform.claude.com/docs/en/api/admin/cost_report
//   csv                    for all others: a header with day, model, amount_usd, and optionally currency and line
import { WaystationError } from '@waystation/contracts';
import { z } from 'zod';
import { picodollarsFrom } from './amount.js';
import { readCsv } from './read-csv.js';

declare global {
  interface JSON {
    /** The reviver learns the source text of a primitive: ES2026, in Node since 22. */
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

export type ExportFormat = 'openai-costs' | 'anthropic-cost-report' | 'csv';

export interface BilledLine {
  /** What makes the line this line within its provider, whatever file it comes in. */
  readonly key: string;
  readonly day: string;
  readonly upstreamModel: string;
  readonly amount: bigint;
}

const DAY_MS = 86_400_000;
const DOLLARS = 12;
const CENTS = 10;
const LINES_MAX = 20_000;

const unprocessable = (problem: string): never => {
  throw new WaystationError('unprocessable', problem);
};

/** Numbers as the text that the file has, so that no double comes between. */
const parseExact = (text: string): unknown => {
  try {
    return JSON.parse(text, (_key, value: unknown, context: { readonly source?: string }) =>
      typeof value === 'number' ? (context.source ?? String(value)) : value,
    );
  } catch (cause) {
    throw new WaystationError('malformed_json', 'The file is not valid JSON.', { cause });
  }
};

/** One page, or several in a list. */
const pagesOf = <Page>(text: string, schema: z.ZodType<Page>): Page[] => {
  const parsed = z.union([schema.transform((page) => [page]), z.array(schema).min(1)]).safeParse(parseExact(text));
  if (parsed.success) return parsed.data;
  return unprocessable(
    `The file has not the shape of its format: ${z.prettifyError(parsed.error).split('\n').slice(0, 4).join('; ').slice(0, 400)}`,
  );
};

const dayOf = (startMs: number, endMs: number, where: string): string => {
  if (!Number.isFinite(startMs) || startMs % DAY_MS !== 0 || endMs - startMs !== DAY_MS)
    unprocessable(`${where} is not one whole UTC day: export with buckets of one day.`);
  return new Date(startMs).toISOString().slice(0, 10);
};

const usdOnly = (currency: string, where: string): void => {
  if (currency.toUpperCase() !== 'USD')
    unprocessable(`${where} is in ${currency.slice(0, 16)}; only USD can be reconciled.`);
};

const amountOf = (text: string, scale: number, where: string): bigint =>
  picodollarsFrom(text, scale) ?? unprocessable(`${where}: ${text.slice(0, 32)} is no amount.`);

const openAiCosts = z.object({
  data: z.array(
    z.object({
      start_time: z.string(),
      end_time: z.string(),
      results: z.array(
        z.object({
          amount: z.object({ value: z.string(), currency: z.string() }),
          line_item: z.string().nullish(),
          project_id: z.string().nullish(),
          api_key_id: z.string().nullish(),
        }),
      ),
    }),
  ),
});

const readOpenAi = (text: string): BilledLine[] =>
  pagesOf(text, openAiCosts).flatMap(({ data }) =>
    data.flatMap(({ start_time, end_time, results }) =>
      results.map(({ amount, line_item: item, project_id, api_key_id }) => {
        const day = dayOf(Number(start_time) * 1_000, Number(end_time) * 1_000, `The bucket from ${start_time}`);
        if (item === undefined || item === null)
          return unprocessable('A cost has no line_item: export with group_by=line_item.');
        usdOnly(amount.currency, `${item} on ${day}`);
        return {
          key: JSON.stringify([day, item, project_id ?? null, api_key_id ?? null]),
          day,
          // "gpt-4o-2024-08-06, input"
          upstreamModel: item.split(',')[0]?.trim() ?? item,
          amount: amountOf(amount.value, DOLLARS, `${item} on ${day}`),
        };
      }),
    ),
  );

const anthropicCosts = z.object({
  data: z.array(
    z.object({
      starting_at: z.string(),
      ending_at: z.string(),
      results: z.array(
        z.object({
          amount: z.string(),
          currency: z.string(),
          cost_type: z.string().nullish(),
          description: z.string().nullish(),
          model: z.string().nullish(),
          token_type: z.string().nullish(),
          context_window: z.string().nullish(),
          service_tier: z.string().nullish(),
          inference_geo: z.string().nullish(),
          workspace_id: z.string().nullish(),
        }),
      ),
    }),
  ),
});

const readAnthropic = (text: string): BilledLine[] =>
  pagesOf(text, anthropicCosts).flatMap(({ data }) =>
    data.flatMap(({ starting_at, ending_at, results }) =>
      results.map((result) => {
        const day = dayOf(Date.parse(starting_at), Date.parse(ending_at), `The bucket from ${starting_at}`);
        const { amount, currency, ...rest } = result;
        const name = result.model ?? result.description ?? result.cost_type;
        if (name === undefined || name === null)
          return unprocessable('A cost names no model: export with group_by[]=description.');
        usdOnly(currency, `${name} on ${day}`);
        return {
          key: JSON.stringify([day, ...Object.values(rest).map((value) => value ?? null)]),
          day,
          upstreamModel: name,
          amount: amountOf(amount, CENTS, `${name} on ${day}`),
        };
      }),
    ),
  );

const readTable = (text: string): BilledLine[] => {
  const [head = [], ...rows] = readCsv(text);
  const at = (name: string): number => head.findIndex((column) => column.trim().toLowerCase() === name);
  const [day, model, amount, currency, line] = ['day', 'model', 'amount_usd', 'currency', 'line'].map(at);
  if ([day, model, amount].includes(-1))
    return unprocessable(`The header must name day, model and amount_usd; it is ${head.join(', ').slice(0, 200)}.`);
  return rows.map((row, index) => {
    const field = (column: number | undefined): string => row[column ?? -1]?.trim() ?? '';
    const where = `Line ${index + 2}`;
    if (row.length !== head.length) unprocessable(`${where} has ${row.length} fields, the header ${head.length}.`);
    const text = field(day);
    if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
      unprocessable(`${where}: ${text.slice(0, 32)} is no day (YYYY-MM-DD).`);
    if (field(model) === '') unprocessable(`${where} names no model.`);
    if (currency !== -1) usdOnly(field(currency), where);
    return {
      key: JSON.stringify([text, field(model), field(line)]),
      day: text,
      upstreamModel: field(model),
      amount: amountOf(field(amount), DOLLARS, where),
    };
  });
};

const READERS: Readonly<Record<ExportFormat, (text: string) => BilledLine[]>> = {
  'openai-costs': readOpenAi,
  'anthropic-cost-report': readAnthropic,
  csv: readTable,
};

/** Lines that say the same of the same thing are numbered, so that each counts. @throws WaystationError `malformed_json`, `unprocessable` */
export const readExport = (format: ExportFormat, text: string): BilledLine[] => {
  const lines = READERS[format](text);
  if (lines.length > LINES_MAX)
    return unprocessable(`The file has ${lines.length} lines; at most ${LINES_MAX} are read at once.`);
  const seen = new Map<string, number>();
  return lines.map((line) => {
    const before = seen.get(line.key) ?? 0;
    seen.set(line.key, before + 1);
    return { ...line, key: `${line.key}#${before}` };
  });
};
