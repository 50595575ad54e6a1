// A lab that speaks Messages and checks what it signed. https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking
import { anthropicMessages } from '../../anthropic-messages/anthropic-messages.js';
import { vertexAnthropic } from '../../vertex-anthropic/vertex-anthropic.js';
import { sealOf, type Reply, type Step } from '../script.js';
import { halves, namedEvents, type Asked, type Json, type Lab } from '../sides.js';

const idOf = ({ key }: Reply, at: number): string => `toolu_${key}_${at}`;

const blocksOf = (reply: Reply): Json[] => {
  const { key, thought, sealed, text, calls } = reply;
  const seal = sealOf('claude', key, 'thought');
  const hidden = sealed ? [{ type: 'redacted_thinking', data: seal }] : [];
  return [
    ...(thought === undefined ? hidden : [{ type: 'thinking', thinking: thought, signature: seal }]),
    ...(text === undefined ? [] : [{ type: 'text', text }]),
    ...calls.map(({ name, argumentsJson }, at) => ({
      type: 'tool_use',
      id: idOf(reply, at),
      name,
      input: JSON.parse(argumentsJson) as unknown,
    })),
  ];
};

const textOf = (text: string): Json => ({ type: 'text', text });
const imageOf = (data: string): Json => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });

const expectedOf = (step: Step, { traits }: Asked): Json[] => {
  switch (step.role) {
    case 'system':
      return [];
    case 'user':
      return [{ role: 'user', content: [textOf(step.text), imageOf(step.image)] }];
    case 'assistant':
      return [{ role: 'assistant', content: blocksOf(step.reply) }];
    case 'tool':
      return [
        {
          role: 'user',
          content: step.results.map(({ text, image, failed }, at) => ({
            type: 'tool_result',
            tool_use_id: idOf(step.of, at),
            content: [textOf(text), ...(image === undefined ? [] : [imageOf(image)])],
            ...(failed === true && traits.toolErrors ? { is_error: true } : {}),
          })),
        },
      ];
  }
};

/** A text alone may be a string. */
const seenBlock = (block: Json): Json =>
  typeof block['content'] === 'string' ? { ...block, content: [textOf(block['content'])] } : block;

const usage = { input_tokens: 9, output_tokens: 3 };
const messageOf = ({ key }: Reply, rest: Json): Json => ({
  id: `msg_${key}`,
  type: 'message',
  role: 'assistant',
  model: 'm',
  usage,
  ...rest,
});

const blockEvents = (block: Json, index: number): Json[] => {
  const delta = (told: Json): Json => ({ type: 'content_block_delta', index, delta: told });
  const start = (empty: Json): Json => ({ type: 'content_block_start', index, content_block: { ...block, ...empty } });
  const stop = { type: 'content_block_stop', index };
  switch (block['type']) {
    case 'thinking':
      return [
        start({ thinking: '', signature: '' }),
        ...halves(String(block['thinking'])).map((thinking) => delta({ type: 'thinking_delta', thinking })),
        delta({ type: 'signature_delta', signature: block['signature'] }),
        stop,
      ];
    case 'text':
      return [
        start({ text: '' }),
        ...halves(String(block['text'])).map((text) => delta({ type: 'text_delta', text })),
        stop,
      ];
    case 'tool_use':
      return [
        start({ input: {} }),
        ...halves(JSON.stringify(block['input'])).map((json) =>
          delta({ type: 'input_json_delta', partial_json: json }),
        ),
        stop,
      ];
    default:
      return [start({}), stop];
  }
};

const stopOf = ({ calls }: Reply): string => (calls.length > 0 ? 'tool_use' : 'end_turn');

const streamOf = (reply: Reply): string =>
  namedEvents([
    { type: 'message_start', message: messageOf(reply, { content: [], stop_reason: null, stop_sequence: null }) },
    ...blocksOf(reply).flatMap(blockEvents),
    { type: 'message_delta', delta: { stop_reason: stopOf(reply), stop_sequence: null }, usage },
    { type: 'message_stop' },
  ]);

interface Request {
  readonly system?: readonly Json[];
  readonly messages: readonly { readonly role: string; readonly content: readonly Json[] }[];
}

export const anthropicLab: Lab = {
  name: 'anthropic-messages',
  dialect: anthropicMessages,
  quirks: {},
  expected: (steps, asked) => {
    const cache = asked.traits.cacheMarkers ? { cache_control: { type: 'ephemeral', ttl: '1h' } } : {};
    const system = steps.flatMap((step) => (step.role === 'system' ? [{ ...textOf(step.text), ...cache }] : []));
    return { system, messages: steps.flatMap((step) => expectedOf(step, asked)) };
  },
  messagesOf: (request) => {
    const { system, messages } = request as unknown as Request;
    return { system, messages: messages.map(({ role, content }) => ({ role, content: content.map(seenBlock) })) };
  },
  answer: (reply, stream) =>
    Buffer.from(
      stream
        ? streamOf(reply)
        : JSON.stringify(messageOf(reply, { content: blocksOf(reply), stop_reason: stopOf(reply) })),
    ),
};

/** The same models elsewhere. */
export const vertexLab: Lab = { ...anthropicLab, name: 'vertex-anthropic', dialect: vertexAnthropic };
