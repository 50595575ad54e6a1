import { createHash } from 'node:crypto';
import { jest } from '@jest/globals';
import { WaystationError, providerPreferences, routeFeatures } from '@waystation/contracts';
import fc from 'fast-check';
import { CHAT_PARAMETERS } from '../json/chat-fields.js';
import { readChatRequest } from './read-chat-request.js';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const read = (body: unknown, sessionHeader?: string) =>
  readChatRequest(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { hash, sessionHeader });

const messages = [{ role: 'user', content: 'Hello' }];
const base = { model: 'lab/small', messages };

/** [code, message] of the refusal. */
const refusal = (body: unknown): [string, string] => {
  try {
    read(body);
  } catch (error) {
    if (error instanceof WaystationError) return [error.code, error.message];
    throw error;
  }
  throw new Error('was not refused');
};

describe('a chat request that is refused says which field is wrong, what was expected and what came', () => {
  it.each([
    ['an empty body', '', 'malformed_json', 'The request body is empty; expected a JSON object.'],
    ['a body that is no object', '[1]', 'malformed_json', 'The request body is not a JSON object.'],
    [
      'half an object',
      '{"model":"a"',
      'malformed_json',
      'The request body is not valid JSON, or is nested deeper than 512 levels.',
    ],
    [
      'a control character in a string',
      '{"model":"a\u0001","messages":[]}',
      'malformed_json',
      'The request body is not valid JSON.',
    ],
    ['no messages', { model: 'a/b' }, 'invalid_request', 'messages: Invalid request: messages is required'],
    ['messages as text', { ...base, messages: 'hi' }, 'invalid_request', 'messages: Expected array, received string'],
    ['no message', { ...base, messages: [] }, 'invalid_request', 'messages: Array must contain at least 1 element(s)'],
    [
      'a message that is null',
      { ...base, messages: [null] },
      'invalid_request',
      'messages[0]: Expected object, received null',
    ],
    [
      'a wrong role',
      { ...base, messages: [{ role: 'boss', content: '' }] },
      'invalid_request',
      `messages[0].role: Expected 'system' | 'developer' | 'user' | 'assistant' | 'tool', received "boss"`,
    ],
    [
      'content of a user that is missing',
      { ...base, messages: [{ role: 'user' }] },
      'invalid_request',
      'messages[0].content: Expected string or array, received undefined',
    ],
    [
      'content that is a number',
      { ...base, messages: [{ role: 'user', content: 7 }] },
      'invalid_request',
      'messages[0].content: Expected string or array, received number',
    ],
    [
      'an image without a url',
      { ...base, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
      'invalid_request',
      'messages[0].content[0].image_url.url: Expected string, received undefined',
    ],
    [
      'a tool answer without its call',
      { ...base, messages: [{ role: 'tool', content: 'x' }] },
      'invalid_request',
      'messages[0].tool_call_id: Expected string, received undefined',
    ],
    ['a model that is a number', { ...base, model: 5 }, 'invalid_request', 'model: Expected string, received number'],
    ['models that are text', { ...base, models: 'a' }, 'invalid_request', 'models: Expected array, received string'],
    ['stream as text', { ...base, stream: 'true' }, 'invalid_request', 'stream: Expected boolean, received string'],
    [
      'max_tokens of zero',
      { ...base, max_tokens: 0 },
      'invalid_request',
      'max_tokens: Number must be greater than or equal to 1, received 0',
    ],
    [
      'max_tokens as text',
      { ...base, max_tokens: '5' },
      'invalid_request',
      'max_tokens: Expected number, received string',
    ],
    [
      'max_tokens with a fraction',
      { ...base, max_tokens: 1.5 },
      'invalid_request',
      'max_tokens: Expected integer, received 1.5',
    ],
    [
      'too many completions',
      { ...base, n: 129 },
      'invalid_request',
      'n: Number must be less than or equal to 128, received 129',
    ],
    [
      'temperature as text',
      { ...base, temperature: 'hot' },
      'invalid_request',
      'temperature: Expected number, received string',
    ],
    [
      'a stop list with a number in it',
      { ...base, stop: [1] },
      'invalid_request',
      'stop: [0] Expected string, received number',
    ],
    [
      'more stops than the reference takes',
      { ...base, stop: ['a', 'b', 'c', 'd', 'e'] },
      'invalid_request',
      'stop: Array must contain at most 4 element(s), received 5',
    ],
    [
      'a bias beyond its range',
      { ...base, logit_bias: { '50256': -101 } },
      'invalid_request',
      'logit_bias: ["50256"] Number must be greater than or equal to -100, received -101',
    ],
    ...(
      [
        ['temperature', 0, 2],
        ['top_p', 0, 1],
        ['min_p', 0, 1],
        ['top_a', 0, 1],
        ['frequency_penalty', -2, 2],
        ['presence_penalty', -2, 2],
        ['repetition_penalty', 0, 2],
        ['top_logprobs', 0, 20],
      ] as const
    ).flatMap(([field, min, max]): [string, object, 'invalid_request', string][] => [
      [
        `${field} above its range`,
        { ...base, [field]: max + 1 },
        'invalid_request',
        `${field}: Number must be less than or equal to ${max}, received ${max + 1}`,
      ],
      [
        `${field} below its range`,
        { ...base, [field]: min - 1 },
        'invalid_request',
        `${field}: Number must be greater than or equal to ${min}, received ${min - 1}`,
      ],
    ]),
    [
      'a tool without a name',
      { ...base, tools: [{ type: 'function', function: {} }] },
      'invalid_request',
      'tools: [0] function.name: Expected string, received undefined',
    ],
    [
      'two efforts that differ',
      { ...base, reasoning: { effort: 'low' }, reasoning_effort: 'high' },
      'invalid_request',
      "reasoning_effort: 'high' differs from reasoning.effort 'low'; send one of them",
    ],
    [
      'metadata that is too much',
      { ...base, metadata: { k: 'x'.repeat(513) } },
      'invalid_request',
      'metadata: keys have at most 64 characters, values are strings of at most 512',
    ],
    [
      'a session id that is too long',
      { ...base, session_id: 's'.repeat(257) },
      'invalid_request',
      'session_id: String must contain at most 256 character(s), received 257',
    ],
    [
      'provider as text',
      { ...base, provider: 'openai' },
      'invalid_request',
      'provider: Expected object, received string',
    ],
    [
      'a misspelt key inside provider',
      { ...base, provider: { Require_Parameters: true } },
      'unknown_parameter',
      "Unrecognized key(s) in object: 'Require_Parameters'",
    ],
    [
      'a prototype inside provider',
      `{"model":"a/b","messages":[{"role":"user","content":""}],"provider":{"__proto__":{"zdr":false}}}`,
      'unknown_parameter',
      "Unrecognized key(s) in object: '__proto__'",
    ],
    [
      'a wrong word inside provider',
      { ...base, provider: { data_collection: 'never' } },
      'invalid_request',
      `provider.data_collection: Invalid enum value. Expected 'deny' | 'allow', received "never"`,
    ],
    [
      'an unknown key inside sort',
      { ...base, provider: { sort: { by: 'price', order: 1 } } },
      'unknown_parameter',
      "Unrecognized key(s) in object: 'order'",
    ],
    [
      'a price that is no amount',
      { ...base, provider: { max_price: { prompt: 'cheap' } } },
      'invalid_request',
      'provider.max_price.prompt: Expected a price in USD, as a decimal number or text, received "cheap"',
    ],
    [
      'a negative price',
      { ...base, provider: { max_price: { prompt: -1 } } },
      'invalid_request',
      'provider.max_price.prompt: Expected a price in USD, as a decimal number or text, received number',
    ],
    [
      'a field that stands there twice',
      '{"model":"a/b","messages":[{"role":"user","content":""}],"model":"c/d"}',
      'invalid_request',
      'model: the field stands in the body more than once',
    ],
    [
      'a field that stands there twice among many',
      `{"model":"a/b","messages":[{"role":"user","content":""}],${CHAT_PARAMETERS.map((name) => `"${name}":null`).join(',')},"seed":2}`,
      'invalid_request',
      'seed: the field stands in the body more than once',
    ],
  ])('%s', (_name, body, code, message) => {
    expect(refusal(body)).toEqual([code, message]);
  });

  it('quotes long and many-lined values shortly and on one line', () => {
    const [, message] = refusal({ ...base, messages: [{ role: `a\nb${'x'.repeat(10_000)}`, content: '' }] });
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(300);
  });

  it.each([
    ['closed', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['never closed', `{"a":${'['.repeat(10_000_000)}`],
    ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ])('nesting of 10⁵ levels and more (%s), before any of it is built', (_name, body) => {
    const bytes = Buffer.from(body);
    const parse = jest.spyOn(JSON, 'parse');
    try {
      expect(() => readChatRequest(bytes, { hash })).toThrow('nested deeper than 512');
      expect(parse).not.toHaveBeenCalled();
      read(base);
      expect(parse).toHaveBeenCalledTimes(1);
    } finally {
      parse.mockRestore();
    }
  });
});

describe('a chat request that is taken', () => {
  it('keeps models in order, each once, with their variants', () => {
    expect(read({ ...base, model: 'a/b:free', models: ['c/d:nitro', 'a/b:free'] }).models).toEqual([
      'a/b:free',
      'c/d:nitro',
    ]);
    expect(read({ messages }).models).toEqual([]);
  });

  it('tolerates unknown top-level fields and nulls', () => {
    const request = read({
      ...base,
      raw_mode: true,
      temperature: null,
      stream: null,
      provider: null,
      user: null,
      n: null,
    });
    expect(request.stream).toBe(false);
    expect(request.preferences).toEqual({});
    expect(request.features.parameters).toEqual([]);
    expect(request.choices).toBe(1);
  });

  it('does not read fields out of a prototype', () => {
    expect(refusal('{"__proto__":{"messages":[{"role":"user","content":"x"}]},"model":"a/b"}')).toEqual([
      'invalid_request',
      'messages: Invalid request: messages is required',
    ]);
  });

  it('maps preferences, prices to whole picodollars per token', () => {
    const provider = {
      order: ['Google Vertex', 'deepinfra/turbo'],
      only: ['OpenAI'],
      ignore: null,
      allow_fallbacks: false,
      require_parameters: true,
      data_collection: 'deny',
      zdr: true,
      quantizations: ['fp8'],
      sort: 'throughput',
      max_price: { prompt: 0.15, completion: '0.60', request: 1e-7, image: '0.0001' },
      preferred_min_throughput: 40,
      preferred_max_latency: { p90: 1.5 },
    };
    providerPreferences.parse(read({ ...base, provider }).preferences);
    expect(read({ ...base, provider }).preferences).toEqual({
      order: ['google-vertex', 'deepinfra/turbo'],
      only: ['openai'],
      allowFallbacks: false,
      requireParameters: true,
      dataCollection: 'deny',
      zdr: true,
      quantizations: ['fp8'],
      sort: { by: 'throughput' },
      maxPrice: { prompt: '150000', completion: '600000', request: '100000', image: '100000000' },
      preferredMinThroughput: { p50: 40 },
      preferredMaxLatency: { p90: 1.5 },
    });
    expect(read({ ...base, provider: { sort: { by: 'price', partition: 'none' } } }).preferences).toEqual({
      sort: { by: 'price', partition: 'none' },
    });
    expect(read({ ...base, route: 'sort', provider: { sort: 'price' } }).preferences).toEqual({
      sort: { by: 'price', partition: 'none' },
    });
    expect(
      read({ ...base, route: 'sort', provider: { sort: { by: 'price', partition: 'model' } } }).preferences,
    ).toEqual({ sort: { by: 'price', partition: 'model' } });
    for (const silent of [{ route: 'sort' }, { provider: { sort: { by: null, partition: 'none' } } }])
      expect(read({ ...base, ...silent }).preferences).toEqual({ sort: { partition: 'none' } });
    expect(read({ ...base, route: 'fallback' }).preferences).toEqual({});
    expect(read({ ...base, provider: { enforce_distillable_text: true } }).preferences).toEqual({
      enforceDistillableText: true,
    });
  });

  it('tells routing what the request needs, and none of its text', () => {
    const secret = 'canary-7f3a';
    const request = read({
      ...base,
      messages: [
        { role: 'system', content: secret },
        {
          role: 'user',
          content: [
            { type: 'text', text: secret },
            { type: 'image_url', image_url: { url: `https://example.com/${secret}` } },
          ],
        },
      ],
      tools: [{ type: 'function', function: { name: secret } }],
      response_format: { type: 'json_schema', json_schema: { name: secret } },
      max_tokens: 10,
      max_completion_tokens: 20,
      temperature: 0,
      stop: [],
      user: 'someone',
      stream: true,
    });
    expect(routeFeatures.parse(request.features)).toMatchObject({
      api: 'chat',
      dialect: 'openai-chat',
      stream: true,
      maxOutputTokens: 20,
      parameters: [
        'tools',
        'response_format',
        'max_tokens',
        'max_completion_tokens',
        'temperature',
        'structured_outputs',
      ],
      inputModalities: ['text', 'image'],
      outputModalities: ['text'],
      toolCount: 1,
      messageCount: 2,
    });
    expect(request.endUserId).toBe('someone');
    expect(JSON.stringify(request)).not.toContain(secret);
  });

  it('names a conversation by session id, then header, then cache key, then its opening', () => {
    const of = (body: object, header?: string) => read({ ...base, ...body }, header).features.conversation;
    expect(of({ session_id: 's' }, 'h')).toBe(hash('session:s'));
    expect(of({ prompt_cache_key: 'k' }, 'h')).toBe(hash('session:h'));
    expect(of({ prompt_cache_key: 'k' })).toBe(hash('cache:k'));
    const opening = [
      { role: 'system', content: 'S' },
      { role: 'user', content: 'U' },
    ];
    const later = [...opening, { role: 'assistant', content: 'A' }, { role: 'user', content: 'V' }];
    expect(of({ messages: later })).toBe(of({ messages: opening }));
    expect(of({ messages: [{ role: 'user', content: 'U' }] })).not.toBe(of({ messages: opening }));
  });

  it('finds the fields that a worker may edit', () => {
    const body = '{ "model" : "a/b", "messages":[{"role":"user","content":"x"}],"stream":true, "provider":{},"raw":1}';
    const request = read(body);
    expect(request.spans.map((span) => [span.key, body.slice(span.valueStart, span.valueEnd)])).toEqual([
      ['model', '"a/b"'],
      ['stream', 'true'],
      ['provider', '{}'],
    ]);
  });

  it('warns of what has no effect', () => {
    expect(read({ ...base, max_tool_calls: 3, plugins: [] }).warnings).toEqual([
      { code: 'unsupported-parameter', message: 'max_tool_calls has no effect here.', field: 'max_tool_calls' },
    ]);
  });
});

describe('the bound on the prompt', () => {
  /** Fewer bytes for a text than this cannot be: UTF-8 without escapes. */
  it('is never below the bytes of all text, however it is escaped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (texts, escaped) => {
          let body = JSON.stringify({ ...base, messages: texts.map((content) => ({ role: 'user', content })) });
          if (escaped)
            body = body.replace(
              /[\u0080-\uffff]/g,
              (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
            );
          const bytes = texts.reduce((total, text) => total + Buffer.byteLength(text), 0);
          expect(read(body).inputTokensMax).toBeGreaterThanOrEqual(bytes + 16 * texts.length);
        },
      ),
    );
  });

  it('does not count media as text in the estimate, and is open where content is only referred to', () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(400_000)}` } };
    const inlined = read({ ...base, messages: [{ role: 'user', content: [image] }] });
    expect(inlined.features.inputTokensEstimate).toBeLessThan(2_000);
    expect(inlined.inputTokensMax).toBeGreaterThan(400_000);
    const file = { type: 'file', file: { file_id: 'f' } };
    expect(read({ ...base, messages: [{ role: 'user', content: [file] }] }).inputTokensMax).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});

describe('any bytes', () => {
  it('are read or refused with an error of the table, never anything else', () => {
    const anything = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({
          model: fc.jsonValue(),
          messages: fc.array(fc.record({ role: fc.constantFrom('user', 'tool', 7), content: fc.jsonValue() })),
          provider: fc.jsonValue(),
          n: fc.jsonValue(),
          tools: fc.jsonValue(),
        })
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          readChatRequest(bytes, { hash });
        } catch (error) {
          expect(error).toBeInstanceOf(WaystationError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
