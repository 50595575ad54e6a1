// What providers do with what they are sent, and whether they go on billing when their connection is closed: read by hand on the providers' own pages.
// A provider that is not here is taken for the strictest: it retains, may train, and goes on billing.

export interface CuratedPolicy {
  readonly retains: boolean;
  readonly trains: boolean;
  readonly source: string;
  /** Authors whose models it passes on to somebody else: their endpoints are taken for the strictest. */
  readonly exceptAuthors?: readonly string[];
  /** Why. */
  readonly why: string;
}

const OPENAI: CuratedPolicy = {
  ...{ retains: true, trains: false, source: 'https://developers.openai.com/api/docs/guides/your-data' },
  why: 'not used to train; kept for 30 days against abuse unless an organisation was approved for zero retention',
};
const AZURE: CuratedPolicy = {
  ...{
    retains: true,
    trains: false,
    source: 'https://learn.microsoft.com/legal/cognitive-services/openai/data-privacy',
  },
  why: 'not used to train; kept for up to 30 days against abuse unless the customer was approved for less',
};
const VERTEX: CuratedPolicy = {
  ...{
    retains: true,
    trains: false,
    source: 'https://cloud.google.com/vertex-ai/generative-ai/docs/vertex-ai-zero-data-retention',
  },
  why: 'not used to train without permission; zero retention needs steps of the customer',
};
const BEDROCK: CuratedPolicy = {
  ...{
    retains: true,
    trains: false,
    source: 'https://docs.aws.amazon.com/bedrock/latest/userguide/data-retention.html',
  },
  why: 'how long depends on the model, unless the account is set to none',
};
const ANTHROPIC: CuratedPolicy = {
  ...{
    retains: true,
    trains: false,
    source: 'https://privacy.anthropic.com/en/articles/7996866-how-long-do-you-store-my-organization-s-data',
  },
  why: 'not used to train under the commercial terms; kept for 30 days unless agreed otherwise',
};

/** For calls with a key of the API, not of a consumer product. `retains` also where it is kept for some days against abuse only. By our slug. */
export const DATA_POLICIES: Readonly<Record<string, CuratedPolicy>> = {
  'amazon-bedrock': BEDROCK,
  'amazon-bedrock-chat': BEDROCK,
  anthropic: ANTHROPIC,
  azure: AZURE,
  'azure-chat': AZURE,
  'azure-cognitive-services': AZURE,
  'azure-cognitive-services-chat': AZURE,
  deepinfra: {
    ...{ retains: false, trains: false, source: 'https://docs.deepinfra.com/account/data-privacy' },
    exceptAuthors: ['anthropic', 'google'],
    why: 'kept in memory while it is computed, but for models of Google and Anthropic, which they keep',
  },
  fireworks: {
    ...{ retains: false, trains: false, source: 'https://docs.fireworks.ai/guides/security_compliance/data_handling' },
    why: 'zero retention by default for open models, which are all that is listed',
  },
  'google-vertex': VERTEX,
  'google-vertex-anthropic': VERTEX,
  groq: {
    ...{ retains: true, trains: false, source: 'https://console.groq.com/docs/your-data' },
    why: 'not used to train; may be logged against abuse unless switched off',
  },
  openai: OPENAI,
  'openai-responses': OPENAI,
};

/**
 * Source: https://openrouter.ai/docs/api-reference/streaming (providers that stop, and that do not stop, when a stream is cancelled). Written into the file
 * for each provider, so that nobody has to know a default.
 */
export const STOPS_ON_CANCEL: readonly string[] = [
  'anthropic',
  'azure',
  'azure-anthropic',
  'azure-chat',
  'cloudflare',
  'cohere',
  'deepinfra',
  'deepseek',
  'fireworks',
  'novita',
  'openai',
  'openai-responses',
  'together',
  'xai',
];
