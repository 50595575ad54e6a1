// The catalog's own files, read as they are needed: the table of contents at boot, a provider's file and the models only where somebody offers it.
// Invariant: what is read is what the schema says, or the file is named with what is wrong.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ABILITIES, type CatalogModel, type CatalogProvider, type CatalogProviderHead } from '@waystation/catalog';
import { z } from 'zod';

const text = z.string().min(1).max(512);
/** What the units are is for the catalog to say: prices of an unknown one are a fault there. */
const price = z.record(text, z.string());
const rates = {
  price,
  tiers: z.array(z.strictObject({ aboveInputTokens: z.int().positive(), price })).exactOptional(),
};
const dataPolicy = z.strictObject({
  retains: z.boolean(),
  trains: z.boolean(),
  region: text.exactOptional(),
  source: text.exactOptional(),
});

const quirks = z.record(text, z.union([z.string(), z.number(), z.boolean()]));

const head = {
  slug: z.string().regex(/^[a-z0-9][a-z0-9-]{0,47}$/),
  name: text,
  dialect: text,
  keyVariables: z.array(text).min(1),
  addressVariables: z.array(text).exactOptional(),
  onRequest: text.exactOptional(),
};

const endpoint = z.strictObject({
  model: z.string().regex(/^[a-z0-9][\w.-]*\/[\w.-]+(:[\w.-]+)?$/),
  tagSuffix: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .exactOptional(),
  upstreamModel: text,
  context: z.int().positive(),
  maxOutput: z.int().positive().exactOptional(),
  ...rates,
  serviceTiers: z.record(text, z.strictObject(rates)).exactOptional(),
  inputModalities: z.array(text).min(1).exactOptional(),
  outputModalities: z.array(text).min(1).exactOptional(),
  abilities: z.array(z.enum(ABILITIES)).exactOptional(),
  apis: z.array(text).min(1).exactOptional(),
  quantization: text.exactOptional(),
  quirks: quirks.exactOptional(),
  dataPolicy: dataPolicy.exactOptional(),
});

const providerFile: z.ZodType<CatalogProvider> = z.strictObject({
  ...head,
  documentation: text.exactOptional(),
  baseUrl: text,
  credential: z.strictObject({ kind: z.enum(['bearer', 'header', 'query']), name: text.exactOptional() }),
  headers: z.record(text, z.string()).exactOptional(),
  quirks: quirks.exactOptional(),
  dataPolicy: dataPolicy.exactOptional(),
  billsAfterCancel: z.boolean(),
  endpoints: z.array(endpoint).min(1),
});
const headsFile: z.ZodType<{ providers: CatalogProviderHead[] }> = z.strictObject({
  providers: z.array(z.strictObject(head)),
});
const modelsFile: z.ZodType<{ models: CatalogModel[] }> = z.strictObject({
  models: z.array(z.strictObject({ id: text, name: text, published: z.iso.date().exactOptional() })),
});

export interface CatalogFiles {
  readonly heads: readonly CatalogProviderHead[];
  /** @throws Error that names the file where it is missing or says what the schema does not know */
  provider(slug: string): Promise<CatalogProvider>;
  models(): Promise<ReadonlyMap<string, CatalogModel>>;
}

/** Of what is wrong with a file; the first of it tells enough. */
const FAULT_CHARS_MAX = 2_000;

const readJson = async <Value>(folder: string, file: string, schema: z.ZodType<Value>): Promise<Value> => {
  try {
    return schema.parse(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).slice(0, FAULT_CHARS_MAX) : String(cause);
    throw new Error(`the catalog's file ${file} cannot be used: ${why}`, { cause });
  }
};

/** @param folder where the files are; each is read once at most */
export const openCatalogFiles = async (folder: string): Promise<CatalogFiles> => {
  const { providers: heads } = await readJson(folder, 'providers.json', headsFile);
  const read = new Map<string, Promise<CatalogProvider>>();
  let models: Promise<ReadonlyMap<string, CatalogModel>> | undefined;
  return {
    heads,
    provider(slug) {
      const known = read.get(slug) ?? readJson(folder, path.join('providers', `${slug}.json`), providerFile);
      read.set(slug, known);
      return known;
    },
    models() {
      models ??= readJson(folder, 'models.json', modelsFile).then(
        ({ models: all }) => new Map(all.map((model) => [model.id, model])),
      );
      return models;
    },
  };
};
