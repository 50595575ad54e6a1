// Decides a whole answer from the call and its script before the first byte goes out. Pure but for the prompt cache it is given: the same
// call gets the same text, and its token counts are exact.
import type { Script } from '../script/script.js';
import { DEFAULT_OUTPUT_TOKENS } from '../script/script.js';
import { argumentsFor, jsonFor } from './arguments-for.js';
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
  /** Into the cache, of those that it did not give; 0 where the provider tells none. */
  readonly cacheWriteTokens: number;
  readonly reasoning: string;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  /** Reasoning, text and tool calls together. */
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly searchUnits?: number;
  readonly seconds?: number;
  readonly finish: 'stop' | 'length' | 'tool-calls' | 'filter';
}

const MS_PER_SECOND = 1_000;

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

/** In turn, as many as the script says. */
const toolsToCall = (call: SandboxCall, script: Script): SandboxTool[] => {
  if (script.filter || call.toolChoice.kind === 'none' || call.messages.at(-1)?.role === 'tool') return [];
  if (call.toolChoice.kind === 'auto' && !script.callTools) return [];
  const { name } = call.toolChoice;
  const tools = name === undefined ? call.tools : call.tools.filter((tool) => tool.name === name);
  const count = tools.length === 0 ? 0 : call.oneToolCall === true ? 1 : script.toolCalls;
  return Array.from({ length: count }, (_, index) => tools[index % tools.length]).filter((tool) => tool !== undefined);
};

const lastUserText = (call: SandboxCall): string =>
  call.messages.findLast((message) => message.role === 'user')?.text ?? '';

/** An assistant's message at the end is the begin of the answer: where the answer begins so, the rest is said. */
const continued = (call: SandboxCall, say: (call: SandboxCall) => string): string => {
  const last = call.messages.at(-1);
  if (last?.role !== 'assistant') return say(call);
  const whole = say({ ...call, messages: call.messages.slice(0, -1) });
  return whole.startsWith(last.text) ? whole.slice(last.text.length) : say(call);
};

const textOf = (call: SandboxCall, script: Script): string => {
  const seedText = seedTextOf(call);
  if (script.filter) return '';
  // A script that says what to answer wins over the shape that was asked for.
  const scripted = call.overrides.echo !== undefined || call.overrides.outputTokens !== undefined;
  if (call.jsonSchema !== undefined && !scripted) return jsonFor(call.jsonSchema, seedText);
  if (script.echo && script.outputTokens === undefined) return lastUserText(call);
  return tapeText(seedText, script.outputTokens ?? DEFAULT_OUTPUT_TOKENS);
};

export const planReply = (call: SandboxCall, script: Script, cache: PromptCache): Reply => {
  const promptTokens = promptTokensOf(call);
  const hit =
    script.cachedTokens === undefined && script.cache
      ? cache.read(call, script.cacheTtlS * MS_PER_SECOND)
      : { read: script.cachedTokens ?? 0, written: 0 };
  const cachedTokens = Math.min(promptTokens, hit.read);
  const seedText = seedTextOf(call);
  let budget = call.maxTokens ?? Number.POSITIVE_INFINITY;
  const take = (text: string): string => {
    const taken = countTokens(text) > budget ? firstTokens(text, budget) : text;
    budget -= countTokens(taken);
    return taken;
  };
  const tools = toolsToCall(call, script);
  const whole = {
    reasoning: tapeText(`${seedText}\nthink`, script.filter ? 0 : script.reasoningTokens),
    text: tools.length === 0 ? continued(call, (each) => textOf(each, script)) : '',
  };
  // In the order in which they are sent, so that a cap cuts what would have come last.
  const reasoning = take(whole.reasoning);
  const text = take(whole.text);
  let cut = reasoning !== whole.reasoning || text !== whole.text;
  let argumentTokens = 0;
  const toolCalls = tools.map((tool, index) => {
    const callSeed = index === 0 ? seedText : `${seedText}\n${index}`;
    const wholeArguments = argumentsFor(tool.parameters, callSeed);
    const argumentsJson = take(wholeArguments);
    if (argumentsJson !== wholeArguments) cut = true;
    argumentTokens += countTokens(argumentsJson);
    return {
      id: `call_${tapeText(`${callSeed}\ncall`, 6).replaceAll(' ', '')}`,
      name: tool.name,
      argumentsJson,
    };
  });
  return {
    promptTokens,
    cachedTokens,
    cacheWriteTokens: Math.min(promptTokens - cachedTokens, hit.written),
    reasoning,
    text,
    toolCalls,
    completionTokens: countTokens(reasoning) + countTokens(text) + argumentTokens,
    reasoningTokens: countTokens(reasoning),
    ...(call.searchUnits === undefined ? {} : { searchUnits: call.searchUnits }),
    ...(call.seconds === undefined ? {} : { seconds: call.seconds }),
    finish: script.filter ? 'filter' : cut ? 'length' : toolCalls.length === 0 ? 'stop' : 'tool-calls',
  };
};
