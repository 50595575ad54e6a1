// Which plugins a request may ask for, what each becomes, and that none is passed over in silence, in every dialect that has them.
import { anthropicMessages } from '../anthropic-messages/anthropic-messages.js';
import type { ChatRequest } from '../openai-chat/chat-request.js';
import { openAiChat } from '../openai-chat/openai-chat.js';
import { openAiResponses } from '../openai-responses/openai-responses.js';
import { readPlugins, type PluginTerms } from './read-plugins.js';

const json: PluginTerms = { stream: false, wantsJson: true };
const read = (body: object, terms = json) => readPlugins({ ...body }, terms);
const pluginsOf = (plugins: unknown, terms = json) => read({ plugins }, terms).plugins;

describe('plugins', () => {
  it.each<[string, object, object]>([
    ['none', {}, { healing: false, compression: 'small-endpoints', pdf: 'as-needed' }],
    ['null', { plugins: null, transforms: null }, { healing: false, compression: 'small-endpoints', pdf: 'as-needed' }],
    ['an empty list', { plugins: [] }, { healing: false, compression: 'small-endpoints' }],
    ['healing', { plugins: [{ id: 'response-healing' }] }, { healing: true }],
    ['healing, switched off', { plugins: [{ id: 'response-healing', enabled: false }] }, { healing: false }],
    ['compression', { plugins: [{ id: 'context-compression', engine: 'middle-out' }] }, { compression: 'always' }],
    ['no compression', { plugins: [{ id: 'context-compression', enabled: false }] }, { compression: 'never' }],
    ['the older word for compression', { transforms: ['middle-out'] }, { compression: 'always' }],
    ['the older word for none', { transforms: [] }, { compression: 'never' }],
    [
      'both words, of which the newer counts',
      { transforms: ['middle-out'], plugins: [{ id: 'context-compression', enabled: false }] },
      { compression: 'never' },
    ],
    ['a parser', { plugins: [{ id: 'file-parser' }] }, { pdf: 'as-needed' }],
    ['text of PDFs', { plugins: [{ id: 'file-parser', pdf: { engine: 'pdf-text' } }] }, { pdf: 'text' }],
    ['PDFs as they are', { plugins: [{ id: 'file-parser', pdf: { engine: 'native' } }] }, { pdf: 'native' }],
    ['no parser', { plugins: [{ id: 'file-parser', enabled: false, pdf: {} }] }, { pdf: 'native' }],
  ])('%s', (_, body, expected) => {
    expect(read(body).plugins).toMatchObject(expected);
  });

  it.each<[string, object, string, string]>([
    ['an id that nobody knows', { plugins: [{ id: 'telepathy' }] }, 'plugins[0].id', '"telepathy"'],
    ['no id', { plugins: [{}] }, 'plugins[0].id', 'received undefined'],
    ['no list', { plugins: { id: 'web' } }, 'plugins', 'Expected array'],
    ['a string in the list', { plugins: ['web'] }, 'plugins[0]', 'Expected object'],
    ['one twice', { plugins: [{ id: 'web', enabled: false }, { id: 'web' }] }, 'plugins[1].id', 'more than once'],
    ['too many', { plugins: Array.from({ length: 33 }, () => ({ id: 'web' })) }, 'plugins', 'at most 32'],
    ['a web search', { plugins: [{ id: 'file-parser' }, { id: 'web' }] }, 'plugins[1].id', "'web' is not served here"],
    ['moderation', { plugins: [{ id: 'moderation' }] }, 'plugins[0].id', "'moderation' is not served here"],
    [
      'a switch that is none',
      { plugins: [{ id: 'response-healing', enabled: 'yes' }] },
      'plugins[0].enabled',
      'string',
    ],
    [
      'an engine of compression that nobody knows',
      { plugins: [{ id: 'context-compression', engine: 'head-in' }] },
      'plugins[0].engine',
      '"head-in"',
    ],
    [
      "an engine that is the reference's own service",
      { plugins: [{ id: 'file-parser', pdf: { engine: 'mistral-ocr' } }] },
      'plugins[0].pdf.engine',
      "'mistral-ocr' is not served here",
    ],
    [
      'an engine that nobody knows',
      { plugins: [{ id: 'file-parser', pdf: { engine: 'eyes' } }] },
      'plugins[0].pdf.engine',
      '"eyes"',
    ],
    ['a transform that nobody knows', { transforms: ['caesar'] }, 'transforms[0]', '"caesar"'],
    ['a transform that is null', { transforms: [null] }, 'transforms[0]', 'received null'],
    ['transforms that are no list', { transforms: 'middle-out' }, 'transforms', 'Expected array'],
  ])('%s is refused, and the refusal names it', (_, body, field, says) => {
    expect(() => read(body)).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        details: { field },
        message: expect.stringContaining(says) as string,
      }),
    );
  });

  it.each<[string, object, string]>([
    ['of a plugin', { id: 'response-healing', strength: 11 }, 'plugins[0]'],
    ['of its settings', { id: 'file-parser', pdf: { engine: 'native', pages: 3 } }, 'plugins[0].pdf'],
  ])('an unknown member %s is refused', (_, plugin, field) => {
    expect(() => pluginsOf([plugin])).toThrow(
      expect.objectContaining({ code: 'unknown_parameter', details: { field } }),
    );
  });

  it('what is not served may stand there switched off', () => {
    const off = ['web', 'web-fetch', 'moderation', 'fusion', 'auto-router'].map((id) => ({ id, enabled: false }));
    expect(read({ plugins: off }).warnings).toEqual([]);
  });

  it('settings of models that choose models are warned about, whatever they are', () => {
    expect(read({ plugins: [{ id: 'auto-router', cost_tier: 'low', allowed_models: ['a/*'] }] }).warnings).toEqual([
      expect.objectContaining({ code: 'unsupported-parameter', field: 'plugins' }),
    ]);
  });

  it.each<[string, PluginTerms]>([
    ['on a stream', { stream: true, wantsJson: true }],
    ['where no JSON was asked for', { stream: false, wantsJson: false }],
  ])('healing %s is not done, and warned about', (_, terms) => {
    const { plugins, warnings } = read({ plugins: [{ id: 'response-healing' }] }, terms);
    expect(plugins.healing).toBe(false);
    expect(warnings).toContainEqual(expect.objectContaining({ code: 'unsupported-parameter', field: 'plugins' }));
  });
});

const options = { hash: (text: string) => `#${text.length}` };
const say = [{ role: 'user', content: 'hi' }];

describe.each<[string, (body: object) => ChatRequest, object, object]>([
  [
    'chat completions',
    (body) => openAiChat.readRequest(Buffer.from(JSON.stringify(body)), options),
    { model: 'm', messages: say },
    { response_format: { type: 'json_object' } },
  ],
  [
    'Messages',
    (body) => anthropicMessages.readRequest(Buffer.from(JSON.stringify(body)), options),
    { model: 'm', messages: say, max_tokens: 9 },
    { output_config: { format: { type: 'json_schema', schema: {} } } },
  ],
  [
    'Responses',
    (body) => openAiResponses.readRequest(Buffer.from(JSON.stringify(body)), options),
    { model: 'm', input: say },
    { text: { format: { type: 'json_object' } } },
  ],
])('a request of %s', (_, readRequest, base, wantsJson) => {
  const plugins = [{ id: 'response-healing' }, { id: 'context-compression' }];

  it('tells its plugins', () => {
    expect(readRequest({ ...base, ...wantsJson, plugins }).plugins).toEqual({
      healing: true,
      compression: 'always',
      pdf: 'as-needed',
    });
    expect(readRequest({ ...base, plugins }).plugins?.healing).toBe(false);
    expect(readRequest({ ...base, ...wantsJson, plugins, stream: true }).plugins?.healing).toBe(false);
  });

  it('is refused for one that is not known', () => {
    expect(() => readRequest({ ...base, plugins: [{ id: 'x' }] })).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: { field: 'plugins[0].id' } }),
    );
  });
});
