// The two sources as they lie in the files, with every number as the text that was written: prices are exact only as text.
import { z } from 'zod';

/** JSON whose numbers are their own source text. */
export const parseKeepingNumbers = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown, context?: { readonly source: string }) =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value,
  );

const amount = z.string();
const cost = z
  .looseObject({
    input: amount,
    output: amount,
    tiers: z.array(z.looseObject({ tier: z.looseObject({ size: amount }) })).optional(),
  })
  .optional();

const models = z.looseObject({
  name: z.string().optional(),
  base_model: z.string().optional(),
  base_model_omit: z.array(z.string()).optional(),
  cost,
  limit: z.looseObject({ context: amount.optional(), output: amount.optional() }).optional(),
  modalities: z
    .looseObject({ input: z.array(z.string()), output: z.array(z.string()) })
    .partial()
    .optional(),
  reasoning: z.boolean().optional(),
  reasoning_options: z.array(z.looseObject({ type: z.string() })).optional(),
  tool_call: z.boolean().optional(),
  structured_output: z.boolean().optional(),
  temperature: z.boolean().optional(),
  release_date: z.string().optional(),
  status: z.string().optional(),
  provider: z
    .looseObject({ npm: z.string().optional(), api: z.string().optional(), shape: z.string().optional() })
    .optional(),
  experimental: z.unknown().optional(),
});
export type ListedModel = z.infer<typeof models>;

const listing = z.object({
  models: z.record(z.string(), models),
  providers: z.record(
    z.string(),
    z.object({
      name: z.string(),
      env: z.array(z.string()),
      npm: z.string(),
      api: z.string().optional(),
      doc: z.string().optional(),
      models: z.record(z.string(), models),
    }),
  ),
});
/** models.dev: providers with what they offer, by their own ids. */
export type Listing = z.infer<typeof listing>;
export type ListedProvider = Listing['providers'][string];

const priceMap = z.record(
  z.string(),
  z.looseObject({ litellm_provider: z.string().optional(), mode: z.string().optional() }),
);
/** LiteLLM's price map: one entry for each way to name a model. */
export type PriceMap = z.infer<typeof priceMap>;
export type PriceMapEntry = PriceMap[string];

export const readListing = (text: string): Listing => listing.parse(parseKeepingNumbers(text));
export const readPriceMap = (text: string): PriceMap => priceMap.parse(parseKeepingNumbers(text));
