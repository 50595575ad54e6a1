// The events of a streamed response: https://platform.openai.com/docs/api-reference/responses-streaming
// Numbered without a gap; items come one after the other, each whole again in its `done` events. What it used stands in the last event alone.
import type { Reply, ToolCall } from '../../reply/plan-reply.js';
import type { Script } from '../../script/script.js';
import type { AnswerHead, StreamEncoder } from '../dialect.js';
import { namedEvent } from '../frame.js';
import type { ResponseTerms } from './read-responses-call.js';
import {
  callItem,
  endedResponse,
  itemId,
  messageItem,
  reasoningItem,
  responseObject,
  textPart,
} from './write-response.js';

type Json = Readonly<Record<string, unknown>>;

type Open =
  | { readonly type: 'reasoning'; readonly id: string }
  | { readonly type: 'message'; readonly id: string; text: string }
  | { readonly type: 'call'; readonly id: string; readonly toolCall: ToolCall; text: string };

export const createResponseStreamEncoder = (
  head: AnswerHead,
  terms: ResponseTerms,
  reply: Reply,
  script: Script,
): StreamEncoder => {
  const output: Json[] = [];
  let sequence = -1;
  let open: Open | undefined;
  let started = false;

  const event = (type: string, members: Json): string => {
    sequence += 1;
    return namedEvent(type, JSON.stringify({ type, sequence_number: sequence, ...members }));
  };
  const place = (): Json => ({ item_id: open?.id, output_index: output.length });
  const part = (): Json => ({ ...place(), content_index: 0 });
  const summary = (): Json => ({ ...place(), summary_index: 0 });
  const added = (item: Json): string => event('response.output_item.added', { output_index: output.length, item });
  const done = (item: Json): string => {
    const said = event('response.output_item.done', { output_index: output.length, item });
    output.push(item);
    open = undefined;
    return said;
  };

  const close = (status = 'completed'): string => {
    switch (open?.type) {
      case undefined:
        return '';
      case 'reasoning': {
        const told = { type: 'summary_text', text: reply.reasoning };
        const summed = terms.summary
          ? event('response.reasoning_summary_text.done', { ...summary(), text: reply.reasoning }) +
            event('response.reasoning_summary_part.done', { ...summary(), part: told })
          : '';
        return summed + done(reasoningItem(open.id, reply, terms, true));
      }
      case 'message': {
        const { id, text } = open;
        return (
          event('response.output_text.done', { ...part(), text, logprobs: [] }) +
          event('response.content_part.done', { ...part(), part: textPart(text) }) +
          done(messageItem(id, status, text))
        );
      }
      case 'call': {
        const { id, toolCall, text } = open;
        return (
          event('response.function_call_arguments.done', { ...place(), arguments: text }) +
          done(callItem(id, status, toolCall, text))
        );
      }
      default: {
        const unreachable: never = open;
        return unreachable;
      }
    }
  };

  const openReasoning = (): string => {
    const before = close();
    const id = itemId(head, 'rs', output.length);
    const said = added(reasoningItem(id, reply, terms, false));
    open = { type: 'reasoning', id };
    return (
      before +
      said +
      (terms.summary
        ? event('response.reasoning_summary_part.added', { ...summary(), part: { type: 'summary_text', text: '' } })
        : '')
    );
  };
  const openMessage = (): string => {
    const before = close();
    const id = itemId(head, 'msg', output.length);
    const said = added(messageItem(id, 'in_progress', undefined));
    open = { type: 'message', id, text: '' };
    return before + said + event('response.content_part.added', { ...part(), part: textPart('') });
  };

  return {
    start() {
      started = true;
      const response = responseObject(head, terms, { status: 'in_progress' });
      return event('response.created', { response }) + event('response.in_progress', { response });
    },
    reasoning(delta) {
      const before = open?.type === 'reasoning' ? '' : openReasoning();
      return before + (terms.summary ? event('response.reasoning_summary_text.delta', { ...summary(), delta }) : '');
    },
    text(delta) {
      const before = open?.type === 'message' ? '' : openMessage();
      if (open?.type === 'message') open.text += delta;
      return before + event('response.output_text.delta', { ...part(), delta, logprobs: [] });
    },
    toolCallStart(toolCall) {
      const before = close();
      const id = itemId(head, 'fc', output.length);
      const said = added(callItem(id, 'in_progress', toolCall, ''));
      open = { type: 'call', id, toolCall, text: '' };
      return before + said;
    },
    toolCallArguments(delta) {
      if (open?.type === 'call') open.text += delta;
      return event('response.function_call_arguments.delta', { ...place(), delta });
    },
    finish: (reason) => close(reason === 'length' ? 'incomplete' : 'completed'),
    usage: () => '',
    end() {
      const response = endedResponse(head, terms, reply, script, output);
      return event(`response.${String(response['status'])}`, { response });
    },
    error(status) {
      const code = status === 429 ? 'rate_limit_exceeded' : 'server_error';
      const message = 'The sandbox was told to fail.';
      // Before there is a response there is none that could fail.
      if (!started) return event('error', { code, message, param: null });
      return event('response.failed', {
        response: responseObject(head, terms, { status: 'failed', error: { code, message } }),
      });
    },
  };
};
