// What an endpoint is asked to see whether it works: the least that its job can be. A job that costs real money however small it is (images, sound) is not tried.
import type { EndpointEntry } from '@waystation/contracts';

export interface ProbeQuestion {
  /** As endpoints name it. */
  readonly api: string;
  /** Of the public dialect that asks for it. */
  readonly dialect: string;
  readonly stream: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A word is enough. Responses takes no smaller limit: https://platform.openai.com/docs/api-reference/responses/create#responses-create-max_output_tokens */
export const PROBE_OUTPUT_TOKENS = 16;

const WORD = 'Hi';

const chat = (stream: boolean): ProbeQuestion => ({
  api: 'chat',
  dialect: 'openai-chat',
  stream,
  body: { messages: [{ role: 'user', content: WORD }], stream },
});

const QUESTIONS: Readonly<Record<string, readonly ProbeQuestion[]>> = {
  chat: [chat(false), chat(true)],
  embeddings: [{ api: 'embeddings', dialect: 'embeddings', stream: false, body: { input: WORD } }],
  rerank: [{ api: 'rerank', dialect: 'rerank', stream: false, body: { query: WORD, documents: [WORD] } }],
};

/** None where nothing that it can do can be tried. */
export const questionsFor = ({ apis, model }: EndpointEntry): ProbeQuestion[] =>
  apis.flatMap((api) => QUESTIONS[api] ?? []).map((question) => ({ ...question, body: { model, ...question.body } }));
