// The openai package: chat completions with its stream helper, tool runner and parser; Responses; embeddings; transcripts.
import OpenAI, { toFile } from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import type { ResponseInputItem } from 'openai/resources/responses/responses';
import { EMBEDDED, PLACE, PLACE_SCHEMA, TEXT, WEATHER, WEATHER_RESULT, sound, type Told } from '../questions.ts';
import type { Connection, Features } from './asked.ts';
import { placeSchema } from './place-schema.ts';
import { refusalOf } from './refusal.ts';

const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: TEXT }];
const tools: ChatCompletionTool[] = [{ type: 'function', function: { ...WEATHER, parameters: PLACE_SCHEMA } }];
const functionTool = { type: 'function' as const, ...WEATHER, parameters: PLACE_SCHEMA, strict: true };
const askForPlace: ChatCompletionMessageParam[] = [{ role: 'user', content: JSON.stringify(PLACE) }];

const usageOf = (usage: OpenAI.CompletionUsage | null | undefined): NonNullable<Told['usage']> => ({
  input: usage?.prompt_tokens,
  output: usage?.completion_tokens,
});

export const featuresOf = ({ url, apiKey }: Connection): Features => {
  const client = new OpenAI({ baseURL: `${url}/api/v1`, apiKey, maxRetries: 0 });
  const chat = client.chat.completions;

  const secondTurn = async (model: string, message: ChatCompletionMessageParam): Promise<Told> => {
    const asked = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
    const calls = asked.filter((call) => call.type === 'function');
    const results = calls.map((call) => ({
      role: 'tool' as const,
      tool_call_id: call.id,
      content: WEATHER_RESULT,
    }));
    const second = await chat.create({ model, tools, messages: [...messages, message, ...results] });
    return {
      calls: calls.map((call) => ({
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments) as unknown,
      })),
      second: second.choices[0]?.message.content ?? '',
    };
  };

  /** The SDK itself calls the tool and goes on. */
  const runTools = async (model: string, stream: boolean): Promise<Told> => {
    const calls: { name: string; arguments: unknown }[] = [];
    let pieces = 0;
    const asked = {
      model,
      messages,
      tools: [
        {
          type: 'function' as const,
          function: {
            ...WEATHER,
            parameters: PLACE_SCHEMA,
            parse: JSON.parse,
            function: (given: unknown) => {
              calls.push({ name: WEATHER.name, arguments: given });
              return WEATHER_RESULT;
            },
          },
        },
      ],
    };
    if (!stream) return { second: (await chat.runTools(asked).finalContent()) ?? '', calls };
    const runner = chat.runTools({ ...asked, stream: true }).on('chunk', () => (pieces += 1));
    return { second: (await runner.finalContent()) ?? '', calls, pieces };
  };

  const secondResponse = async (model: string, response: OpenAI.Responses.Response): Promise<Told> => {
    const calls = response.output.filter((item) => item.type === 'function_call');
    const input: ResponseInputItem[] = [
      { role: 'user', content: TEXT },
      ...(response.output as ResponseInputItem[]),
      ...calls.map(({ call_id }) => ({ type: 'function_call_output' as const, call_id, output: WEATHER_RESULT })),
    ];
    const second = await client.responses.create({ model, input, tools: [functionTool] });
    return {
      calls: calls.map((call) => ({ name: call.name, arguments: JSON.parse(call.arguments) as unknown })),
      second: second.output_text,
    };
  };

  return {
    chat: async (model) => {
      const { choices, usage } = await chat.create({ model, messages });
      return {
        text: choices[0]?.message.content ?? '',
        finish: choices[0]?.finish_reason ?? null,
        usage: usageOf(usage),
      };
    },
    'chat, streamed': async (model) => {
      let [text, pieces] = ['', 0];
      let finish: string | null = null;
      let usage: OpenAI.CompletionUsage | null | undefined;
      for await (const chunk of await chat.create({ model, messages, stream: true })) {
        const [choice] = chunk.choices;
        if (choice?.delta.content) pieces += 1;
        text += choice?.delta.content ?? '';
        finish = choice?.finish_reason ?? finish;
        usage = chunk.usage ?? usage;
      }
      return { text, finish, pieces, usage: usageOf(usage) };
    },
    'stream helper, streamed': async (model) => {
      let pieces = 0;
      const stream = chat.stream({ model, messages }).on('content', () => (pieces += 1));
      const { choices } = await stream.finalChatCompletion();
      return {
        text: choices[0]?.message.content ?? '',
        finish: choices[0]?.finish_reason ?? null,
        pieces,
        usage: usageOf(await stream.totalUsage()),
      };
    },
    tools: async (model) => {
      const { choices } = await chat.create({ model, messages, tools });
      if (choices[0] === undefined) throw new Error('no choice');
      return secondTurn(model, choices[0].message);
    },
    'tools, streamed': async (model) => {
      let pieces = 0;
      const stream = chat.stream({ model, messages, tools }).on('chunk', () => (pieces += 1));
      return { ...(await secondTurn(model, await stream.finalMessage())), pieces };
    },
    runTools: (model) => runTools(model, false),
    'runTools, streamed': (model) => runTools(model, true),
    parse: async (model) => {
      const format = zodResponseFormat(placeSchema, 'place');
      const { choices } = await chat.parse({ model, messages: askForPlace, response_format: format });
      return { object: choices[0]?.message.parsed };
    },
    'parse, streamed': async (model) => {
      let pieces = 0;
      const format = zodResponseFormat(placeSchema, 'place');
      const stream = chat.stream({ model, messages: askForPlace, response_format: format });
      stream.on('chunk', () => (pieces += 1));
      return { object: (await stream.finalChatCompletion()).choices[0]?.message.parsed, pieces };
    },
    refusal: (model) => refusalOf(chat.create({ model, messages })),
    responses: async (model) => {
      const { output_text: text, status, usage } = await client.responses.create({ model, input: TEXT });
      return { text, finish: status ?? null, usage: { input: usage?.input_tokens, output: usage?.output_tokens } };
    },
    'responses, streamed': async (model) => {
      let pieces = 0;
      const stream = client.responses.stream({ model, input: TEXT });
      stream.on('response.output_text.delta', () => (pieces += 1));
      const { output_text: text, status, usage } = await stream.finalResponse();
      const counts = { input: usage?.input_tokens, output: usage?.output_tokens };
      return { text, finish: status ?? null, pieces, usage: counts };
    },
    'responses tools': async (model) =>
      secondResponse(model, await client.responses.create({ model, input: TEXT, tools: [functionTool] })),
    'responses tools, streamed': async (model) => {
      let pieces = 0;
      const stream = client.responses.stream({ model, input: TEXT, tools: [functionTool] });
      stream.on('event', () => (pieces += 1));
      return { ...(await secondResponse(model, await stream.finalResponse())), pieces };
    },
    'responses parse': async (model) => {
      const format = zodTextFormat(placeSchema, 'place');
      const response = await client.responses.parse({ model, input: JSON.stringify(PLACE), text: { format } });
      return { object: response.output_parsed };
    },
    embeddings: async (model) => {
      const { data } = await client.embeddings.create({ model, input: EMBEDDED });
      return { lengths: data.map(({ embedding }) => embedding.length) };
    },
    transcription: async (model) => {
      const file = await toFile(sound(), 'talk.wav');
      const { text, usage } = await client.audio.transcriptions.create({ model, file, language: 'en' });
      if (usage?.type !== 'duration') throw new Error('was not billed by the second');
      // The cost is the relay's own.
      return { text, seconds: usage.seconds, cost: (usage as { cost?: number }).cost };
    },
    models: async (model) => {
      const ids: string[] = [];
      for await (const { id } of client.models.list()) ids.push(id);
      return { facts: [ids.find((id) => id === model)] };
    },
  };
};
