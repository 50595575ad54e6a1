// The @langchain/openai package: messages, structured output, and a tool whose result goes back.
import { HumanMessage, ToolMessage, type AIMessage, type AIMessageChunk } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { PLACE, PLACE_SCHEMA, TEXT, WEATHER, WEATHER_RESULT, type Told } from '../questions.ts';
import type { Connection, Features } from './asked.ts';
import { placeSchema } from './place-schema.ts';
import { refusalOf } from './refusal.ts';

const messages = [new HumanMessage(TEXT)];
const tools = [{ type: 'function' as const, function: { ...WEATHER, parameters: PLACE_SCHEMA } }];

/** Of both kinds of message; the types of their union do not tell. */
interface Answer {
  readonly text: string;
  readonly response_metadata: Readonly<Record<string, unknown>>;
  readonly usage_metadata?: { readonly input_tokens: number; readonly output_tokens: number } | undefined;
}

const told = (message: Answer): Told => ({
  text: message.text,
  finish: String(message.response_metadata['finish_reason']),
  usage: { input: message.usage_metadata?.input_tokens, output: message.usage_metadata?.output_tokens },
});

export const featuresOf = ({ url, apiKey }: Connection): Features => {
  const chat = (model: string) =>
    new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${url}/api/v1` } });

  const joined = async (stream: AsyncIterable<AIMessageChunk>): Promise<[AIMessageChunk, number]> => {
    let [whole, pieces]: [AIMessageChunk | undefined, number] = [undefined, 0];
    for await (const chunk of stream) {
      whole = whole === undefined ? chunk : whole.concat(chunk);
      pieces += 1;
    }
    if (whole === undefined) throw new Error('an empty stream');
    return [whole, pieces];
  };

  const afterTools = async (model: string, first: AIMessage | AIMessageChunk): Promise<Told> => {
    const asked = first.tool_calls ?? [];
    const results = asked.map(({ id }) => new ToolMessage({ tool_call_id: id ?? '', content: WEATHER_RESULT }));
    const second = await chat(model)
      .bindTools(tools)
      .invoke([...messages, first, ...results]);
    return { calls: asked.map(({ name, args }) => ({ name, arguments: args })), second: second.text };
  };

  return {
    text: async (model) => told(await chat(model).invoke(messages)),
    'text, streamed': async (model) => {
      const [message, pieces] = await joined(await chat(model).stream(messages));
      return { ...told(message), pieces };
    },
    object: async (model) => ({
      object: await chat(model)
        .withStructuredOutput(placeSchema, { name: 'place', method: 'jsonSchema' })
        .invoke(JSON.stringify(PLACE)),
    }),
    tools: async (model) => afterTools(model, await chat(model).bindTools(tools).invoke(messages)),
    'tools, streamed': async (model) => {
      const [message, pieces] = await joined(await chat(model).bindTools(tools).stream(messages));
      return { ...(await afterTools(model, message)), pieces };
    },
    refusal: (model) => refusalOf(chat(model).invoke(messages)),
  };
};
