// The @openrouter/sdk package, whose every answer is validated against the schemas it was generated with: what is missing or of another type is thrown.
import { OpenRouter } from '@openrouter/sdk';
import type { ChatAssistantMessage, ChatMessages, ChatResult, ChatStreamChunk } from '@openrouter/sdk/models';
import {
  EMBEDDED,
  PLACE,
  PLACE_SCHEMA,
  RERANKED,
  TEXT,
  WEATHER,
  WEATHER_RESULT,
  sound,
  type Told,
} from '../questions.ts';
import type { Connection, Features } from './asked.ts';
import { refusalOf } from './refusal.ts';

const messages: ChatMessages[] = [{ role: 'user', content: TEXT }];
const tools = [{ type: 'function' as const, function: { ...WEATHER, parameters: PLACE_SCHEMA } }];
const reasoning = { effort: 'low' as const };

interface Assembled {
  readonly id: string;
  readonly message: ChatAssistantMessage;
  readonly finish: string | null;
  readonly usage: NonNullable<Told['usage']>;
  readonly pieces: number;
}

const textOf = ({ content }: Pick<ChatAssistantMessage, 'content'>): string =>
  typeof content === 'string' ? content : '';

const toldOf = ({ message, finish, usage, pieces }: Assembled): Told => ({
  text: textOf(message),
  finish,
  usage,
  pieces,
});

const assembledOf = ({ id, choices, usage }: ChatResult): Assembled => {
  const [choice] = choices;
  if (choice === undefined) throw new Error('no choice');
  const counts = { input: usage?.promptTokens, output: usage?.completionTokens };
  return { id, message: choice.message, finish: choice.finishReason, usage: counts, pieces: 1 };
};

/** Streams come in pieces; this SDK leaves it to its user to put them together. */
const assemble = async (chunks: AsyncIterable<ChatStreamChunk>): Promise<Assembled> => {
  let [id, content, thought, pieces] = ['', '', '', 0];
  let finish: string | null = null;
  let usage: ChatStreamChunk['usage'];
  const details: NonNullable<ChatAssistantMessage['reasoningDetails']> = [];
  const calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  for await (const chunk of chunks) {
    if (chunk.error !== undefined) throw new Error(`in the stream: ${chunk.error.message}`);
    id = chunk.id;
    usage = chunk.usage ?? usage;
    const [choice] = chunk.choices;
    if (choice === undefined) continue;
    pieces += 1;
    finish = choice.finishReason ?? finish;
    content += choice.delta.content ?? '';
    thought += choice.delta.reasoning ?? '';
    details.push(...(choice.delta.reasoningDetails ?? []));
    for (const part of choice.delta.toolCalls ?? []) {
      const call = (calls[part.index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } });
      call.id += part.id ?? '';
      call.function.name += part.function?.name ?? '';
      call.function.arguments += part.function?.arguments ?? '';
    }
  }
  return {
    id,
    message: {
      role: 'assistant',
      content,
      ...(thought === '' ? {} : { reasoning: thought, reasoningDetails: details }),
      ...(calls.length === 0 ? {} : { toolCalls: calls }),
    },
    finish,
    usage: { input: usage?.promptTokens, output: usage?.completionTokens },
    pieces,
  };
};

export const featuresOf = ({ url, apiKey, managementKey }: Connection): Features => {
  const serverURL = `${url}/api/v1`;
  const client = new OpenRouter({ serverURL, apiKey, retryConfig: { strategy: 'none' } });
  const manager = new OpenRouter({ serverURL, apiKey: managementKey, retryConfig: { strategy: 'none' } });

  type Request = Omit<Parameters<typeof client.chat.send>[0]['chatRequest'], 'stream'>;
  const whole = async (chatRequest: Request): Promise<Assembled> => {
    const answer = await client.chat.send({ chatRequest: { ...chatRequest, stream: false } });
    if (!('choices' in answer)) throw new Error('was streamed, and not asked to be');
    return assembledOf(answer);
  };
  const stream = async (chatRequest: Request): Promise<Assembled> => {
    const answer = await client.chat.send({ chatRequest: { ...chatRequest, stream: true } });
    if ('choices' in answer) throw new Error('was not streamed');
    return assemble(answer);
  };

  const afterTools = async (model: string, first: Assembled): Promise<Told> => {
    const calls = first.message.toolCalls ?? [];
    const results: ChatMessages[] = calls.map(({ id }) => ({ role: 'tool', toolCallId: id, content: WEATHER_RESULT }));
    const second = await whole({ model, tools, messages: [...messages, first.message, ...results] });
    return {
      calls: calls.map((call) => ({
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments) as unknown,
      })),
      second: textOf(second.message),
      pieces: first.pieces,
    };
  };

  const afterThinking = async (model: string, first: Assembled): Promise<Told> => {
    const next: ChatMessages = { role: 'user', content: 'And then?' };
    const second = await whole({ model, reasoning, messages: [...messages, first.message, next] });
    return { ...toldOf(first), thinking: first.message.reasoning ?? '', second: textOf(second.message) };
  };

  return {
    chat: async (model) => toldOf(await whole({ model, messages })),
    'chat, streamed': async (model) => toldOf(await stream({ model, messages })),
    tools: async (model) => afterTools(model, await whole({ model, messages, tools })),
    'tools, streamed': async (model) => afterTools(model, await stream({ model, messages, tools })),
    object: async (model) => {
      const { message } = await whole({
        model,
        messages: [{ role: 'user', content: JSON.stringify(PLACE) }],
        responseFormat: { type: 'json_schema', jsonSchema: { name: 'place', strict: true, schema: PLACE_SCHEMA } },
      });
      return { object: JSON.parse(textOf(message)) as unknown };
    },
    thinking: async (model) => afterThinking(model, await whole({ model, messages, reasoning })),
    'thinking, streamed': async (model) => afterThinking(model, await stream({ model, messages, reasoning })),
    refusal: (model) => refusalOf(client.chat.send({ chatRequest: { model, messages } })),
    responses: async (model) => {
      const answer = await client.responses.send({ responsesRequest: { model, input: TEXT, stream: false } });
      if (!('output' in answer)) throw new Error('was streamed, and not asked to be');
      const { output, status: finish, usage } = answer;
      const parts = output.flatMap((item) => (item.type === 'message' ? item.content : []));
      const text = parts.map((part) => (part.type === 'output_text' ? part.text : '')).join('');
      return { text, finish, usage: { input: usage?.inputTokens, output: usage?.outputTokens } };
    },
    'responses, streamed': async (model) => {
      const answer = await client.responses.send({ responsesRequest: { model, input: TEXT, stream: true } });
      if ('output' in answer) throw new Error('was not streamed');
      let [text, pieces] = ['', 0];
      for await (const event of answer) {
        if (event.type === 'response.output_text.delta') {
          text += event.delta;
          pieces += 1;
        }
        if (event.type === 'response.completed') {
          const { status: finish, usage } = event.response;
          return { text, finish, pieces, usage: { input: usage?.inputTokens, output: usage?.outputTokens } };
        }
      }
      throw new Error('the stream ended without response.completed');
    },
    embeddings: async (model) => {
      const answer = await client.embeddings.generate({ requestBody: { model, input: EMBEDDED } });
      if (typeof answer === 'string') throw new Error('was streamed, and not asked to be');
      return { lengths: answer.data.map(({ embedding }) => embedding.length) };
    },
    rerank: async (model) => {
      const answer = await client.rerank.rerank({ requestBody: { model, ...RERANKED } });
      if (typeof answer === 'string') throw new Error('was streamed, and not asked to be');
      return { order: answer.results.map(({ index }) => index) };
    },
    transcription: async (model) => {
      const inputAudio = { data: sound().toString('base64'), format: 'wav' };
      const { text, usage } = await client.stt.createTranscription({ sttRequest: { model, inputAudio } });
      return { text, seconds: usage?.seconds, cost: usage?.cost };
    },
    'transcription by form': async (model) => {
      const file = new File([new Uint8Array(sound())], 'talk.wav');
      const { text, usage } = await client.stt.createTranscriptionMultipart({ requestBody: { model, file } });
      return { text, seconds: usage?.seconds, cost: usage?.cost };
    },
    models: async (model) => {
      const ids: string[] = [];
      for await (const { result } of await client.models.list()) ids.push(...result.data.map(({ id }) => id));
      const { data } = await client.models.count();
      const [author = '', slug = ''] = model.split('/');
      const one = await client.models.get({ author, slug });
      return { facts: [ids.find((id) => id === model), data.count, one.data.id] };
    },
    endpoints: async (model) => {
      const [author = '', slug = ''] = model.split('/');
      const { data } = await client.endpoints.list({ author, slug });
      return { facts: [data.id, ...data.endpoints.map(({ providerName }) => providerName)] };
    },
    'key and keys': async () => {
      const { data } = await client.apiKeys.getCurrentKeyMetadata();
      const name = 'of the OpenRouter SDK';
      const made = await manager.apiKeys.create({ requestBody: { name } });
      const { hash } = made.data;
      const updated = await manager.apiKeys.update({ hash, requestBody: { name: `${name}, renamed` } });
      const one = await manager.apiKeys.get({ hash });
      const list = await manager.apiKeys.list();
      const { deleted } = await manager.apiKeys.delete({ hash });
      return { facts: [data.label, made.key, updated.data.name, one.data.hash, list.data.length, deleted] };
    },
    providers: async () => {
      const { data } = await client.providers.list();
      const keepNothing = await client.endpoints.listZdrEndpoints();
      return { facts: [...data.map(({ slug }) => slug), keepNothing.data.length] };
    },
    guardrails: async () => {
      const made = await manager.guardrails.create({
        createGuardrailRequest: { name: 'of the SDK', limitUsd: 1_000_000 },
      });
      const { id } = made.data;
      const one = await manager.guardrails.get({ id });
      const renamed = await manager.guardrails.update({ id, updateGuardrailRequest: { name: 'renamed' } });
      const names: string[] = [];
      for await (const { result } of await manager.guardrails.list())
        names.push(...result.data.map(({ name }) => name));
      const { deleted } = await manager.guardrails.delete({ id });
      return { facts: [one.data.id, renamed.data.name, names.find((name) => name === 'renamed'), deleted] };
    },
    budgets: async () => {
      const of = { workspaceRef: 'default', interval: 'lifetime' as const };
      const set = await manager.workspaces.setBudget({ ...of, upsertWorkspaceBudgetRequest: { limitUsd: 1_000_000 } });
      const one = await manager.workspaces.getBudget(of);
      const all = await manager.workspaces.listBudgets({ workspaceRef: 'default' });
      const { deleted } = await manager.workspaces.deleteBudget(of);
      return { facts: [set.data.limitUsd, one.data.limitUsd, all.data.length, deleted] };
    },
    members: async () => {
      let members = 0;
      for await (const { result } of await manager.organization.listMembers()) members += result.data.length;
      return { facts: [members] };
    },
    activity: async () => {
      const { data } = await manager.analytics.getUserActivity();
      const meta = await manager.analytics.getAnalyticsMeta();
      return { facts: [data.length, meta.data.metrics.length] };
    },
    credits: async () => {
      const { data } = await manager.credits.getCredits();
      return { facts: [data.totalCredits, data.totalUsage] };
    },
    generation: async (model) => {
      const { id } = await whole({ model, messages });
      const { data } = await client.generations.getGeneration({ id });
      return { facts: [data.id, data.model, data.totalCost] };
    },
  };
};
