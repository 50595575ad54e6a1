// A model at two providers: cheaply at one that keeps what it is sent, dearly at one that keeps nothing; and a model at the first alone. What the second says is a test's.
import { fakeUpstream, type FakeUpstream } from '@waystation/testing';
import { answerAs } from './steady-lab.ts';

export const BOTH = 'retention/both';
export const KEPT = 'retention/kept';
export const KEEPING = 'keeping';
export const FORGETTING = 'forgetting';

export interface RetentionLabs {
  readonly keeping: FakeUpstream;
  readonly forgetting: FakeUpstream;
  /** Where traces go: a collector that only remembers. */
  readonly traces: FakeUpstream;
  readonly config: string;
  close(): Promise<void>;
}

const endpoint = (model: string, price: string): string =>
  `{ model: ${model}, upstreamModel: ${model.replace('/', '-')}, context: 128000, maxOutput: 4096, price: { input: "${price}", output: "${price}" } }`;

export const startRetention = async (): Promise<RetentionLabs> => {
  const [keeping, forgetting] = [await fakeUpstream(answerAs('kept')), await fakeUpstream(answerAs('forgotten'))];
  const traces = await fakeUpstream((_request, reply) => reply.json(200, {}));
  const config = `
providers:
  - slug: ${KEEPING}
    dialect: openai-chat
    baseUrl: ${keeping.url}/v1
    dataPolicy: { retains: true, trains: false, region: local }
    endpoints: [${endpoint(BOTH, '1')}, ${endpoint(KEPT, '1')}]
  - slug: ${FORGETTING}
    dialect: openai-chat
    baseUrl: ${forgetting.url}/v1
    dataPolicy: { retains: false, trains: false, region: local }
    endpoints: [${endpoint(BOTH, '2')}]
`;
  return {
    ...{ keeping, forgetting, traces, config },
    close: async () => void (await Promise.all([keeping, forgetting, traces].map((each) => each.close()))),
  };
};
