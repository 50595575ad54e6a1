// A lab that speaks Converse with a model of Anthropic's. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
import { bedrockConverse } from '../../bedrock-converse/bedrock-converse.js';
import { eventFrame } from '../../bedrock-converse/fixtures/frames.js';
import { sealOf, type Reply, type Step } from '../script.js';
import { halves, type Asked, type Json, type Lab } from '../sides.js';

const idOf = ({ key }: Reply, at: number): string => `tooluse_${key}_${at}`;

const blocksOf = (reply: Reply): Json[] => {
  const { key, thought, sealed, text, calls } = reply;
  const signature = sealOf('bedrock', key, 'thought');
  const hidden = sealed ? [{ reasoningContent: { redactedContent: signature } }] : [];
  return [
    ...(thought === undefined ? hidden : [{ reasoningContent: { reasoningText: { text: thought, signature } } }]),
    ...(text === undefined ? [] : [{ text }]),
    ...calls.map(({ name, argumentsJson }, at) => ({
      toolUse: { toolUseId: idOf(reply, at), name, input: JSON.parse(argumentsJson) as unknown },
    })),
  ];
};

const imageOf = (bytes: string): Json => ({ image: { format: 'png', source: { bytes } } });

const expectedOf = (step: Step, { traits }: Asked): Json[] => {
  switch (step.role) {
    case 'system':
      return [];
    case 'user':
      return [{ role: 'user', content: [{ text: step.text }, imageOf(step.image)] }];
    case 'assistant':
      return [{ role: 'assistant', content: blocksOf(step.reply) }];
    case 'tool':
      return [
        {
          role: 'user',
          content: step.results.map(({ text, image, failed }, at) => ({
            toolResult: {
              toolUseId: idOf(step.of, at),
              content: [{ text }, ...(image === undefined ? [] : [imageOf(image)])],
              ...(failed === true && traits.toolErrors ? { status: 'error' } : {}),
            },
          })),
        },
      ];
  }
};

const usage = { inputTokens: 9, outputTokens: 3, totalTokens: 12 };

const blockFrames = (block: Json, contentBlockIndex: number): Buffer[] => {
  const delta = (told: Json): Buffer => eventFrame('contentBlockDelta', { contentBlockIndex, delta: told });
  const stop = eventFrame('contentBlockStop', { contentBlockIndex });
  const { toolUse, reasoningContent, text } = block as {
    toolUse?: { toolUseId: string; name: string; input: unknown };
    reasoningContent?: { reasoningText?: { text: string; signature: string }; redactedContent?: string };
    text?: string;
  };
  if (toolUse !== undefined) {
    const { toolUseId, name, input } = toolUse;
    return [
      eventFrame('contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId, name } } }),
      ...halves(JSON.stringify(input)).map((piece) => delta({ toolUse: { input: piece } })),
      stop,
    ];
  }
  if (reasoningContent?.reasoningText !== undefined) {
    const { text: words, signature } = reasoningContent.reasoningText;
    return [
      ...halves(words).map((piece) => delta({ reasoningContent: { text: piece } })),
      delta({ reasoningContent: { signature } }),
      stop,
    ];
  }
  if (reasoningContent !== undefined) return [delta({ reasoningContent }), stop];
  return [...halves(text ?? '').map((piece) => delta({ text: piece })), stop];
};

const stopOf = ({ calls }: Reply): string => (calls.length > 0 ? 'tool_use' : 'end_turn');

export const bedrockLab: Lab = {
  name: 'bedrock-converse',
  dialect: bedrockConverse,
  quirks: { family: 'claude' },
  expected: (steps, asked) => {
    const cache = asked.traits.cacheMarkers ? [{ cachePoint: { type: 'default', ttl: '1h' } }] : [];
    const system = steps.flatMap((step) => (step.role === 'system' ? [{ text: step.text }, ...cache] : []));
    return { system, messages: steps.flatMap((step) => expectedOf(step, asked)) };
  },
  messagesOf: ({ system, messages }) => ({ system, messages }),
  answer: (reply, stream) => {
    const content = blocksOf(reply);
    const stopReason = stopOf(reply);
    if (!stream)
      return Buffer.from(JSON.stringify({ output: { message: { role: 'assistant', content } }, stopReason, usage }));
    return Buffer.concat([
      eventFrame('messageStart', { role: 'assistant' }),
      ...content.flatMap(blockFrames),
      eventFrame('messageStop', { stopReason }),
      eventFrame('metadata', { usage, metrics: { latencyMs: 1 } }),
    ]);
  },
};
