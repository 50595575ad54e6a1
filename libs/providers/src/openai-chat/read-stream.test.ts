// What the stream reader does with providers that do not behave.
import { CONFORMANCE_TERMS, readPieces } from '../conformance/conformance.js';
import { readPublicStream } from '../conformance/read-public.js';
import { openaiChat } from './openai-chat.js';
import { ChatStreamReader } from './read-stream.js';

const HEAD = '{"id":"up-1","object":"chat.completion.chunk","created":1,"model":"m","choices":';
const chunk = (choice: string, tail = ''): string => `data: ${HEAD}[${choice}]${tail}}\n\n`;
const delta = (json: string): string => chunk(`{"index":0,"delta":${json},"finish_reason":null}`);
const ROLE = delta('{"role":"assistant","content":""}');
const text = (content: string): string => delta(`{"content":${JSON.stringify(content)}}`);
const finish = (word = 'stop'): string => chunk(`{"index":0,"delta":{},"finish_reason":"${word}"}`);
const usage = (json: string): string => `data: ${HEAD}[],"usage":${json}}\n\n`;
const DONE = 'data: [DONE]\n\n';

const read = (stream: string | Buffer, terms: Partial<typeof CONFORMANCE_TERMS> = {}, pieceBytes = 65_536) => {
  const run = readPieces(openaiChat, { ...CONFORMANCE_TERMS, ...terms }, Buffer.from(stream), pieceBytes);
  return { ...run, code: run.reader.failure?.code, wire: readPublicStream(run.output), report: run.reader.report() };
};

describe('a stream', () => {
  it.each([
    ['that is empty', ''],
    ['of comments only', ': hi\n\n: hi\n\n'],
    ['that ends after the role', ROLE],
    ['that ends after content', ROLE + text('a')],
    ['with an end marker but no finish', ROLE + text('a') + DONE],
    ['that breaks off in the middle of an event', ROLE + text('a') + finish().slice(0, 40)],
    ['of which one of two completions does not finish', ROLE + text('a') + finish() + DONE],
  ])('%s is broken', (name, stream) => {
    expect(read(stream, name.includes('two') ? { choices: 2 } : {}).code).toBe('provider_stream_broken');
  });

  it('counts the bytes of its output as it comes: text, reasoning and tool calls, never what stands around them', () => {
    const call = '{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{\\"a\\":1}"}}]}';
    const stream =
      ROLE + text('four') + delta('{"reasoning_content":"why"}') + delta(call) + text('ä') + finish() + DONE;
    expect(read(stream).reader.contentBytes).toBe(4 + 3 + 9 + 2);
  });

  it('without a finish is whole where the provider is known to send none', () => {
    expect(read(ROLE + text('a') + DONE, { quirks: { doneIsFinish: true } }).code).toBeUndefined();
  });

  it('is whole with a finish but without an end marker, or without the last blank line', () => {
    expect(read(ROLE + text('a') + finish()).code).toBeUndefined();
    expect(read((ROLE + text('a') + finish()).trimEnd()).code).toBeUndefined();
  });

  it.each([
    ['without any content', ROLE + finish() + DONE],
    [
      'with empty deltas only',
      ROLE + text('') + delta('{"tool_calls":[]}') + delta('{"content":null}') + finish() + DONE,
    ],
    ['that says tool calls and makes none', ROLE + finish('tool_calls') + DONE],
    [
      'that reached its limit without a token',
      ROLE + finish('length') + usage('{"prompt_tokens":5,"completion_tokens":0}') + DONE,
    ],
  ])('%s is empty, and nothing of it is shown', (_, stream) => {
    const { code, output, reader } = read(stream);
    expect([code, output.length, reader.meaningful]).toEqual(['provider_empty', 0, false]);
  });

  it.each([
    ['the content filter took everything', ROLE + finish('content_filter') + DONE, 'content-filter'],
    [
      'the model thought until its tokens were used up',
      ROLE +
        finish('length') +
        usage('{"prompt_tokens":5,"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":9}}') +
        DONE,
      'length',
    ],
  ])('without content is shown where %s', (_, stream, reason) => {
    const { code, wire, report } = read(stream);
    expect([code, report.finishReason, wire.finishWords.length]).toEqual([undefined, reason, 1]);
  });

  it.each([
    [
      'an error object',
      'data: {"error":{"message":"overloaded","type":"overloaded_error"}}\n\n',
      'provider_overloaded',
    ],
    ['an error as engines write it', 'data: {"object":"error","message":"bad","code":400}\n\n', 'provider_rejected'],
    ['an error under an event name', 'event: error\ndata: {"error":"x"}\n\n', 'provider_unavailable'],
    [
      'an error inside of a chunk',
      chunk('{"index":0,"delta":{"content":""},"finish_reason":"error"}', ',"error":{"code":502,"message":"x"}'),
      'provider_unavailable',
    ],
    ['a finish that is an error', ROLE + finish('insufficient_system_resource'), 'provider_unavailable'],
    ['something that is no JSON', 'data: oops\n\n', 'provider_invalid_response'],
    ['an array', 'data: [1]\n\n', 'provider_invalid_response'],
    ['too much without content', ROLE.repeat(3_000), 'provider_invalid_response'],
    ['an event of 2 MB', text('x'.repeat(2_000_000)), 'provider_invalid_response'],
    ['a line of 2 MB without an end', `data: ${'x'.repeat(2_000_000)}`, 'provider_invalid_response'],
  ])('that begins with %s fails before anything is shown', (_, stream, code) => {
    const run = read(stream + text('late') + finish() + DONE);
    expect([run.code, run.output.length]).toEqual([code, 0]);
  });

  it('that fails after content has delivered the content, and says what it was worth', () => {
    const run = read(
      ROLE + text('one') + text(' two') + 'data: {"error":{"message":"x","code":500}}\n\n' + text(' three'),
    );
    expect(run.code).toBe('provider_unavailable');
    expect(run.wire.text).toBe('one two');
    expect(run.report).toEqual({ usage: { input: 100, output: 2 }, usageSource: 'estimated', upstreamId: 'up-1' });
  });

  it.each([
    ['null', ',"usage":null'],
    ['empty text', ',"error":""'],
    ['null errors', ',"error":null'],
  ])('may carry members that say nothing: %s', (_, tail) => {
    const body =
      ROLE + chunk('{"index":0,"delta":{"content":"a"},"finish_reason":null}', tail) + text('b') + finish() + DONE;
    expect(read(body).wire.text).toBe('ab');
  });

  it.each([
    ['in a chunk of its own', finish() + usage('{"prompt_tokens":7,"completion_tokens":3}')],
    [
      'with the finish',
      chunk('{"index":0,"delta":{},"finish_reason":"stop"}', ',"usage":{"prompt_tokens":7,"completion_tokens":3}'),
    ],
    ['before the finish', usage('{"prompt_tokens":7,"completion_tokens":3}') + finish()],
    [
      'in each chunk, growing',
      chunk(
        '{"index":0,"delta":{"content":"b"},"finish_reason":null}',
        ',"usage":{"prompt_tokens":7,"completion_tokens":2}',
      ) +
        finish() +
        usage('{"prompt_tokens":7,"completion_tokens":3}'),
    ],
    [
      'behind a placeholder of zeros',
      usage('{"prompt_tokens":0,"completion_tokens":0}') +
        finish() +
        usage('{"prompt_tokens":7,"completion_tokens":3}'),
    ],
  ])('tells its usage %s, and no chunk shows it', (_, rest) => {
    const { report, wire } = read(ROLE + text('a') + rest + DONE);
    expect(report).toMatchObject({ usage: { input: 7, output: 3 }, usageSource: 'provider' });
    expect(wire.usages).toEqual([]);
  });

  it('whose usage is a placeholder is estimated', () => {
    const { report } = read(
      ROLE + text('a') + finish() + usage('{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}') + DONE,
    );
    expect(report).toMatchObject({ usage: { input: 100, output: 1 }, usageSource: 'estimated' });
  });

  it.each([
    ['zero', '"completion_tokens":0'],
    ['null', '"completion_tokens":null'],
    ['missing', '"total_tokens":7'],
  ])('whose usage has a prompt and %s for what was delivered has that estimated', (_, completion) => {
    const { report } = read(
      ROLE + text('a') + text('b') + finish() + usage(`{"prompt_tokens":7,${completion}}`) + DONE,
    );
    expect(report).toMatchObject({ usage: { input: 7, output: 2 }, usageSource: 'estimated' });
  });

  it('whose usage is impossible is clamped', () => {
    const { report } = read(
      ROLE + text('a') + finish() + usage('{"prompt_tokens":-5,"completion_tokens":1000000000000}') + DONE,
    );
    expect(report).toMatchObject({ usage: { input: 0, output: 128_000 }, usageSource: 'clamped' });
  });

  it('gets our fields where the provider wrote none, wrote them twice, or wrote null', () => {
    const odd =
      'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n' +
      'data: {"id":"1","id":"2","model":null,"provider":"them","object":"chat.completion.chunk","created":1,"choices":[{"index":0,"delta":{"content":"b"}}]}\n\n' +
      'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop","native_finish_reason":"their word"}],"id":"3"}\n\n';
    const { output, wire, code } = read(odd + DONE);
    expect(code).toBeUndefined();
    expect(new Set(wire.heads.map((head) => JSON.stringify(head))).size).toBe(1);
    expect(wire.text).toBe('ab');
    expect(wire.finishWords).toEqual([['stop', 'their word']]);
    expect(output.toString()).not.toMatch(/"them"|"id":"[123]"/);
    expect(output.toString()).toContain('"created":1700000000');
  });

  it.each([
    ['behind the choices', (json: string) => `data: ${HEAD}${json},"usage":null}\n\n`],
    ['between other members', (json: string) => `data: ${HEAD}${json} , "usage" : null ,"obfuscation":"a"}\n\n`],
    ['before the choices', (json: string) => `data: {"usage":null,${HEAD.slice(1)}${json}}\n\n`],
  ])('loses a usage of null %s, which clients that validate take for no usage object', (_, chunkOf) => {
    const said = ['a', 'b', 'c', '"usage":null'];
    const deltas = said.map((content) => chunkOf(`[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]`));
    const { output, wire, code } = read(deltas.join('') + finish() + DONE);
    expect([code, wire.text]).toEqual([undefined, said.join('')]);
    const chunks = output
      .toString()
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .map((event) => JSON.parse(event.slice(6)) as Record<string, unknown>);
    expect(chunks).toHaveLength(said.length + 1);
    for (const each of chunks) expect(each).not.toHaveProperty('usage');
    if (deltas[0]?.includes('obfuscation'))
      expect(chunks.filter((each) => each['obfuscation'] === 'a')).toHaveLength(4);
  });

  it('keeps what other objects in a chunk call usage', () => {
    const odd = `[{"index":0,"delta":{"content":"a"},"usage":null}],"x_groq":{"usage":null}}\n\n`;
    const { output } = read(ROLE + text('a') + `data: ${HEAD}${odd}` + finish() + DONE);
    expect(output.toString()).toContain(odd);
  });

  it('passes bytes on that are not valid UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from(ROLE),
      Buffer.from(text('XX')),
      Buffer.from(text('XX')),
      Buffer.from(finish() + DONE),
    ]);
    for (let at = bytes.indexOf('XX'); at >= 0; at = bytes.indexOf('XX', at)) bytes.set([0xff, 0xc3], at);
    const { output, code } = read(bytes);
    expect(code).toBeUndefined();
    expect(output.filter((byte) => byte === 0xff)).toHaveLength(2);
  });

  it('ignores what comes behind its end marker', () => {
    expect(read(ROLE + text('a') + finish() + DONE + text('b') + 'garbage').wire.text).toBe('a');
  });

  it('keeps every byte of an ordinary delta behind the head', () => {
    const tail =
      '[ {"index":0, "delta" : {"content":"\\u0041\\/"},"finish_reason":null , "x":1.50e0} ],"extra":[1 ,2]}\n\n';
    const { output } = read(ROLE + text('a') + `data: ${HEAD}${tail}` + finish() + DONE);
    expect(output.toString()).toContain(`"choices":${tail}`);
  });

  it('costs less than parsing and writing each chunk would', () => {
    const one = Buffer.from(text(' word'));
    const reader = new ChatStreamReader(CONFORMANCE_TERMS, () => undefined);
    reader.push(Buffer.from(ROLE + text('a')));
    const cpuOf = (work: () => unknown): number => {
      const before = process.cpuUsage();
      for (let times = 0; times < 10_000; times += 1) work();
      return process.cpuUsage(before).user;
    };
    const scan = (): void => reader.push(one);
    const parse = (): Buffer => {
      const chunk = JSON.parse(one.toString('utf8', 6)) as { id: string };
      chunk.id = 'ours';
      return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    // In turns, and the best of each, so that what else the machine does hurts neither more than the other.
    const rounds = Array.from({ length: 10 }, () => [cpuOf(scan), cpuOf(parse)] as const);
    const scanned = Math.min(...rounds.map(([each]) => each));
    const parsed = Math.min(...rounds.map(([, each]) => each));
    expect(scanned).toBeLessThan(parsed);
  });

  it('does not hold the loop for long over a 10 MB line', () => {
    const reader = new ChatStreamReader(CONFORMANCE_TERMS, () => undefined);
    const piece = Buffer.alloc(65_536, 0x78);
    const before = process.cpuUsage();
    reader.push(Buffer.from('data: '));
    for (let pushed = 0; pushed < 10_000_000; pushed += piece.length) reader.push(piece);
    expect(process.cpuUsage(before).user).toBeLessThan(200_000);
    expect(reader.failure?.code).toBe('provider_invalid_response');
  });
});

it('puts an event of several lines into one', () => {
  const lines = (content: string): string => delta(`{"content":"${content}"}`).replaceAll(',"', ',\ndata: "');
  const { output, code } = read(ROLE + lines('a') + lines('b') + finish() + DONE);
  expect([code, readPublicStream(output).text]).toEqual([undefined, 'ab']);
});

describe('tool calls that came without what clients put them together by', () => {
  const calls = (...each: string[]): string => delta(`{"tool_calls":[${each.join(',')}]}`);
  const call = (id: string, json: string): string => `{"id":"${id}","function":{"name":"f","arguments":"${json}"}}`;
  const callsOf = (output: Buffer) =>
    output
      .toString()
      .split('\n\n')
      .filter((event) => event !== '')
      .flatMap((event) => {
        const { choices } = JSON.parse(event.slice(6)) as {
          choices: { delta: { tool_calls?: { index: number; type?: string; id?: string }[] } }[];
        };
        return (choices[0]?.delta.tool_calls ?? []).map(({ index, type, id }) => [index, type, id]);
      });

  // https://docs.mistral.ai/capabilities/function_calling
  it.each([
    ['in one chunk', calls(call('a', '{}'), call('b', '{}'))],
    ['in a chunk each', calls(call('a', '{}')) + calls(call('b', '{}'))],
    ['behind text', text('x') + calls(call('a', '{}')) + calls(call('b', '{}'))],
  ])('get their index and type, %s', (_, stream) => {
    for (const pieceBytes of [1, 65_536])
      expect(callsOf(read(ROLE + stream + finish('tool_calls') + DONE, {}, pieceBytes).output)).toEqual([
        [0, 'function', 'a'],
        [1, 'function', 'b'],
      ]);
  });

  it('go on with the call that they are a piece of', () => {
    const piece = '{"function":{"arguments":"{}"}}';
    const stream = calls(call('a', '')) + calls(piece) + calls(call('b', '')) + calls(piece);
    expect(callsOf(read(ROLE + stream + finish('tool_calls') + DONE).output)).toEqual([
      [0, 'function', 'a'],
      [0, undefined, undefined],
      [1, 'function', 'b'],
      [1, undefined, undefined],
    ]);
  });

  it('stay as they are where they have both', () => {
    const whole = calls('{"index":3,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}');
    const { output } = read(ROLE + whole + finish('tool_calls') + DONE);
    expect(output.toString()).toContain(
      '[{"index":3,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]',
    );
  });
});
