// The ai package over a provider of its: text, objects, and an agent that calls a tool and goes on by itself.
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool, type LanguageModel } from 'ai';
import { PLACE, PLACE_SCHEMA, TEXT, WEATHER, WEATHER_RESULT, type Told } from '../questions.ts';
import type { Features } from './asked.ts';
import { placeSchema } from './place-schema.ts';
import { refusalOf } from './refusal.ts';

const STEPS_MAX = 3;

const output = Output.object({ schema: placeSchema, name: 'place' });
const askForPlace = JSON.stringify(PLACE);

/** What the agent called, and the tool it called it by. */
const agent = () => {
  const calls: { name: string; arguments: unknown }[] = [];
  const weather = tool({
    description: WEATHER.description,
    inputSchema: jsonSchema<typeof PLACE>(PLACE_SCHEMA as never),
    execute: (given) => {
      calls.push({ name: WEATHER.name, arguments: given });
      return WEATHER_RESULT;
    },
  });
  return { calls, tools: { weather }, stopWhen: stepCountIs(STEPS_MAX) };
};

const usageOf = ({
  inputTokens,
  outputTokens,
}: {
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
}) => ({
  input: inputTokens,
  output: outputTokens,
});

export const aiSdkFeatures = (modelOf: (model: string) => LanguageModel): Features => {
  const ask = (model: string) => ({ model: modelOf(model), maxRetries: 0 });

  /** Errors of streams go to a callback. */
  const streamed = (given: Parameters<typeof streamText>[0]) => {
    const failed: unknown[] = [];
    const result = streamText({ ...given, onError: ({ error }) => void failed.push(error) });
    const pieces = async (): Promise<number> => {
      let count = 0;
      for await (const { type } of result.fullStream) if (type.endsWith('-delta')) count += 1;
      if (failed.length > 0) throw failed[0];
      return count;
    };
    return { result, pieces };
  };

  const thinking = (first: {
    text: string;
    reasoningText: string | undefined;
    second: string;
    pieces?: number;
  }): Told => ({
    ...first,
    thinking: first.reasoningText ?? '',
  });
  const goOn = [{ role: 'user' as const, content: 'And then?' }];
  const asked = [{ role: 'user' as const, content: TEXT }];

  return {
    text: async (model) => {
      const { text, finishReason: finish, usage } = await generateText({ ...ask(model), prompt: TEXT });
      return { text, finish, usage: usageOf(usage) };
    },
    'text, streamed': async (model) => {
      const { result, pieces } = streamed({ ...ask(model), prompt: TEXT });
      const count = await pieces();
      const [text, finish, usage] = await Promise.all([result.text, result.finishReason, result.usage]);
      return { text, finish, pieces: count, usage: usageOf(usage) };
    },
    object: async (model) => ({ object: (await generateText({ ...ask(model), output, prompt: askForPlace })).output }),
    'object, streamed': async (model) => {
      let pieces = 0;
      const result = streamText({ ...ask(model), output, prompt: askForPlace });
      for await (const part of result.textStream) if (part !== '') pieces += 1;
      return { object: await result.output, pieces };
    },
    tools: async (model) => {
      const { calls, ...tooled } = agent();
      const { text } = await generateText({ ...ask(model), ...tooled, prompt: TEXT });
      return { calls, second: text };
    },
    'tools, streamed': async (model) => {
      const { calls, ...tooled } = agent();
      const { result, pieces } = streamed({ ...ask(model), ...tooled, prompt: TEXT });
      const count = await pieces();
      return { calls, second: await result.text, pieces: count };
    },
    thinking: async (model) => {
      const first = await generateText({ ...ask(model), messages: asked });
      const messages = [...asked, ...first.response.messages, ...goOn];
      const { text: second } = await generateText({ ...ask(model), messages });
      return thinking({ text: first.text, reasoningText: first.reasoningText, second });
    },
    'thinking, streamed': async (model) => {
      const { result, pieces } = streamed({ ...ask(model), messages: asked });
      const count = await pieces();
      const [text, reasoningText, response] = await Promise.all([result.text, result.reasoningText, result.response]);
      const messages = [...asked, ...response.messages, ...goOn];
      const { text: second } = await generateText({ ...ask(model), messages });
      return thinking({ text, reasoningText, second, pieces: count });
    },
    refusal: (model) => refusalOf(generateText({ ...ask(model), prompt: TEXT })),
  };
};
