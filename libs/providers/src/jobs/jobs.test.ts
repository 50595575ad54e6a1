// What each provider is asked for embeddings and rerank, and what the client gets. Written from the pages that the dialects name.
import { cohereJobs } from '../cohere-jobs/cohere-jobs.js';
import { bedrockConverse } from '../bedrock-converse/bedrock-converse.js';
import { answered, askedFor, jobOf, jobRequest } from '../conformance/jobs.js';
import { jina } from '../jina/jina.js';
import { openaiChat } from '../openai-chat/openai-chat.js';
import type { Job } from '../spec.js';
import { voyage } from '../voyage/voyage.js';

const COHERE = { name: 'cohere', jobs: cohereJobs };

const EMBED: Readonly<Record<string, Job>> = {
  openai: jobOf(openaiChat, 'embeddings'),
  voyage: jobOf(voyage, 'embeddings'),
  jina: jobOf(jina, 'embeddings'),
  cohere: jobOf(COHERE, 'embeddings'),
};
const RANK: Readonly<Record<string, Job>> = {
  openai: jobOf(openaiChat, 'rerank'),
  voyage: jobOf(voyage, 'rerank'),
  jina: jobOf(jina, 'rerank'),
  cohere: jobOf(COHERE, 'rerank'),
};
const job = (jobs: Readonly<Record<string, Job>>, name: string): Job => {
  const found = jobs[name];
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};

const asked = {
  model: 'lab/vectors',
  models: ['lab/other'],
  provider: { order: ['lab'] },
  session_id: 's',
  input: ['one', 'two'],
  dimensions: 256,
  encoding_format: 'base64',
  input_type: 'search_query',
};
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };

describe('embeddings', () => {
  it.each<[string, object]>([
    [
      'openai',
      {
        path: '/embeddings',
        warned: ['input_type'],
        body: { model: 'm-1', input: ['one', 'two'], dimensions: 256, encoding_format: 'base64' },
      },
    ],
    [
      'voyage',
      {
        path: '/embeddings',
        warned: [],
        body: {
          model: 'm-1',
          input: ['one', 'two'],
          output_dimension: 256,
          encoding_format: 'base64',
          input_type: 'query',
        },
      },
    ],
    [
      'jina',
      {
        path: '/embeddings',
        warned: [],
        body: {
          model: 'm-1',
          input: ['one', 'two'],
          dimensions: 256,
          embedding_type: 'base64',
          task: 'retrieval.query',
        },
      },
    ],
    [
      'cohere',
      {
        path: '/embed',
        warned: [],
        body: {
          model: 'm-1',
          texts: ['one', 'two'],
          output_dimension: 256,
          embedding_types: ['base64'],
          input_type: 'search_query',
        },
      },
    ],
  ])('%s is asked in its own words', (name, expected) => {
    expect(askedFor(job(EMBED, name), asked)).toEqual(expected);
  });

  it.each<[string, object]>([
    ['openai', { model: 'm-1', input: 'one' }],
    ['voyage', { model: 'm-1', input: ['one'] }],
    ['jina', { model: 'm-1', input: ['one'] }],
    ['cohere', { model: 'm-1', texts: ['one'], embedding_types: ['float'], input_type: 'search_document' }],
  ])('%s is asked for nothing that the client did not ask for', (name, expected) => {
    expect(askedFor(job(EMBED, name), { model: 'a/b', input: 'one' }).body).toEqual(expected);
  });

  it.each(['voyage', 'jina', 'cohere'])('%s takes no tokens, and is not asked', (name) => {
    for (const input of [
      [1, 2],
      [[1], [2]],
    ])
      expect(() => job(EMBED, name)(jobRequest({ ...asked, input }))).toThrow(
        'input: the endpoint that would serve this takes text, not tokens.',
      );
  });

  it('tokens pass to who takes them, and the kind of input to who knows it', () => {
    expect(
      askedFor(
        job(EMBED, 'openai'),
        { ...asked, input: [[1], [2]] },
        { quirks: { takesInputType: true, embeddingsPath: '/v2/embeddings' } },
      ),
    ).toMatchObject({
      path: '/v2/embeddings',
      warned: [],
      body: { input: [[1], [2]], input_type: 'search_query' },
    });
  });

  it('tells what a provider has no word for', () => {
    for (const name of ['voyage', 'jina', 'cohere'])
      expect(askedFor(job(EMBED, name), { ...asked, truncation: true, user: 'u', metadata: null }).warned).toEqual([
        'truncation',
      ]);
    expect(askedFor(job(EMBED, 'cohere'), { model: 'a/b', input: 'x' }).warned).toEqual(['input_type']);
    expect(askedFor(job(EMBED, 'voyage'), { ...asked, input_type: 'clustering' }).warned).toEqual(['input_type']);
  });

  it('never tells who the end user is', () => {
    const fields = { model: 'a/b', input: 'x', user: 'alice@example.com' };
    expect(askedFor(job(EMBED, 'openai'), fields, { endUser: 'user-1' }).body).toEqual({
      model: 'm-1',
      input: 'x',
      user: 'user-1',
    });
    for (const name of ['openai', 'voyage', 'jina', 'cohere'])
      expect(JSON.stringify(askedFor(job(EMBED, name), fields).body)).not.toContain('alice');
  });

  it.each<[string, object]>([
    [
      'voyage',
      {
        path: '/multimodalembeddings',
        body: {
          model: 'm-1',
          inputs: [{ content: [{ type: 'image_base64', image_base64: 'data:image/png;base64,AAAA' }] }],
        },
      },
    ],
    ['jina', { path: '/embeddings', body: { model: 'm-1', input: [{ image: 'AAAA' }] } }],
    [
      'cohere',
      {
        path: '/embed',
        body: { model: 'm-1', inputs: [{ content: [image] }], embedding_types: ['float'], input_type: 'image' },
      },
    ],
  ])('%s is asked about images', (name, expected) => {
    const fields = {
      model: 'a/b',
      input: [{ content: [image] }],
      ...(name === 'cohere' ? { input_type: 'image' } : {}),
    };
    expect(askedFor(job(EMBED, name), fields)).toMatchObject(expected);
  });

  it('what a provider cannot embed is refused with the name of the part', () => {
    const audio = { type: 'input_audio', input_audio: { data: 'AA', format: 'mp3' } };
    const texts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    expect(() => job(EMBED, 'voyage')(jobRequest({ ...asked, input: [{ content: [image, audio] }] }))).toThrow(
      'input[0].content[1]: ',
    );
    expect(() => job(EMBED, 'jina')(jobRequest({ ...asked, input: [{ content: texts }] }))).toThrow(
      'input[0].content: ',
    );
  });

  const vectors = '{"object":"embedding","index":0,"embedding":[0.10,-2e-3]}';
  it.each<[string, string, object]>([
    [
      'openai',
      `{"object":"list","data":[${vectors}],"model":"m-1","usage":{"prompt_tokens":5,"total_tokens":5}}`,
      { input: 5 },
    ],
    ['voyage', `{"object":"list","data":[${vectors}],"model":"m-1","usage":{"total_tokens":5}}`, { input: 5 }],
    [
      'jina',
      `{"model":"m-1","object":"list","usage":{"total_tokens":5,"prompt_tokens":5},"data":[${vectors}]}`,
      { input: 5 },
    ],
  ])('%s: vectors pass as they were written, under our id and model', (name, answer, usage) => {
    const { reader, text } = answered(job(EMBED, name), asked, answer);
    expect(reader.report()).toEqual({ usage, usageSource: 'provider' });
    expect(text).toContain(vectors);
    expect(JSON.parse(text)).toMatchObject({
      id: 'gen-1700000000-abcdefghijABCDEFGHIJ',
      model: 'lab/small',
      object: 'list',
    });
  });

  it('cohere: vectors of the type that was asked for become a list', () => {
    const answer = '{"id":"c-1","embeddings":{"base64":["AAA=","BBB="]},"meta":{"billed_units":{"input_tokens":3}}}';
    const { reader, text } = answered(job(EMBED, 'cohere'), asked, answer);
    expect(reader.report()).toEqual({ usage: { input: 3 }, usageSource: 'provider', upstreamId: 'c-1' });
    expect(JSON.parse(text)).toMatchObject({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: 'AAA=' },
        { object: 'embedding', index: 1, embedding: 'BBB=' },
      ],
    });
    expect(answered(job(EMBED, 'cohere'), { ...asked, encoding_format: 'float' }, answer).reader.failure?.code).toBe(
      'provider_invalid_response',
    );
  });
});

const ranking = { model: 'lab/ranks', provider: {}, query: 'q?', documents: ['zero', { text: 'one' }], top_n: 2 };

describe('rerank', () => {
  it.each<[string, object]>([
    [
      'openai',
      {
        path: '/rerank',
        warned: [],
        body: { model: 'm-1', query: 'q?', documents: ['zero', { text: 'one' }], top_n: 2 },
      },
    ],
    [
      'voyage',
      { path: '/rerank', warned: [], body: { model: 'm-1', query: 'q?', documents: ['zero', 'one'], top_k: 2 } },
    ],
    [
      'jina',
      {
        path: '/rerank',
        warned: [],
        body: { model: 'm-1', query: 'q?', documents: ['zero', { text: 'one' }], top_n: 2, return_documents: false },
      },
    ],
    [
      'cohere',
      { path: '/rerank', warned: [], body: { model: 'm-1', query: 'q?', documents: ['zero', 'one'], top_n: 2 } },
    ],
  ])('%s is asked in its own words', (name, expected) => {
    expect(askedFor(job(RANK, name), ranking)).toEqual(expected);
  });

  it.each(['voyage', 'cohere'])('%s ranks no images, and is not asked', (name) => {
    const documents = ['zero', { text: 'one', image: 'https://example.com/a.png' }];
    expect(() => job(RANK, name)(jobRequest({ ...ranking, documents }))).toThrow(
      'documents[1]: the endpoint that would serve this ranks text, not images.',
    );
  });

  it.each<[string, string, object]>([
    [
      'openai',
      '{"id":"t-1","object":"rerank","results":[{"index":1,"relevance_score":0.9,"document":{"text":"x"}},{"index":0,"relevance_score":0.1}],"usage":{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}',
      { usage: { input: 7 }, usageSource: 'provider', upstreamId: 't-1' },
    ],
    [
      'voyage',
      '{"object":"list","data":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}],"usage":{"total_tokens":7}}',
      { usage: { input: 7 }, usageSource: 'provider' },
    ],
    [
      'jina',
      '{"model":"m-1","usage":{"total_tokens":7},"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}]}',
      { usage: { input: 7 }, usageSource: 'provider' },
    ],
    [
      'cohere',
      '{"id":"c-1","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}],"meta":{"billed_units":{"search_units":1}}}',
      { usage: { searchUnits: 1 }, usageSource: 'provider', upstreamId: 'c-1' },
    ],
  ])('%s: the client gets its own documents by rank', (name, answer, report) => {
    const { reader, text } = answered(job(RANK, name), ranking, answer);
    expect(reader.report()).toEqual(report);
    expect(JSON.parse(text)).toEqual({
      id: 'gen-1700000000-abcdefghijABCDEFGHIJ',
      model: 'lab/small',
      provider: 'The "Lab"',
      results: [
        { index: 1, relevance_score: 0.9, document: { text: 'one' } },
        { index: 0, relevance_score: 0.1, document: { text: 'zero' } },
      ],
    });
  });

  it('echoes an image with its document', () => {
    const image = 'https://example.com/a.png';
    const { text } = answered(
      job(RANK, 'jina'),
      { ...ranking, documents: [{ image }] },
      '{"results":[{"index":0,"relevance_score":1}]}',
    );
    expect(JSON.parse(text)).toMatchObject({ results: [{ document: { image } }] });
  });
});

describe('rerank at Bedrock', () => {
  const rank = jobOf(bedrockConverse, 'rerank');
  const fields = { model: 'lab/ranks', query: 'q', documents: ['zero', { text: 'one' }], top_n: 1, user: 'alice' };

  // https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-use.html
  it.each([
    ['cohere.rerank-v3-5:0', { api_version: 2 }],
    ['amazon.rerank-v1:0', {}],
  ])('is asked of %s at the address of Converse', (upstreamModel, more) => {
    expect(askedFor(rank, fields, { upstreamModel })).toEqual({
      path: `/model/${upstreamModel.replace(':', '%3A')}/invoke`,
      body: { query: 'q', documents: ['zero', 'one'], top_n: 1, ...more },
      warned: [],
    });
  });

  it('answers with the documents, and tells no usage', () => {
    const { reader, text } = answered(rank, fields, '{"results":[{"index":1,"relevance_score":0.75}]}');
    expect(reader.report()).toEqual({ usage: { input: 100, searchUnits: 1 }, usageSource: 'estimated' });
    expect(JSON.parse(text)).toMatchObject({
      results: [{ index: 1, relevance_score: 0.75, document: { text: 'one' } }],
    });
  });

  it('ranks no images', () => {
    const images = { ...fields, documents: [{ image: 'https://example.com/a.png' }] };
    expect(() => rank(jobRequest(images))).toThrow('documents[0]: ');
  });
});

describe('speech', () => {
  const speak = jobOf(openaiChat, 'speech');
  const fields = { model: 'lab/voice', provider: {}, user: 'alice', input: 'Grüß Gott 🙂', voice: 'alloy' };

  it.each<[string, object, object]>([
    [
      'in the reference’s usual format',
      fields,
      { model: 'm-1', input: 'Grüß Gott 🙂', voice: 'alloy', response_format: 'pcm' },
    ],
    [
      'in that too where the client says null',
      { ...fields, response_format: null },
      { model: 'm-1', input: 'Grüß Gott 🙂', voice: 'alloy', response_format: 'pcm' },
    ],
    [
      'as the client says',
      { ...fields, response_format: 'mp3', speed: 2 },
      { model: 'm-1', input: 'Grüß Gott 🙂', voice: 'alloy', response_format: 'mp3', speed: 2 },
    ],
  ])('is asked for %s', (_name, asked, body) => {
    expect(askedFor(speak, asked)).toEqual({ path: '/audio/speech', body, warned: [] });
    expect(speak(jobRequest(asked)).upstream.headers).toEqual([
      'content-type',
      'application/json',
      'accept',
      'audio/*',
    ]);
  });

  it.each([
    ['what the provider says', 'audio/L16; rate=24000', 'audio/L16; rate=24000'],
    ['what was asked for, where that is no sound', 'application/octet-stream', 'audio/mpeg'],
    ['what was asked for, where that breaks headers', 'audio/x\r\nx-a: 1', 'audio/mpeg'],
    ['what was asked for, where it says nothing', undefined, 'audio/mpeg'],
  ])('its content type is %s', (_name, contentType, expected) => {
    const { reader } = answered(
      speak,
      { ...fields, response_format: 'mp3' },
      Buffer.from([255, 1]),
      contentType === undefined ? {} : { contentType },
    );
    expect(reader.report()).toEqual({ usage: { characters: 11 }, usageSource: 'provider', contentType: expected });
  });

  it('that is an error, or nothing, is none', () => {
    const contentType = 'application/json';
    expect(answered(speak, fields, '{"error":{"code":429}}', { contentType }).reader.failure?.code).toBe(
      'provider_rate_limited',
    );
    expect(answered(speak, fields, '').reader.failure?.code).toBe('provider_invalid_response');
  });
});

describe('a transcript', () => {
  const listen = jobOf(openaiChat, 'transcriptions');
  const bytes = Buffer.from([0, 255, 13, 10, 45, 45]);
  const fields = {
    ...{ model: 'lab/ears', provider: {}, user: 'alice', language: 'de', temperature: 0 },
    input_audio: { data: bytes.toString('base64'), format: 'MP3' },
  };
  const formOf = async (more: object = {}, quirks: Readonly<Record<string, string | number | boolean>> = {}) => {
    const { upstream } = listen(jobRequest({ ...fields, ...more }, { quirks }));
    const [, contentType = ''] = upstream.headers;
    const form = await new Response(new Uint8Array(upstream.body), {
      headers: { 'content-type': contentType },
    }).formData();
    return { upstream, form, entries: [...form].filter(([name]) => name !== 'file') };
  };

  it('is asked for with a form, whose file is the sound byte for byte', async () => {
    const { upstream, form, entries } = await formOf();
    expect([upstream.path, upstream.warnings]).toEqual(['/audio/transcriptions', []]);
    expect(entries).toEqual([
      ['model', 'm-1'],
      ['language', 'de'],
      ['temperature', '0'],
    ]);
    const file = form.get('file');
    if (!(file instanceof File)) throw new Error('no file');
    expect([file.name, file.type, Buffer.from(await file.arrayBuffer())]).toEqual(['audio.mp3', 'audio/mpeg', bytes]);
  });

  it('in a form whose boundary stands in the sound has another', async () => {
    const data = Buffer.from('a\r\n--waystation-form--waystation-form-1--').toString('base64');
    const { form } = await formOf({ input_audio: { data, format: 'wav' } });
    const file = form.get('file');
    expect(file instanceof File && Buffer.from(await file.arrayBuffer()).toString('base64')).toBe(data);
  });

  it('with the time of words is asked for them; without the form that has room for them they are left out, and told', async () => {
    const granular = { timestamp_granularities: ['word', 'segment'] };
    const { entries } = await formOf({ ...granular, response_format: 'verbose_json' });
    expect(entries.slice(-3)).toEqual([
      ['response_format', 'verbose_json'],
      ['timestamp_granularities[]', 'word'],
      ['timestamp_granularities[]', 'segment'],
    ]);
    const { upstream, form } = await formOf({ ...granular, seed: 7 });
    expect([form.has('timestamp_granularities[]'), upstream.warnings.map(({ field }) => field)]).toEqual([
      false,
      ['seed', 'timestamp_granularities'],
    ]);
  });

  // https://platform.openai.com/docs/api-reference/audio/json-object
  it.each<[string, object, object, string]>([
    [
      'by the token',
      {
        ...{ type: 'tokens', input_tokens: 14, output_tokens: 45, total_tokens: 59 },
        input_token_details: { text_tokens: 4, audio_tokens: 10 },
      },
      { input: 4, audioInput: 10, output: 45 },
      'provider',
    ],
    [
      'by the token without a word on which',
      { input_tokens: 14, output_tokens: 45 },
      { audioInput: 14, output: 45 },
      'provider',
    ],
    ['by the second', { type: 'duration', seconds: 9 }, { seconds: 9 }, 'provider'],
    ['by part of a second', { type: 'duration', seconds: 8.2 }, { seconds: 9 }, 'provider'],
    ['not at all', {}, { input: 100, seconds: 1, output: 3 }, 'estimated'],
    ['impossibly', { type: 'duration', seconds: -1 }, { seconds: 0 }, 'clamped'],
  ])('whose usage is told %s', (_name, usage, expected, usageSource) => {
    const { reader, text } = answered(listen, fields, JSON.stringify({ text: 'Grüß Gott', usage }));
    expect(reader.report()).toEqual({ usage: expected, usageSource });
    expect(JSON.parse(text)).toMatchObject({ text: 'Grüß Gott' });
  });

  // https://console.groq.com/docs/speech-to-text: no usage, billed by the second, ten at least
  it('that is billed by a duration without usage is asked for the duration, and the client gets what it asked for', async () => {
    const quirks = { billsDuration: true, secondsMin: 10 };
    const { entries } = await formOf({}, quirks);
    expect(entries.at(-1)).toEqual(['response_format', 'verbose_json']);
    const read = (duration: unknown, more: object = {}) =>
      answered(
        (request) => listen({ ...request, quirks }),
        { ...fields, ...more },
        JSON.stringify({ task: 'transcribe', duration, text: 'Hallo', segments: [] }),
      );
    expect(read(12.3).reader.report()).toEqual({ usage: { seconds: 13 }, usageSource: 'provider' });
    expect(read('8.47').reader.report()).toEqual({ usage: { seconds: 10 }, usageSource: 'provider' });
    expect(read(12.3).text).toBe('{"text":"Hallo"}');
    expect(JSON.parse(read(12.3, { response_format: 'verbose_json' }).text)).toMatchObject({ duration: 12.3 });
  });

  it('of silence is empty; an error, or no text, is no answer', () => {
    const failureOf = (answer: string) => answered(listen, fields, answer).reader.failure?.code;
    expect(failureOf('{"text":"","usage":{"type":"duration","seconds":3}}')).toBeUndefined();
    expect(failureOf('{"error":{"code":429}}')).toBe('provider_rate_limited');
    for (const answer of ['{"text":7}', '{}', '[]', 'WEBVTT'])
      expect(failureOf(answer)).toBe('provider_invalid_response');
  });
});

describe('images', () => {
  const draw = jobOf(openaiChat, 'images');
  const fields = { model: 'lab/paint', prompt: 'a red panda', provider: {}, user: 'alice' };

  it.each<[string, object, object, readonly string[]]>([
    ['nothing that the client did not say', {}, {}, []],
    [
      'what is the same there',
      { n: 2, quality: 'high', output_format: 'webp', output_compression: 80, background: 'auto' },
      { n: 2, quality: 'high', output_format: 'webp', output_compression: 80, background: 'auto' },
      [],
    ],
    ['pixels', { size: '1536x1024' }, { size: '1536x1024' }, []],
    ['the size of a ratio', { aspect_ratio: '2:3' }, { size: '1024x1536' }, []],
    ['the usual tier', { resolution: '1K', aspect_ratio: '1:1' }, { size: '1024x1024' }, []],
    [
      'the nearest size, which is told',
      { size: '4K', aspect_ratio: '16:9' },
      { size: '1536x1024' },
      ['size', 'aspect_ratio'],
    ],
    ['no seed, which is told', { seed: 7 }, {}, ['seed']],
  ])('is asked for %s', (_name, more, expected, warned) => {
    expect(askedFor(draw, { ...fields, ...more })).toEqual({
      path: '/images/generations',
      body: { model: 'm-1', prompt: 'a red panda', ...expected },
      warned,
    });
  });

  it('asks for base64 where an address would come', () => {
    const quirks = { asksForBase64: true, imagesPath: '/images' };
    expect(askedFor(draw, fields, { quirks, endUser: 'user-1' })).toMatchObject({
      path: '/images',
      body: { response_format: 'b64_json', user: 'user-1' },
    });
  });

  it('what it cannot make is refused before anything is asked', () => {
    expect(() => draw(jobRequest({ ...fields, output_format: 'svg' }))).toThrow('output_format: ');
    expect(() => draw(jobRequest({ ...fields, input_references: [image] }))).toThrow('input_references: ');
  });

  it('an answer is base64 with its kind, counted in tokens of images', () => {
    const { reader, text } = answered(
      draw,
      fields,
      JSON.stringify({
        created: 1_700_000_001,
        background: 'opaque',
        data: [{ b64_json: 'iVBORw0KGgoAAA', revised_prompt: 'x' }, { b64_json: '/9j/AAAA' }, { b64_json: 'AAAA' }],
        usage: {
          total_tokens: 320,
          input_tokens: 60,
          output_tokens: 260,
          input_tokens_details: { text_tokens: 10, image_tokens: 50 },
        },
      }),
    );
    expect(reader.report()).toEqual({
      usage: { input: 10, imageInput: 50, imageOutput: 260, outputImages: 3 },
      usageSource: 'provider',
    });
    expect(JSON.parse(text)).toEqual({
      created: 1_700_000_001,
      data: [
        { b64_json: 'iVBORw0KGgoAAA', media_type: 'image/png' },
        { b64_json: '/9j/AAAA', media_type: 'image/jpeg' },
        { b64_json: 'AAAA' },
      ],
    });
  });

  it('without usage the images that came are counted, and the rest is estimated', () => {
    const { reader } = answered(draw, { ...fields, n: 3 }, '{"data":[{"b64_json":"AAAA"},{"b64_json":"AAAA"}]}');
    expect(reader.report()).toEqual({ usage: { input: 100, outputImages: 2 }, usageSource: 'estimated' });
  });

  it('addresses, or nothing, are no answer', () => {
    for (const answer of ['{"data":[]}', '{"data":[{"url":"https://example.com/a.png"}]}', '[]'])
      expect(answered(draw, fields, answer).reader.failure?.code).toBe('provider_invalid_response');
  });
});
