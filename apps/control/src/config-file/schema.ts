// The operator's file. Strict: a member nobody knows is a fault, since a misspelt `dataPolicy` must not route. Prices stay text here; libs/catalog says what they mean.
import { PRICE_UNITS, parseModelId, readPrice } from '@waystation/catalog';
import { PROVIDER_DIALECTS, findProviderDialect, isTokenKind, readGrant } from '@waystation/providers';
import { z } from 'zod';

const SLUG = /^[a-z0-9][a-z0-9-]{0,47}$/;
const MODEL = /^[A-Za-z0-9][\w.-]*(\/[\w.-]+){0,3}(:[\w.-]+){0,3}$/;
const MODALITIES = ['text', 'image', 'audio', 'video', 'file'] as const;

const text = (max: number) => z.string('must be text').min(1, 'must not be empty').max(max);
const whole = z
  .number('must be a number')
  .int('must be a whole number')
  .min(1, 'must be at least 1')
  .max(1_000_000_000);
const list = <Item>(item: z.ZodType<Item>, max: number) => z.array(item).max(max);

const amount = z.string('must be an amount of USD such as "0.15"');
const prices = (units: readonly string[]) =>
  z
    .record(
      z.string(),
      amount,
      'must say what each price is for, in USD per million tokens: { input: "0.15", output: "0.60" }',
    )
    .superRefine((given, context) => {
      for (const [unit, amountText] of Object.entries(given)) {
        const reading = units.includes(unit)
          ? readPrice(unit, amountText)
          : { fault: `is no unit of price; known are ${units.join(', ')}` };
        if ('fault' in reading) context.addIssue({ code: 'custom', path: [unit], message: reading.fault });
      }
      for (const unit of ['input', 'output'])
        if (given[unit] === undefined)
          context.addIssue({ code: 'custom', message: `must have a price for ${unit} ("0" where it is free)` });
    });
const rates = {
  price: prices(PRICE_UNITS),
  tiers: list(
    z.strictObject({ aboveInputTokens: whole, price: prices(PRICE_UNITS.filter((unit) => unit !== 'request')) }),
    8,
  ).optional(),
};
const priced = {
  ...rates,
  serviceTiers: z
    .record(
      text(32).regex(/^[a-z0-9][a-z0-9_-]*$/, 'must be a service tier such as flex or priority'),
      z.strictObject(rates),
    )
    .optional(),
};
const instant = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-12-01T00:00:00Z' })
  .transform((at) => Date.parse(at));

const model = text(256)
  .regex(MODEL, 'must be a model id such as author/slug')
  .refine(
    (id) => parseModelId(id).sort === undefined,
    'must not end in a variant that only says how to sort (:nitro, :floor, :exacto)',
  );

const quirks = z.record(text(64), z.union([z.string().max(256), z.number(), z.boolean()]));

/** Jobs that an endpoint can do. Messages, Responses and legacy completions are dialects of `chat`. */
const APIS = ['chat', 'embeddings', 'rerank', 'images', 'speech', 'transcriptions'] as const;

/** Of quality. */
const figure = z.number('must be a number from 0 to 1').min(0).max(1);

const endpointMembers = {
  model,
  upstreamModel: text(256).optional(),
  name: text(256).optional(),
  description: text(4096).optional(),
  created: z.number().int().min(0).optional(),
  tag: text(64)
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and dashes')
    .optional(),
  context: whole,
  maxOutput: whole.optional(),
  ...priced,
  priceChanges: list(z.strictObject({ effectiveAt: instant, ...priced }), 64).optional(),
  inputModalities: list(z.enum(MODALITIES), 5).min(1).optional(),
  outputModalities: list(z.enum(MODALITIES), 5).min(1).optional(),
  supportedParameters: list(text(64), 64).optional(),
  quantization: text(16).optional(),
  tokenizer: text(64).optional(),
  distillable: z.boolean('must be true or false').optional(),
  quality: z.strictObject({ coding: figure.optional(), general: figure.optional() }).optional(),
  billsAfterCancel: z.boolean('must be true or false').optional(),
  showsOutput: z.boolean('must be true or false').optional(),
  enabled: z.boolean('must be true or false').optional(),
  apis: list(z.enum(APIS), 8).min(1).optional(),
  quirks: quirks.optional(),
};
const endpoint = z.strictObject(endpointMembers);
/** An endpoint of the catalog that is changed keeps what is not said. */
const endpointChange = z.strictObject({
  ...endpointMembers,
  context: whole.optional(),
  price: priced.price.optional(),
});

const baseUrl = z.string('must be text').refine((value) => {
  const url = URL.parse(value);
  return (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === ''
  );
}, 'must be an http or https URL without user, query or fragment');

const slug = z.string('must be text').regex(SLUG, 'must be lower-case letters, digits and dashes, at most 48');
const providerMembers = {
  slug,
  name: text(128).optional(),
  apiKey: text(16_384).optional(),
  auth: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('bearer') }),
      z.strictObject({
        kind: z.literal('header'),
        name: text(128).regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'),
      }),
      z.strictObject({ kind: z.literal('query'), name: text(128) }),
      z.strictObject({ kind: z.literal('google-service-account') }),
      z.strictObject({ kind: z.literal('azure-ad') }),
      z.strictObject({
        kind: z.literal('aws'),
        accessKeyId: text(128),
        secretAccessKey: text(256),
        sessionToken: text(8_192).optional(),
        region: text(32).regex(/^[a-z0-9-]+$/, 'must be a region such as us-east-1'),
      }),
    ])
    .optional(),
  headers: z
    .record(text(128).regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'), z.string().max(1024))
    .optional(),
  dataPolicy: z
    .strictObject({
      retains: z.boolean(),
      trains: z.boolean(),
      region: text(64).optional(),
      source: text(512).optional(),
    })
    .optional(),
  quirks: quirks.optional(),
  billsAfterCancel: z.boolean('must be true or false').optional(),
  maxConnections: whole.max(100_000).optional(),
  capacity: z
    .strictObject({
      requestsPerMinute: whole.optional(),
      tokensPerMinute: whole.optional(),
      inFlight: whole.optional(),
    })
    .refine(
      (limits) => Object.keys(limits).length > 0,
      'must limit something: requestsPerMinute, tokensPerMinute or inFlight',
    )
    .optional(),
  timeouts: z
    .strictObject({ connectMs: whole.optional(), firstByteMs: whole.optional(), idleMs: whole.optional() })
    .optional(),
};

type Auth = z.infer<typeof providerMembers.auth>;

interface Keyed {
  readonly auth?: Auth | undefined;
  readonly apiKey?: string | undefined;
  /** Which dialect a provider of the catalog speaks is not known here. */
  readonly dialect?: string;
}

/** Keys of AWS sign, which not every dialect can, and leave no place for another key. A secret that tokens are got with is read here already, so that its faults have a place. */
const keyFits = ({ auth, apiKey, dialect }: Keyed, context: z.RefinementCtx): void => {
  if (auth === undefined) return;
  const fault = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  if (isTokenKind(auth.kind)) {
    const reading = apiKey === undefined ? { fault: `is needed with auth ${auth.kind}` } : readGrant(auth.kind, apiKey);
    if ('fault' in reading) fault('apiKey', reading.fault);
  }
  if (auth.kind !== 'aws') return;
  if (apiKey !== undefined) fault('apiKey', 'must not be there beside auth of the kind aws, which has keys of its own');
  if (dialect !== undefined && findProviderDialect(dialect)?.sign === undefined)
    fault('auth', `cannot be of the kind aws: the dialect ${dialect} does not sign`);
};

/** A provider that the file describes whole. */
export const providerSchema = z
  .strictObject({
    ...providerMembers,
    dialect: z.enum(PROVIDER_DIALECTS as [string, ...string[]], `must be one of ${PROVIDER_DIALECTS.join(', ')}`),
    baseUrl,
    endpoints: list(endpoint, 5_000).min(1, 'must have at least one endpoint'),
  })
  .superRefine(keyFits);
export type FileProvider = z.infer<typeof providerSchema>;

/** A provider of the catalog with what is to be otherwise. Its slug may be one of its own, beside the catalog's. */
export const extensionSchema = z
  .strictObject({
    ...providerMembers,
    slug: slug.optional(),
    extends: slug,
    baseUrl: baseUrl.optional(),
    models: list(model, 5_000).min(1, 'must name at least one model').optional(),
    endpoints: list(endpointChange, 5_000).optional(),
  })
  .superRefine(keyFits);
export type FileExtension = z.infer<typeof extensionSchema>;

/** An empty file is a file without providers. Each of them is read by the schema that it needs. */
export const configFileSchema = z.strictObject({ providers: list(z.unknown(), 500).optional() });
