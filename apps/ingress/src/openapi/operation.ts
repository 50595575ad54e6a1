// What the reference document says of one operation, beside what the table of routes knows of it.
import { z } from 'zod';

/** JSON Schema as data: what no zod schema stands for. */
export type SchemaData = Readonly<Record<string, unknown>>;
export type Schema = z.ZodType | SchemaData;

/** What a client gets to see of a call that was taken. */
export interface Answer {
  readonly status: 200 | 201;
  /** By media type. Undefined: text of that type, in no schema. */
  readonly content: Readonly<Record<string, Schema | undefined>>;
}

export interface Operation {
  /** Unique, a verb and a noun: names of generated clients are made of it. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** Strings on the wire: schemas say what they must read as. */
  readonly query?: z.ZodObject;
  readonly body?: Schema;
  /** Where a form is taken, too. */
  readonly form?: SchemaData;
  readonly answer: Answer;
  /** `generation`: it runs a model, so that it is billed, can be repeated safely and can fail for a provider's reasons. */
  readonly kind?: 'generation' | 'idempotent';
  /** The envelope of its errors where it is not the common one. */
  readonly errors?: 'MessagesError' | 'ResponsesError';
}

export const TAGS = {
  Generation: 'Runs a model, or counts for one.',
  Catalog: 'Models, endpoints and providers that this station can reach, and their prices.',
  Account: 'What a key, a workspace and a generation are told about themselves.',
  Credits: 'Money in: top-ups, refunds, automatic top-ups, grants.',
  Keys: 'The API keys of a workspace.',
  Reports: 'What was used and charged, for people and their tools.',
  Workspaces: 'Limits, budgets, suspension and surcharges of a workspace.',
  Members: 'Whom the keys of a workspace belong to.',
  Providers: 'Providers and endpoints that operators add while the station runs.',
  Tasks: 'Presets, and rules by which models are chosen for tasks.',
  Guardrails: 'Budgets and restrictions for keys, members or everybody.',
  'Provider keys': "The workspace's own keys at providers (BYOK).",
  Station: 'This reference, the status page, and what other services send here.',
} as const;
export type Tag = keyof typeof TAGS;

/** By method and path below the API's prefix; the whole path for what stands outside of it. */
export type Operations = Readonly<Record<string, Operation>>;

export const json = (schema: Schema, status: Answer['status'] = 200): Answer => ({
  status,
  content: { 'application/json': schema },
});
export const data = (schema: z.ZodType, status?: Answer['status']): Answer => json(z.object({ data: schema }), status);
export const page = (item: z.ZodType): Answer => json(z.object({ data: z.array(item), total_count: count }));

/** USD as a number literal that is exact to the picodollar: twelve decimals. */
export const usd = z.number().meta({ description: 'USD, exact to twelve decimals' });
/** The same as text, where even a double must not come between. */
export const usdText = z.string().meta({ description: 'USD as decimal text, exact' });
export const count = z.int().nonnegative();
export const instant = z.iso.datetime().meta({ description: 'ISO 8601, UTC' });
export const deleted = z.object({ deleted: z.literal(true) });
export const pageQuery = z.object({
  offset: count.optional(),
  limit: z.int().min(1).max(100).default(50).optional(),
});
