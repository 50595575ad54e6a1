// A lab that speaks Cohere's chat, with a model that thinks and signs nothing. https://docs.cohere.com/docs/reasoning
import { cohere } from '../../cohere/cohere.js';
import type { Reply, Step } from '../script.js';
import { argumentsOf, dataEvents, halves, type Asked, type Json, type Lab } from '../sides.js';

const idOf = ({ key }: Reply, at: number): string => `see_${key}_${at}`;

const textOf = (text: string): Json => ({ type: 'text', text });
const imageOf = (base64: string): Json => ({
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${base64}` },
});

const messageOf = (reply: Reply, asked?: Asked): { role: string; content?: Json[]; tool_calls?: Json[] } => {
  const { thought, text, calls } = reply;
  const content = [
    ...(thought === undefined ? [] : [{ type: 'thinking', thinking: thought }]),
    ...(text === undefined ? [] : [textOf(text)]),
  ];
  const called = calls.map(({ name, argumentsJson }, at) => ({
    id: idOf(reply, at),
    type: 'function',
    function: { name, arguments: asked === undefined ? argumentsJson : argumentsOf(argumentsJson, asked.traits) },
  }));
  return {
    role: 'assistant',
    ...(content.length === 0 ? {} : { content }),
    ...(called.length === 0 ? {} : { tool_calls: called }),
  };
};

const expectedOf = (step: Step, asked: Asked): Json[] => {
  switch (step.role) {
    case 'system':
      return [{ role: 'system', content: [textOf(step.text)] }];
    case 'user':
      return [{ role: 'user', content: [textOf(step.text), imageOf(step.image)] }];
    case 'assistant':
      return [{ ...messageOf(step.reply, asked) }];
    case 'tool': {
      const shown = step.results.flatMap(({ image }) => (image === undefined ? [] : [imageOf(image)]));
      const messages = step.results.map(({ text }, at) => ({
        role: 'tool',
        tool_call_id: idOf(step.of, at),
        content: [textOf(text)],
      }));
      return shown.length === 0 ? messages : [...messages, { role: 'user', content: shown }];
    }
  }
};

const usage = { billed_units: { input_tokens: 9, output_tokens: 3 }, tokens: { input_tokens: 9, output_tokens: 3 } };
const reasonOf = ({ calls }: Reply): string => (calls.length > 0 ? 'TOOL_CALL' : 'COMPLETE');

const contentEvents = (part: Json, index: number): Json[] => {
  const member = part['type'] === 'thinking' ? 'thinking' : 'text';
  return [
    { type: 'content-start', index, delta: { message: { content: { type: part['type'], [member]: '' } } } },
    ...halves(String(part[member])).map((piece) => ({
      type: 'content-delta',
      index,
      delta: { message: { content: { [member]: piece } } },
    })),
    { type: 'content-end', index },
  ];
};

const callEvents = (call: Json, index: number): Json[] => {
  const { name, arguments: whole } = call['function'] as { name: string; arguments: string };
  const pieces = halves(whole).map((piece) => ({
    type: 'tool-call-delta',
    index,
    delta: { message: { tool_calls: { function: { arguments: piece } } } },
  }));
  const start = { id: call['id'], type: 'function', function: { name, arguments: '' } };
  return [
    { type: 'tool-call-start', index, delta: { message: { tool_calls: start } } },
    ...pieces,
    { type: 'tool-call-end', index },
  ];
};

const streamOf = (reply: Reply): string => {
  const { content = [], tool_calls: calls = [] } = messageOf(reply);
  return dataEvents([
    { type: 'message-start', id: `c-${reply.key}`, delta: { message: { role: 'assistant', content: [] } } },
    ...content.flatMap(contentEvents),
    ...calls.flatMap(callEvents),
    { type: 'message-end', delta: { finish_reason: reasonOf(reply), usage } },
  ]);
};

export const cohereLab: Lab = {
  name: 'cohere',
  dialect: cohere,
  quirks: { thinks: true },
  expected: (steps, asked) => steps.flatMap((step) => expectedOf(step, asked)),
  // A text alone may be a string.
  messagesOf: ({ messages }) =>
    (messages as Json[]).map((message) =>
      typeof message['content'] === 'string' ? { ...message, content: [textOf(message['content'])] } : message,
    ),
  answer: (reply, stream) =>
    Buffer.from(
      stream
        ? streamOf(reply)
        : JSON.stringify({ id: `c-${reply.key}`, message: messageOf(reply), finish_reason: reasonOf(reply), usage }),
    ),
};
