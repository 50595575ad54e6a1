// Answers and their chunks: https://ai.google.dev/api/generate-content#generatecontentresponse
// Thoughts show only where they were asked for; their tokens count beside those of the candidate. The signature stands on the first function call, else on the
// last part: https://ai.google.dev/gemini-api/docs/thought-signatures
import type { Reply, ToolCall } from '../../reply/plan-reply.js';
import { sealedState } from '../../reply/sign.js';
import { toldUsage, type ToldUsage } from '../../reply/told-usage.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead, StreamEncoder } from '../dialect.js';
import { dataEvent } from '../frame.js';
import { objectOf } from '../read-fields.js';
import { writeGeminiError } from './write-error.js';

type Part = Readonly<Record<string, unknown>>;

const WORDS = { stop: 'STOP', length: 'MAX_TOKENS', 'tool-calls': 'STOP', filter: 'SAFETY' } as const;

const usageOf = (told: Omit<ToldUsage, 'written'> | undefined): Part =>
  told === undefined
    ? {}
    : {
        usageMetadata: {
          promptTokenCount: told.prompt,
          ...(told.cached === 0 ? {} : { cachedContentTokenCount: told.cached }),
          candidatesTokenCount: told.completion - told.reasoning,
          totalTokenCount: told.prompt + told.completion,
          promptTokensDetails: [{ modality: 'TEXT', tokenCount: told.prompt }],
          ...(told.reasoning === 0 ? {} : { thoughtsTokenCount: told.reasoning }),
        },
      };

const signatureIn = (reply: Reply): Part =>
  reply.reasoning === '' ? {} : { thoughtSignature: sealedState(reply.reasoning) };

const callPart = ({ name, argumentsJson }: Pick<ToolCall, 'name' | 'argumentsJson'>, signature: Part): Part => ({
  functionCall: { name, args: JSON.parse(objectOf(argumentsJson)) as unknown },
  ...signature,
});

const responseOf = (
  head: AnswerHead,
  parts: readonly Part[] | undefined,
  finishReason: string | undefined,
  usage: Part,
): Part => ({
  candidates: [
    {
      content: { ...(parts === undefined ? {} : { parts }), role: 'model' },
      ...(finishReason === undefined ? {} : { finishReason }),
      index: 0,
    },
  ],
  ...usage,
  modelVersion: head.model,
  responseId: head.id,
});

/** https://ai.google.dev/api/generate-content#PromptFeedback */
const blockedOf = (head: AnswerHead, usage: Part): Part => ({
  promptFeedback: { blockReason: 'SAFETY' },
  ...usage,
  modelVersion: head.model,
  responseId: head.id,
});

export const writeContent = (head: AnswerHead, reply: Reply, script: Script, includeThoughts: boolean): string => {
  const usage = usageOf(toldUsage(reply, script.usage));
  if (reply.finish === 'filter') return JSON.stringify(blockedOf(head, usage));
  const signature = signatureIn(reply);
  const parts = [
    ...(includeThoughts && reply.reasoning !== '' ? [{ text: reply.reasoning, thought: true }] : []),
    ...(reply.text === '' ? [] : [{ text: reply.text, ...signature }]),
    ...reply.toolCalls.map((call, index) => callPart(call, index === 0 ? signature : {})),
  ];
  const finish = script.fail === 'no-finish' ? undefined : WORDS[reply.finish];
  return JSON.stringify(responseOf(head, parts.length === 0 ? undefined : parts, finish, usage));
};

export const createContentStreamEncoder = (
  head: AnswerHead,
  reply: Reply,
  script: Script,
  includeThoughts: boolean,
): StreamEncoder => {
  const signature = signatureIn(reply);
  let completion = 0;
  let reasoning = 0;
  let calls = 0;
  let pending: { readonly name: string; argumentsJson: string } | undefined;
  let finish: string | undefined;

  const send = (value: Part): string => dataEvent(JSON.stringify(value));
  /** Each chunk tells what there is so far. */
  const soFar = (): Part => {
    if (script.usage === 'exact')
      return usageOf({ prompt: reply.promptTokens, cached: reply.cachedTokens, completion, reasoning });
    return script.usage === 'placeholder' ? usageOf(toldUsage(reply, 'placeholder')) : {};
  };
  const chunk = (parts: readonly Part[]): string => send(responseOf(head, parts, undefined, soFar()));
  /** Function calls come whole. */
  const flushCall = (): string => {
    if (pending === undefined) return '';
    const part = callPart(pending, calls === 1 ? signature : {});
    pending = undefined;
    return chunk([part]);
  };

  return {
    start: () => '',
    reasoning(text) {
      completion += 1;
      reasoning += 1;
      return includeThoughts ? chunk([{ text, thought: true }]) : '';
    },
    text(text) {
      completion += 1;
      return chunk([{ text }]);
    },
    toolCallStart({ name }) {
      const before = flushCall();
      calls += 1;
      pending = { name, argumentsJson: '' };
      return before;
    },
    toolCallArguments(text) {
      completion += 1;
      if (pending !== undefined) pending.argumentsJson += text;
      return '';
    },
    finish(reason) {
      finish = WORDS[reason];
      return flushCall();
    },
    usage: () => '',
    end() {
      const usage = usageOf(toldUsage(reply, script.usage));
      if (reply.finish === 'filter') return send(blockedOf(head, usage));
      return send(responseOf(head, [{ text: '', ...(calls === 0 ? signature : {}) }], finish, usage));
    },
    error: (status) => dataEvent(writeGeminiError(status, 'The sandbox was told to fail.')),
  };
};
