// A lab that speaks Responses and keeps nothing: its reasoning is sealed. https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items
import { openaiResponses } from '../../openai-responses/openai-responses.js';
import { sealOf, type Reply, type Step } from '../script.js';
import { argumentsOf, halves, namedEvents, pick, type Asked, type Json, type Lab } from '../sides.js';

const idOf = ({ key }: Reply, at: number): string => `call_${key}_${at}`;

const itemsOf = (reply: Reply, asked?: Asked): Json[] => {
  const { key, thought, sealed, text, calls } = reply;
  const summary = thought === undefined ? [] : [{ type: 'summary_text', text: thought }];
  const encrypted = sealOf('responses', key, 'thought');
  return [
    ...(sealed ? [{ type: 'reasoning', id: `rs_${key}`, summary, encrypted_content: encrypted }] : []),
    ...(text === undefined ? [] : [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }]),
    ...calls.map(({ name, argumentsJson }, at) => ({
      type: 'function_call',
      call_id: idOf(reply, at),
      name,
      arguments: asked === undefined ? argumentsJson : argumentsOf(argumentsJson, asked.traits),
    })),
  ];
};

const textOf = (text: string): Json => ({ type: 'input_text', text });
const imageOf = (base64: string): Json => ({
  type: 'input_image',
  detail: 'auto',
  image_url: `data:image/png;base64,${base64}`,
});

const expectedOf = (step: Step, asked: Asked): Json[] => {
  switch (step.role) {
    case 'system':
      return asked.passes ? [] : [{ type: 'message', role: 'system', content: [textOf(step.text)] }];
    case 'user':
      return [{ type: 'message', role: 'user', content: [textOf(step.text), imageOf(step.image)] }];
    case 'assistant':
      return itemsOf(step.reply, asked);
    case 'tool':
      return step.results.map(({ text, image }, at) => ({
        type: 'function_call_output',
        call_id: idOf(step.of, at),
        output: image === undefined ? text : [textOf(text), imageOf(image)],
      }));
  }
};

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  reasoning: ['type', 'id', 'summary', 'encrypted_content', 'signature', 'format'],
  message: ['type', 'role', 'content'],
  function_call: ['type', 'call_id', 'name', 'arguments'],
  function_call_output: ['type', 'call_id', 'output'],
};

const seen = (item: Json): Json => {
  const picked = pick(item, ...(MEMBERS[String(item['type'])] ?? []));
  return item['role'] === 'assistant'
    ? { ...picked, content: (item['content'] as Json[]).map((part) => pick(part, 'type', 'text')) }
    : picked;
};

const responseOf = (reply: Reply, status: string, output: readonly Json[]): Json => ({
  id: `resp_${reply.key}`,
  object: 'response',
  created_at: 1,
  model: 'm',
  status,
  output,
  usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
});

const whole = (reply: Reply): Json[] =>
  itemsOf(reply).map((item, at) => ({ ...item, id: item['id'] ?? `it_${reply.key}_${at}`, status: 'completed' }));

const itemEvents = (item: Json, at: number): Json[] => {
  const where = { output_index: at, item_id: item['id'] };
  const added = (empty: Json): Json => ({
    type: 'response.output_item.added',
    output_index: at,
    item: { ...item, ...empty },
  });
  const done = { type: 'response.output_item.done', output_index: at, item };
  switch (item['type']) {
    case 'reasoning': {
      const [words] = item['summary'] as { text: string }[];
      const deltas = words === undefined ? [] : halves(words.text);
      const type = 'response.reasoning_summary_text.delta';
      return [
        added({ summary: [], encrypted_content: 'not yet' }),
        ...deltas.map((delta) => ({ type, ...where, summary_index: 0, delta })),
        done,
      ];
    }
    case 'message': {
      const [part] = item['content'] as { text: string }[];
      const type = 'response.output_text.delta';
      return [
        added({ content: [] }),
        ...halves(part?.text ?? '').map((delta) => ({ type, ...where, content_index: 0, delta })),
        done,
      ];
    }
    default: {
      const type = 'response.function_call_arguments.delta';
      return [
        added({ arguments: '' }),
        ...halves(String(item['arguments'])).map((delta) => ({ type, ...where, delta })),
        done,
      ];
    }
  }
};

const streamOf = (reply: Reply): string => {
  const items = whole(reply);
  const events: Json[] = [
    { type: 'response.created', response: responseOf(reply, 'in_progress', []) },
    ...items.flatMap(itemEvents),
    { type: 'response.completed', response: responseOf(reply, 'completed', items) },
  ];
  return namedEvents(events.map((event, at) => ({ ...event, sequence_number: at })));
};

export const responsesLab: Lab = {
  name: 'openai-responses',
  dialect: openaiResponses,
  quirks: {},
  expected: (steps, asked) => steps.flatMap((step) => expectedOf(step, asked)),
  messagesOf: ({ input }) => (input as Json[]).map(seen),
  answer: (reply, stream) =>
    Buffer.from(stream ? streamOf(reply) : JSON.stringify(responseOf(reply, 'completed', whole(reply)))),
};
