// Decides a whole answer from the call and its script before the first byte goes out. Pure but for the prompt cache it is given: the same
// call gets the same text, and its token counts are exact.
import type { Script } from '../script/script.js';
import { DEFAULT_OUTPUT_TOKENS } from '../script/script.js';
import { argumentsFor } from './arguments-for.js';
import type { SandboxCall, SandboxTool } from './call.js';
import type { PromptCache } from './prompt-cache.js';
import { tapeText } from './tape.js';
import { MEDIA_PART_TOKENS, MESSAGE_OVERHEAD_TOKENS, countTokens, firstTokens } from './tokens.js';

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly argumentsJson: string;
}

export interface Reply {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly reasoning: string;
  readonly text: string;
  readonly toolCall?: ToolCall;
  /** Reasoning, text and tool call together. */
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly finish: 'stop' | 'length' | 'tool-calls';
}

const promptTokensOf = (call: SandboxCall): number => {
  let tokens = call.toolTokens;
  for (const message of call.messages) {
    tokens += MESSAGE_OVERHEAD_TOKENS + countTokens(message.text) + message.mediaParts * MEDIA_PART_TOKENS;
  }
  return tokens;
};

/** Of a long message only its length, start and end decide: hashing megabytes would be felt by who measures against us. */
const SEED_UNITS = 1_024;

const seedTextOf = (call: SandboxCall): string => {
  let seedText = `${call.model}\n${call.seed ?? ''}`;
  for (const { text } of call.messages) {
    seedText +=
      text.length <= 2 * SEED_UNITS
        ? `\n${text}`
        : `\n${text.length} ${text.slice(0, SEED_UNITS)}${text.slice(-SEED_UNITS)}`;
  }
  return seedText;
};

const toolToCall = (call: SandboxCall, script: Script): SandboxTool | undefined => {
  if (call.toolChoice.kind === 'none' || call.tools.length === 0 || call.messages.at(-1)?.role === 'tool')
    return undefined;
  if (call.toolChoice.kind === 'auto' && !script.callTools) return undefined;
  const { name } = call.toolChoice;
  return name === undefined ? call.tools[0] : call.tools.find((tool) => tool.name === name);
};

const lastUserText = (call: SandboxCall): string =>
  call.messages.findLast((message) => message.role === 'user')?.text ?? '';

const textOf = (call: SandboxCall, script: Script, seedText: string): string => {
  if (script.echo && script.outputTokens === undefined) return lastUserText(call);
  return tapeText(seedText, script.outputTokens ?? DEFAULT_OUTPUT_TOKENS);
};

export const planReply = (call: SandboxCall, script: Script, cache: PromptCache): Reply => {
  const promptTokens = promptTokensOf(call);
  const cachedTokens = Math.min(
    promptTokens,
    script.cachedTokens ?? (script.cache ? cache.read(call.model, call.messages) : 0),
  );
  const seedText = seedTextOf(call);
  let budget = call.maxTokens ?? Number.POSITIVE_INFINITY;
  const take = (text: string): string => {
    const taken = countTokens(text) > budget ? firstTokens(text, budget) : text;
    budget -= countTokens(taken);
    return taken;
  };
  const tool = toolToCall(call, script);
  const whole = {
    reasoning: tapeText(`${seedText}\nthink`, script.reasoningTokens),
    text: tool === undefined ? textOf(call, script, seedText) : '',
    argumentsJson: tool === undefined ? '' : argumentsFor(tool.parameters, seedText),
  };
  // In the order in which they are sent, so that a cap cuts what would have come last.
  const reasoning = take(whole.reasoning);
  const text = take(whole.text);
  const argumentsJson = take(whole.argumentsJson);
  const toolCall = tool && {
    id: `call_${tapeText(`${seedText}\ncall`, 6).replaceAll(' ', '')}`,
    name: tool.name,
    argumentsJson,
  };
  const cut = reasoning !== whole.reasoning || text !== whole.text || argumentsJson !== whole.argumentsJson;
  return {
    promptTokens,
    cachedTokens,
    reasoning,
    text,
    ...(toolCall === undefined ? {} : { toolCall }),
    completionTokens: countTokens(reasoning) + countTokens(text) + countTokens(argumentsJson),
    reasoningTokens: countTokens(reasoning),
    finish: cut ? 'length' : toolCall === undefined ? 'stop' : 'tool-calls',
  };
};
