// Models that are offered twice: cheaply by a provider that a test makes fail, dearly by one that always answers. Who serves is seen by the words of the answer.
import { fakeUpstream, type FakeUpstream, type UpstreamScript } from '@waystation/testing';

/** What is wrong with the cheap one. */
export const FAULTY = ['scripted', 'refused', 'tls', 'dns'] as const;
export type Faulty = (typeof FAULTY)[number];
/** Two scripted providers and no steady one. */
export const LONELY = 'faulty/lonely';
/** Cheap where the credential takes few requests a minute. */
export const LIMITED = 'faulty/limited';
export const LIMITED_PROVIDER = 'faulty-limited';
export const LIMITED_REQUESTS = 3;
export const STEADY_OUTPUT_TOKENS = 5;
/** Picodollars of an output token at the steady provider; prompts cost nothing. */
export const STEADY_PRICE = 20_000_000n;

export const modelOf = (faulty: Faulty): string => `faulty/${faulty}`;

const NOBODY_LISTENS = 1;

export const answerAs =
  (name: string): UpstreamScript =>
  (request, reply) => {
    const { model } = request.json() as { model: string };
    const usage = {
      prompt_tokens: 10,
      completion_tokens: STEADY_OUTPUT_TOKENS,
      total_tokens: 10 + STEADY_OUTPUT_TOKENS,
    };
    const choices = [{ index: 0, message: { role: 'assistant', content: name }, finish_reason: 'stop' }];
    reply.json(200, { id: `${name}-1`, object: 'chat.completion', created: 1, model, choices, usage });
  };

export interface SteadyLabs {
  readonly cheap: FakeUpstream;
  readonly other: FakeUpstream;
  readonly steady: FakeUpstream;
  readonly config: string;
  close(): Promise<void>;
}

const endpoint = (model: string, output: string): string =>
  `{ model: ${model}, upstreamModel: ${model.replace('/', '-')}, context: 128000, maxOutput: 4096, price: { input: "0", output: "${output}" } }`;

const provider = (slug: string, baseUrl: string, endpoints: readonly string[], more = ''): string => `
  - slug: ${slug}
    dialect: openai-chat
    baseUrl: ${baseUrl}
    dataPolicy: { retains: false, trains: false, region: local }${more}
    endpoints: [${endpoints.join(', ')}]`;

export const startSteady = async (): Promise<SteadyLabs> => {
  const [cheap, other, steady] = await Promise.all(
    ['cheap', 'other', 'steady'].map((name) => fakeUpstream(answerAs(name))),
  );
  if (cheap === undefined || other === undefined || steady === undefined) throw new Error('no server started');
  const urls: Readonly<Record<Faulty, string>> = {
    scripted: `http://127.0.0.1:${cheap.port}/v1`,
    refused: `http://127.0.0.1:${NOBODY_LISTENS}/v1`,
    tls: `https://127.0.0.1:${cheap.port}/v1`,
    dns: 'https://nowhere.invalid/v1',
  };
  const config = `
providers:${FAULTY.map((faulty) => provider(`faulty-${faulty}`, urls[faulty], [endpoint(modelOf(faulty), '10'), ...(faulty === 'scripted' ? [endpoint(LONELY, '10')] : [])])).join('')}${provider(
    LIMITED_PROVIDER,
    urls.scripted,
    [endpoint(LIMITED, '10')],
    `\n    capacity: { requestsPerMinute: ${LIMITED_REQUESTS} }`,
  )}${provider('faulty-other', `http://127.0.0.1:${other.port}/v1`, [endpoint(LONELY, '10')])}${provider(
    'steady',
    `http://127.0.0.1:${steady.port}/v1`,
    [...FAULTY.map(modelOf), LIMITED].map((model) => endpoint(model, '20')),
  )}
`;
  return {
    ...{ cheap, other, steady, config },
    close: async () => void (await Promise.all([cheap, other, steady].map((each) => each.close()))),
  };
};
