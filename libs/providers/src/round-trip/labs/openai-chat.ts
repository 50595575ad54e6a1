// Labs that speak chat completions. One wants its reasoning back in pieces, as OpenRouter does (https://openrouter.ai/docs/use-cases/reasoning-tokens); one at Azure takes none back.
import { azureOpenAi } from '../../azure-openai/azure-openai.js';
import { openaiChat } from '../../openai-chat/openai-chat.js';
import { sealOf, type Reply, type Step, type ToolResult } from '../script.js';
import { argumentsOf, dataEvents, halves, pick, type Asked, type Json, type Lab } from '../sides.js';

const idOf = ({ key }: Reply, at: number): string => `call_${key}.${at}`;

const detailsOf = (reply: Reply): Json[] => {
  const { key, thought, sealed, calls } = reply;
  const words = { type: 'reasoning.text', text: thought, id: null, format: 'anthropic-claude-v1', index: 0 };
  if (thought !== undefined && calls.length === 1) {
    // A model of Google's behind it: what the call is signed with goes by the call's id.
    const id = idOf(reply, 0);
    const signed = { type: 'reasoning.encrypted', data: sealOf('chat', key, 'call'), id, format: 'google-gemini-v1' };
    return [
      { ...words, format: 'google-gemini-v1' },
      { ...signed, index: 1 },
    ];
  }
  if (thought !== undefined) return [{ ...words, signature: sealOf('chat', key, 'thought') }];
  if (!sealed) return [];
  const data = sealOf('chat', key, 'hidden');
  return [{ type: 'reasoning.encrypted', data, id: `rs_${key}`, format: 'openai-responses-v1', index: 0 }];
};

const imageOf = (base64: string): Json => ({
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${base64}` },
});

interface Ways {
  readonly givesDetails: boolean;
  readonly marksCache: boolean;
}

const messageOf = (reply: Reply, ways: Ways, asked?: Asked): Json => {
  const details = ways.givesDetails ? detailsOf(reply) : [];
  const calls = reply.calls.map(({ name, argumentsJson }, at) => ({
    id: idOf(reply, at),
    type: 'function',
    function: { name, arguments: asked === undefined ? argumentsJson : argumentsOf(argumentsJson, asked.traits) },
  }));
  return {
    role: 'assistant',
    ...(reply.text === undefined ? {} : { content: reply.text }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
};

const resultsOf = (of: Reply, results: readonly ToolResult[], { passes }: Asked): Json[] => {
  const shown = passes ? [] : results.flatMap(({ image }) => (image === undefined ? [] : [imageOf(image)]));
  const messages = results.map(({ text, image }, at) => ({
    role: 'tool',
    tool_call_id: idOf(of, at),
    content: image === undefined || !passes ? text : [{ type: 'text', text }, imageOf(image)],
  }));
  return shown.length === 0 ? messages : [...messages, { role: 'user', content: shown }];
};

const expectedOf = (step: Step, ways: Ways, asked: Asked): Json[] => {
  switch (step.role) {
    case 'system': {
      const marked = asked.traits.cacheMarkers && (ways.marksCache || asked.passes);
      const part = { type: 'text', text: step.text, cache_control: { type: 'ephemeral', ttl: '1h' } };
      return [{ role: 'system', content: marked ? [part] : step.text }];
    }
    case 'user':
      return [{ role: 'user', content: [{ type: 'text', text: step.text }, imageOf(step.image)] }];
    case 'assistant':
      return [messageOf(step.reply, ways, asked)];
    case 'tool':
      return resultsOf(step.of, step.results, asked);
  }
};

/** Ids that are null and those that are absent say the same. */
const withoutNulls = (details: unknown): Json =>
  Array.isArray(details)
    ? {
        reasoning_details: (details as Json[]).map((detail, index) => ({ ...detail, id: detail['id'] ?? null, index })),
      }
    : {};

const bodyOf = (reply: Reply, ways: Ways, words: Json): Buffer => {
  const message = { content: null, ...messageOf(reply, ways), ...words };
  const choices = [{ index: 0, message, finish_reason: reply.calls.length > 0 ? 'tool_calls' : 'stop' }];
  const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
  return Buffer.from(
    JSON.stringify({ id: `c-${reply.key}`, object: 'chat.completion', created: 1, model: 'm', choices, usage }),
  );
};

const streamOf = (reply: Reply, ways: Ways, words: Json): Buffer => {
  const {
    content,
    reasoning_details: details = [],
    tool_calls: calls = [],
  } = messageOf(reply, ways) as {
    content?: string;
    reasoning_details?: Json[];
    tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  };
  const deltas: Json[] = [
    { role: 'assistant', content: '', ...words },
    ...details.map((detail) => ({ content: '', reasoning_details: [detail] })),
    ...(content === undefined ? [] : halves(content).map((piece) => ({ content: piece }))),
    ...calls.flatMap(({ id, function: called }, index) => [
      { tool_calls: [{ index, id, type: 'function', function: { name: called.name, arguments: '' } }] },
      ...halves(called.arguments).map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
  ];
  const head = { id: `c-${reply.key}`, object: 'chat.completion.chunk', created: 1, model: 'm' };
  const reason = calls.length > 0 ? 'tool_calls' : 'stop';
  const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
  return Buffer.from(
    dataEvents([
      ...deltas.map((delta) => ({ ...head, choices: [{ index: 0, delta, finish_reason: null }] })),
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: reason }] },
      { ...head, choices: [], usage },
    ]) + 'data: [DONE]\n\n',
  );
};

const labOf = (name: string, dialect: Lab['dialect'], quirks: Lab['quirks'], ways: Ways): Lab => ({
  name,
  dialect,
  quirks,
  expected: (steps, asked) => steps.flatMap((step) => expectedOf(step, ways, asked)),
  messagesOf: ({ messages }) =>
    (messages as Json[]).map((message) => ({
      ...pick(message, 'role', 'content', 'tool_calls', 'tool_call_id'),
      ...withoutNulls(message['reasoning_details']),
    })),
  answer: (reply, stream) => {
    const words = ways.givesDetails || reply.thought === undefined ? {} : { reasoning_content: reply.thought };
    return stream ? streamOf(reply, ways, words) : bodyOf(reply, ways, words);
  },
});

export const chatLab = labOf(
  'openai-chat',
  openaiChat,
  { thoughtField: 'reasoning_details', marksCache: true },
  { givesDetails: true, marksCache: true },
);
export const azureLab = labOf('azure-openai', azureOpenAi, {}, { givesDetails: false, marksCache: false });
