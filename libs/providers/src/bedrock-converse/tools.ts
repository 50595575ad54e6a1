// Tools of a call. Converse refuses calls and results in a conversation without any tools, and has no word for "call none".
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
import type { GenerationCall, Tool } from '@waystation/generation';
import { cachePoint, type Context } from './turns.js';

type Json = Record<string, unknown>;

export interface ToolFields {
  /** For the body. */
  readonly config: Json;
  /** For `additionalModelRequestFields`. */
  readonly fields: Json;
}

const toolBlocks = (tool: Tool, context: Context): Json[] => {
  if (tool.type === 'provider') {
    context.losses.lose('tools', `The tool ${tool.name} runs at another provider only; it was left out.`);
    return [];
  }
  const { name, description, parameters, strict, cache } = tool;
  return [
    {
      toolSpec: {
        name,
        ...(description === undefined || description.trim() === '' ? {} : { description }),
        inputSchema: { json: { type: 'object', ...parameters } },
        ...(strict === undefined ? {} : { strict }),
      },
    },
    ...cachePoint(cache, context),
  ];
};

const calledBefore = ({ messages }: GenerationCall): string[] => [
  ...new Set(
    messages.flatMap((message) =>
      message.role === 'assistant'
        ? message.content.flatMap((part) => (part.type === 'tool-call' ? [part.name] : []))
        : [],
    ),
  ),
];

const choiceOf = ({ toolChoice }: GenerationCall): Json => {
  switch (toolChoice?.type) {
    case undefined:
    case 'none':
      return {};
    case 'auto':
      return { toolChoice: { auto: {} } };
    case 'required':
      return { toolChoice: { any: {} } };
    case 'tool':
      return { toolChoice: { tool: { name: toolChoice.name } } };
    default: {
      const unreachable: never = toolChoice;
      return unreachable;
    }
  }
};

/** One call at a time: only Claude can be told, by its own choice of tools, which stands for that of Converse. https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-tool-use.html */
const oneAtATime = ({ toolChoice }: GenerationCall): Json => {
  const alone = { disable_parallel_tool_use: true };
  if (toolChoice?.type === 'tool') return { tool_choice: { type: 'tool', name: toolChoice.name, ...alone } };
  return { tool_choice: { type: toolChoice?.type === 'required' ? 'any' : 'auto', ...alone } };
};

const NONE: ToolFields = { config: {}, fields: {} };

export const toolFieldsOf = (call: GenerationCall, context: Context): ToolFields => {
  const earlier = calledBefore(call);
  const forbidden = call.toolChoice?.type === 'none';
  const given =
    forbidden && earlier.length === 0 ? [] : (call.tools?.flatMap((tool) => toolBlocks(tool, context)) ?? []);
  if (given.length === 0) {
    if (earlier.length === 0) return NONE;
    context.losses.lose(
      'tools',
      'The endpoint wants the tools of earlier calls: they were named without their parameters.',
    );
    return {
      config: {
        toolConfig: {
          tools: earlier.map((name) => ({ toolSpec: { name, inputSchema: { json: { type: 'object' } } } })),
        },
      },
      fields: {},
    };
  }
  if (forbidden)
    context.losses.lose('tool_choice', 'The endpoint cannot be told to call no tool that was called before; it may.');
  if (call.parallelToolCalls === false && !forbidden) {
    if (context.quirks['family'] === 'claude')
      return { config: { toolConfig: { tools: given } }, fields: oneAtATime(call) };
    context.losses.leaveOut('parallel_tool_calls');
  }
  return { config: { toolConfig: { tools: given, ...choiceOf(call) } }, fields: {} };
};
