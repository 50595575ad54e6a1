// What a preset makes of a request in each dialect: the request's own words stand, tools are united, and what was said in a dialect reads back in it.
import fc from 'fast-check';
import { applyPreset } from './apply-preset.js';
import { presetInModel } from './preset-name.js';
import { readSettings, writeSettings, type Json, type PresetDialect } from './preset-words.js';

const messages = [{ role: 'user', content: 'hi' }];
const tool = (name: string, description = name) => ({
  type: 'function',
  function: { name, description, parameters: {} },
});

describe('a preset', () => {
  it.each<[string, PresetDialect, Json, { config: Json; systemPrompt?: string }, Json]>([
    [
      'gives what the request does not say',
      'openai-chat',
      { model: '@preset/x', messages },
      { config: { model: 'lab/small', temperature: 0.5, cache_enabled: true }, systemPrompt: 'Be brief.' },
      { model: 'lab/small', temperature: 0.5, messages: [{ role: 'system', content: 'Be brief.' }, ...messages] },
    ],
    [
      'gives way to what the request says',
      'openai-chat',
      {
        model: 'lab/big',
        preset: 'x',
        temperature: 0,
        top_p: null,
        messages: [{ role: 'system', content: 'Own.' }, ...messages],
      },
      { config: { model: 'lab/small', temperature: 0.5, top_p: 0.9 }, systemPrompt: 'Be brief.' },
      { model: 'lab/big', temperature: 0, top_p: 0.9, messages: [{ role: 'system', content: 'Own.' }, ...messages] },
    ],
    [
      'gives way to a model before it, and to the other word for the most tokens',
      'openai-chat',
      { model: 'lab/big@preset/x', max_completion_tokens: 5, messages },
      { config: { model: 'lab/small', max_tokens: 100 } },
      { model: 'lab/big', max_completion_tokens: 5, messages },
    ],
    [
      'unites tools in its order, each as the request says it',
      'openai-chat',
      { preset: 'x', messages, tools: [tool('c'), tool('a', 'own')] },
      { config: { tools: [tool('a'), tool('b'), { type: 'openrouter:datetime' }] } },
      { messages, tools: [tool('a', 'own'), tool('b'), { type: 'openrouter:datetime' }, tool('c')] },
    ],
    [
      'is told in the words of Messages',
      'anthropic-messages',
      { model: '@preset/x', messages },
      {
        config: { model: 'a/b', max_tokens: 9, stop: 'x', tools: [tool('a')], tool_choice: 'required' },
        systemPrompt: 'S',
      },
      {
        ...{ model: 'a/b', max_tokens: 9, stop_sequences: ['x'], tool_choice: { type: 'any' }, system: 'S', messages },
        tools: [{ name: 'a', description: 'a', input_schema: {} }],
      },
    ],
    [
      'is told in the words of Responses',
      'openai-responses',
      { preset: 'x', input: 'hi' },
      {
        config: { model: 'a/b', max_tokens: 9, tools: [tool('a')], response_format: { type: 'json_object' } },
        systemPrompt: 'S',
      },
      {
        ...{
          model: 'a/b',
          max_output_tokens: 9,
          text: { format: { type: 'json_object' } },
          instructions: 'S',
          input: 'hi',
        },
        tools: [{ type: 'function', name: 'a', description: 'a', parameters: {} }],
      },
    ],
  ])('%s', (_, dialect, request, preset, body) => {
    expect(JSON.parse(JSON.stringify(applyPreset(dialect, request, preset).body))).toEqual(body);
  });

  it('says which of its settings a dialect has no word for', () => {
    expect(applyPreset('anthropic-messages', { messages }, { config: { seed: 1, temperature: 0 } }).unsaid).toEqual([
      'seed',
    ]);
  });

  it('changes no field that the request says, whatever both say', () => {
    const value = fc.oneof(fc.integer(), fc.string(), fc.boolean());
    const field = fc.constantFrom('temperature', 'top_p', 'seed', 'stop', 'user', 'model', 'verbosity');
    fc.assert(
      fc.property(fc.dictionary(field, value), fc.dictionary(field, value), (request, config) => {
        fc.pre(presetInModel(request['model']) === undefined);
        expect(applyPreset('openai-chat', request, { config }).body).toMatchObject(request);
      }),
    );
  });
});

it.each<[PresetDialect, Json]>([
  ['openai-chat', { model: 'a/b', temperature: 1, tools: [tool('a')], tool_choice: 'auto', stop: ['x'] }],
  [
    'anthropic-messages',
    {
      ...{ model: 'a/b', max_tokens: 5, stop_sequences: ['x'], tool_choice: { type: 'tool', name: 'a' } },
      tools: [
        { name: 'a', input_schema: { type: 'object' } },
        { type: 'web_search_20250305', name: 'web_search' },
      ],
    },
  ],
  [
    'openai-responses',
    {
      ...{
        model: 'a/b',
        max_output_tokens: 5,
        tool_choice: { type: 'function', name: 'a' },
        reasoning: { effort: 'low' },
      },
      tools: [{ type: 'function', name: 'a', parameters: {} }],
      text: { format: { type: 'json_schema', name: 'n', schema: {} } },
    },
  ],
])('what was said in %s reads back as it was said', (dialect, said) => {
  expect(writeSettings(dialect, readSettings(dialect, said))).toEqual({ settings: said, unsaid: [] });
});

it.each([
  ['@preset/a', { slug: 'a', model: undefined }],
  ['lab/x:floor@preset/a-b', { slug: 'a-b', model: 'lab/x:floor' }],
  ['lab/x', undefined],
  [5, undefined],
])('%j names the preset %j', (model, named) => {
  expect(presetInModel(model)).toEqual(named);
});
