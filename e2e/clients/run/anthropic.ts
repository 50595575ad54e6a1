// The @anthropic-ai/sdk package: messages, its stream helper and parser, tools, thinking that goes back with its signature, and token counts.
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import type { ContentBlock, Message, MessageParam, Tool } from '@anthropic-ai/sdk/resources/messages';
import { PLACE, PLACE_SCHEMA, TEXT, WEATHER, WEATHER_RESULT, type Told } from '../questions.ts';
import type { Connection, Features } from './asked.ts';
import { placeSchema } from './place-schema.ts';
import { refusalOf } from './refusal.ts';

const MAX_TOKENS = 4_096;
const messages: MessageParam[] = [{ role: 'user', content: TEXT }];
const tools: Tool[] = [{ ...WEATHER, input_schema: PLACE_SCHEMA }];
const thinking = { type: 'enabled' as const, budget_tokens: 1_024 };

const textOf = (content: readonly ContentBlock[]): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

const told = ({ content, stop_reason: finish, usage }: Message): Told => ({
  text: textOf(content),
  finish,
  usage: { input: usage.input_tokens, output: usage.output_tokens },
});

export const featuresOf = ({ url, apiKey }: Connection): Features => {
  const client = new Anthropic({ baseURL: `${url}/api`, apiKey, maxRetries: 0 });
  /** As Claude Code asks. */
  const agent = new Anthropic({ baseURL: `${url}/api`, apiKey: null, authToken: apiKey, maxRetries: 0 });
  const ask = (model: string) => ({ model, messages, max_tokens: MAX_TOKENS });

  const helped = async (asked: Parameters<typeof client.messages.stream>[0]): Promise<[Message, number]> => {
    let pieces = 0;
    const stream = client.messages.stream(asked).on('streamEvent', () => (pieces += 1));
    return [await stream.finalMessage(), pieces];
  };

  const afterTools = async (model: string, first: Message): Promise<Told> => {
    const calls = first.content.filter((block) => block.type === 'tool_use');
    const results = calls.map(({ id }) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: WEATHER_RESULT,
    }));
    const second = await client.messages.create({
      ...ask(model),
      tools,
      messages: [...messages, { role: 'assistant', content: first.content }, { role: 'user', content: results }],
    });
    return { calls: calls.map(({ name, input }) => ({ name, arguments: input })), second: textOf(second.content) };
  };

  const afterThinking = async (model: string, first: Message): Promise<Told> => {
    const second = await client.messages.create({
      ...ask(model),
      thinking,
      messages: [...messages, { role: 'assistant', content: first.content }, { role: 'user', content: 'And then?' }],
    });
    const thoughts = first.content.map((block) => (block.type === 'thinking' ? block.thinking : ''));
    return { ...told(first), thinking: thoughts.join(''), second: textOf(second.content) };
  };

  return {
    messages: async (model) => told(await client.messages.create(ask(model))),
    'messages, streamed': async (model) => {
      let [text, pieces] = ['', 0];
      let finish: string | null = null;
      let usage: Told['usage'];
      for await (const event of await client.messages.create({ ...ask(model), stream: true })) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
          text += event.delta.text;
          pieces += 1;
        }
        if (event.type === 'message_delta') {
          finish = event.delta.stop_reason;
          usage = { input: event.usage.input_tokens ?? undefined, output: event.usage.output_tokens };
        }
      }
      return { text, finish, pieces, ...(usage === undefined ? {} : { usage }) };
    },
    'stream helper, streamed': async (model) => {
      const [message, pieces] = await helped(ask(model));
      return { ...told(message), pieces };
    },
    'auth token, beta, streamed': async (model) => {
      let pieces = 0;
      const stream = agent.beta.messages.stream({
        ...ask(model),
        betas: ['interleaved-thinking-2025-05-14'],
        system: [{ type: 'text', text: 'You write code.', cache_control: { type: 'ephemeral' } }],
        metadata: { user_id: 'user_1' },
      });
      stream.on('streamEvent', () => (pieces += 1));
      const { content, stop_reason: finish } = await stream.finalMessage();
      const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
      return { text, finish, pieces };
    },
    tools: async (model) => afterTools(model, await client.messages.create({ ...ask(model), tools })),
    'tools, streamed': async (model) => {
      const [message, pieces] = await helped({ ...ask(model), tools });
      return { ...(await afterTools(model, message)), pieces };
    },
    parse: async (model) => {
      const { parsed_output: object } = await client.messages.parse({
        ...ask(model),
        messages: [{ role: 'user', content: JSON.stringify(PLACE) }],
        output_config: { format: zodOutputFormat(placeSchema) },
      });
      return { object };
    },
    thinking: async (model) => afterThinking(model, await client.messages.create({ ...ask(model), thinking })),
    'thinking, streamed': async (model) => {
      const [message, pieces] = await helped({ ...ask(model), thinking });
      return { ...(await afterThinking(model, message)), pieces };
    },
    'count tokens': async (model) => ({
      tokens: (await client.messages.countTokens({ model, messages })).input_tokens,
    }),
    refusal: (model) => refusalOf(client.messages.create(ask(model))),
  };
};
