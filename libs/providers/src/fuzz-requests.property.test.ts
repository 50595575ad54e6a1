// Whatever the edge lets through can be asked of every provider, or is refused in our words: requests spoilt in a fixed number of runs with a fixed seed.
import { hash } from 'node:crypto';
import { WaystationError } from '@waystation/contracts';
import { anthropicMessages, openAiChat, openAiResponses, type PublicDialect } from '@waystation/dialects';
import { diceOf, spoilJson, type Dice } from '@waystation/testing';
import { fitCall } from './fit-call.js';
import { PROVIDER_DIALECTS, findProviderDialect } from './registry.js';
import type { Quirks } from './spec.js';

const SEED = 20_261_126;
const RUNS = 600;

const schema = { type: 'object', properties: { a: { type: ['string', 'null'], enum: ['x', null] } }, required: ['a'] };

const GOOD: readonly (readonly [PublicDialect, string])[] = [
  [
    openAiChat,
    JSON.stringify({
      model: 'a/b',
      messages: [
        { role: 'system', content: 'be short' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'look', cache_control: { type: 'ephemeral', ttl: '1h' } },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' } },
          ],
        },
        {
          role: 'assistant',
          content: 'so',
          reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 's', format: 'anthropic-claude-v1' }],
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: schema, strict: true } }],
      tool_choice: 'auto',
      response_format: { type: 'json_schema', json_schema: { name: 's', schema, strict: true } },
      reasoning: { effort: 'high' },
      max_tokens: 100,
      temperature: 0.5,
      top_k: 3,
      stop: ['x'],
      seed: 7,
    }),
  ],
  [
    openAiResponses,
    JSON.stringify({
      model: 'a/b',
      instructions: 'be short',
      input: [
        { role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'e' },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'a cat' },
      ],
      tools: [{ type: 'function', name: 'f', parameters: schema, strict: true }],
      text: { format: { type: 'json_schema', name: 's', schema } },
      reasoning: { effort: 'low', summary: 'auto' },
      max_output_tokens: 100,
    }),
  ],
  [
    anthropicMessages,
    JSON.stringify({
      model: 'a/b',
      max_tokens: 100,
      system: [{ type: 'text', text: 'be short', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 's' },
            { type: 'tool_use', id: 'c', name: 'f', input: { a: 1 } },
          ],
        },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c', content: 'a cat' }] },
      ],
      tools: [{ name: 'f', input_schema: schema }],
      thinking: { type: 'enabled', budget_tokens: 50 },
    }),
  ],
];

/** What makes dialects take another way, each with some of the runs. */
const QUIRKS: readonly Quirks[] = [
  {},
  { family: 'claude' },
  { family: 'nova' },
  { marksCache: true, thoughtField: 'reasoning_content', developerRole: true },
  { reasoningStyle: 'object', thoughtField: 'reasoning_details' },
];

/** False where it was refused in our words. */
const taken = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WaystationError)) throw error;
    if (error.row.status < 400 || error.row.status > 499) throw new Error(`refused with ${error.row.status}`);
    return undefined;
  }
};

const spoilt = (text: string, dice: Dice): Buffer => {
  for (let times = 1 + dice(2); times > 0; times -= 1) text = spoilJson(text, dice);
  return Buffer.from(text);
};

it.each(GOOD.map(([dialect, text]) => [dialect.name, dialect, text] as const))(
  'a request of %s that was taken is asked of every provider, or refused',
  (_, dialect, text) => {
    let asked = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const dice = diceOf(SEED * 1_000 + run);
      const bytes = spoilt(text, dice);
      const options = { hash: (told: string) => hash('sha256', told) };
      if (taken(() => dialect.readRequest(bytes, options)) === undefined) continue;
      const reading = taken(() => dialect.readCall(bytes));
      if (reading === undefined) continue;
      const quirks = QUIRKS[dice(QUIRKS.length)] ?? {};
      for (const name of PROVIDER_DIALECTS) {
        const { translation, passthrough } = findProviderDialect(name) ?? {};
        try {
          if (translation !== undefined) {
            const { call } = fitCall(reading.call, { dropParameters: dice(2) === 0 ? [] : ['tools', 'stop'] });
            const built = taken(() => translation.buildRequest({ call, upstreamModel: 'm', quirks }));
            if (built !== undefined) {
              JSON.parse(built.body.toString());
              asked += 1;
            }
          }
          if (passthrough?.dialects.has(dialect.name) === true) {
            const { stream = false } = JSON.parse(bytes.toString()) as { stream?: boolean };
            const terms = { body: bytes, stream, upstreamModel: 'm', outputCap: 5, dropParameters: ['stop'], quirks };
            const passed = taken(() => passthrough.buildRequest(terms));
            if (passed !== undefined) JSON.parse(passed.body.toString());
          }
        } catch (error) {
          throw new Error(
            `run ${run} at ${name}: ${(error as Error).stack ?? ''}\n${bytes.toString().slice(0, 3_000)}`,
          );
        }
      }
    }
    expect(asked).toBeGreaterThan(RUNS);
    expect(Object.keys(Object.prototype)).toEqual([]);
  },
);
