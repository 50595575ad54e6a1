// A stream that breaks off in the middle, over real HTTP: continued by another endpoint where the client asks for it and every condition holds, and an error as ever otherwise. What is
// told to the books is charged as billing would charge it.
import { WaystationError, type ErrorCode, type GenerationFinished, type PlannedAttempt } from '@waystation/contracts';
import { creditsOf, decideCharge } from '@waystation/ledger';
import { chunk, endOf, inferenceKey, planned, price } from '../test-edge/fixtures.js';
import type { OpenedStream } from '../test-edge/scripted-bus.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

const CONTINUES = { quirks: { continues: true } };
let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
  plan(planned('alpha'), planned('beta', CONTINUES));
});
afterEach(() => ingress.close());

const plan = (...attempts: PlannedAttempt[]): void =>
  void ingress.bus.rpc.set('route.plan', () => ({ attempts, excluded: [], snapshotRevision: 1, strategy: 'price' }));
const post = async (
  fields: object = {},
  { path = 'chat/completions', headers = { 'x-waystation-continue': '1' } as Record<string, string> } = {},
): Promise<{ readonly status: number; readonly text: string }> => {
  const response = await fetch(`${ingress.url}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      ...{ model: 'lab/small', stream: true, max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] },
      ...fields,
    }),
  });
  return { status: response.status, text: await response.text() };
};
const say = ({ reader }: OpenedStream, ...parts: readonly string[]): void => {
  reader.accepted('worker-test0001');
  for (const part of parts) reader.data(Buffer.from(part));
};
const breaks = ({ reader }: OpenedStream, code: ErrorCode = 'provider_stream_broken'): void =>
  reader.fail(new WaystationError(code, `${code}!`));
/** The first breaks off, the second goes on. */
const play = (first: readonly string[], second: readonly string[] = [], code?: ErrorCode): void => {
  ingress.bus.worker = (opened, ordinal) => {
    say(opened, ...(ordinal === 0 ? first : second));
    if (ordinal === 0) breaks(opened, code);
    else opened.reader.end(endOf({ usage: { input: 12, output: 4 } }));
  };
};
const contentOf = (text: string): string =>
  [...text.matchAll(/^data: (\{.*)$/gm)]
    .map(([, json]) => JSON.parse(json ?? '') as { choices?: [{ delta: { content?: string } }?] })
    .map(({ choices }) => choices?.[0]?.delta.content ?? '')
    .join('');
const usageOf = (text: string): Record<string, number> =>
  (JSON.parse(/^data: (\{.*"usage".*)$/m.exec(text)?.[1] ?? '{}') as { usage: Record<string, number> }).usage;
const line = async (): Promise<GenerationFinished> => {
  while (ingress.bus.factLines.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const [only] = ingress.bus.factLines;
  if (only === undefined) throw new Error('nothing was journalled');
  return only;
};
/** What billing charges the customer by attempt, where each worker counts so much. */
const chargesOf = ({ attempts, servedBy, continuedFrom }: GenerationFinished): string[] =>
  attempts.map(({ attemptId, outcome, usage, usageSource, holdPicodollars }) => {
    const served = attemptId === servedBy || attemptId === continuedFrom;
    const counted = usage === 'pending' ? { input: 10, output: 3 } : usage;
    const facts = { outcome, served, usageSource, price, byok: false, holdPicodollars: BigInt(holdPicodollars) };
    const decision = decideCharge({ ...facts, usage: counted });
    return `${decision.policyRow} ${creditsOf(decision)}`;
  });
const warnings = (): string[] => (ingress.bus.trailLines[0]?.warnings ?? []).map(({ message }) => message);
const leases = (): { usd: bigint; requests: number }[] =>
  ingress.bus.asked
    .filter(({ name }) => name === 'lease.grant' || name === 'lease.renew')
    .map(({ request }) => request['want'] as { usd: string; requests: number })
    .map(({ usd, requests }) => ({ usd: BigInt(usd), requests }));

it('is one answer of two attempts, each held for and charged for itself', async () => {
  play([chunk('Once '), chunk('upon')], [chunk(' a time').replace('"content"', '"role":"assistant","content"')]);
  const { status, text } = await post();
  expect([status, contentOf(text)]).toEqual([200, 'Once upon a time']);
  expect([text.match(/\[DONE\]/g)?.length, /error/.test(text), /"role"/.test(text)]).toEqual([1, false, false]);

  const [first, second] = ingress.bus.streams;
  expect(JSON.parse(second?.body ?? '')).toMatchObject({
    messages: [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Once upon' },
    ],
  });
  // What was said is taken from what may be.
  expect([first?.request.outputCap, second?.request.outputCap]).toEqual([undefined, 98]);
  expect([first?.request.requests, second?.request.requests]).toEqual([undefined, undefined]);
  expect(BigInt(second?.request.holdPicodollars ?? 0)).toBeGreaterThan(0n);
  const told = await line();
  expect(told).toMatchObject({
    outcome: 'completed',
    servedBy: second?.request.attemptId,
    continuedFrom: first?.request.attemptId,
  });
  expect(chargesOf(told)).toEqual(['failed-after-output 16000000', 'completed 20000000']);
  expect(told.attempts.map(({ holdPicodollars }) => holdPicodollars)).toEqual([
    first?.request.holdPicodollars,
    second?.request.holdPicodollars,
  ]);
  // One usage, of both: what the second was counted, and what the first said at least.
  const usage = usageOf(text);
  expect(usage['completion_tokens']).toBe(6);
  expect(usage['prompt_tokens']).toBeGreaterThan(12);
  expect(warnings()).toEqual(['ALPHA broke off; BETA went on with its text.']);
});

it('holds the sum of what may be charged before it asks the second', async () => {
  const held: bigint[] = [];
  ingress.bus.worker = (opened, ordinal) => {
    held.push(leases().reduce((sum, { usd }) => sum + usd, 0n));
    say(opened, chunk(ordinal === 0 ? 'Once' : ' upon'));
    if (ordinal === 0) breaks(opened);
    else opened.reader.end(endOf());
  };
  await post();
  const { attempts } = await line();
  const sum = attempts.reduce((all, { holdPicodollars }) => all + BigInt(holdPicodollars), 0n);
  expect(held).toHaveLength(2);
  expect(held[1] ?? 0n).toBeGreaterThanOrEqual(sum);
});

describe('stays an error, charged for what was delivered,', () => {
  const broken = async (): Promise<void> => {
    const told = await line();
    expect(ingress.bus.streams).toHaveLength(1);
    expect(told.continuedFrom).toBeUndefined();
    expect(chargesOf(told)).toEqual(['failed-after-output 16000000']);
  };
  const expectBroken = async (answer: ReturnType<typeof post>): Promise<void> => {
    const { text } = await answer;
    expect([/"error"/.test(text), /\[DONE\]/.test(text)]).toEqual([true, false]);
    await broken();
  };
  const PARTS = [chunk('Once')];

  it.each([
    ['nobody asks', { headers: {} }, {}],
    ['it says so', { headers: { 'x-waystation-continue': '0' } }, {}],
    ['several completions are asked for', {}, { n: 2 }],
    ['JSON is asked for', {}, { response_format: { type: 'json_object' } }],
    ['the client has begun the answer', {}, { messages: [{ role: 'assistant', content: 'On' }] }],
  ])('where %s', async (_name, options, fields) => {
    play(PARTS);
    await expectBroken(post(fields, options));
  });

  it.each<[string, PlannedAttempt[]]>([
    ['nothing is said of the others', [planned('alpha'), planned('beta')]],
    ['they are said not to', [planned('alpha'), planned('beta', { quirks: { continues: false } })]],
    ['another model alone does', [planned('alpha'), planned('beta', { ...CONTINUES, model: 'lab/other' })]],
    ['nobody else has the model', [planned('alpha', CONTINUES)]],
  ])('where %s', async (_name, attempts) => {
    plan(...attempts);
    play(PARTS);
    await expectBroken(post());
  });

  it.each<[string, string]>([
    ['it calls a tool', '"tool_calls":[{"index":0}],"content"'],
    ['it reasons', '"reasoning":"hm","content"'],
  ])('where %s', async (_name, member) => {
    play([...PARTS, chunk('').replace('"content"', member)]);
    await expectBroken(post());
  });

  it('where it was our own end', async () => {
    play(PARTS, [], 'shutting_down');
    await expectBroken(post());
  });

  it('where there is no credit for both', async () => {
    play(PARTS);
    const grant = ingress.bus.rpc.get('lease.grant');
    let asked = 0;
    const once = (request: never): unknown => {
      asked += 1;
      return asked === 1
        ? grant?.(request)
        : {
            refused: {
              code: 'insufficient_credits',
              quotaId: 'wallet:default',
              scope: 'wallet',
              metric: 'usd',
              window: 'lifetime',
              asked: '1',
              left: '0',
            },
          };
    };
    ingress.bus.rpc.set('lease.grant', once);
    ingress.bus.rpc.set('lease.renew', once);
    await expectBroken(post());
    expect(asked).toBe(2);
  });
});

it('is continued once: what breaks again is an error, and both are charged', async () => {
  plan(planned('alpha'), planned('beta', CONTINUES), planned('gamma', CONTINUES));
  ingress.bus.worker = (opened, ordinal) => {
    say(opened, chunk(ordinal === 0 ? 'Once' : ' upon'));
    breaks(opened);
  };
  const { text } = await post();
  expect([ingress.bus.streams.length, /\[DONE\]/.test(text), /"error"/.test(text)]).toEqual([2, false, true]);
  expect(chargesOf(await line())).toEqual(['failed-after-output 16000000', 'failed-after-output 16000000']);
});

it.each<[string, (opened: OpenedStream) => void]>([
  ['fails before it says a word', (opened) => breaks(opened, 'provider_overloaded')],
  ['says nothing', ({ reader }) => reader.end(endOf({ outcome: 'empty', usage: { input: 12 } }))],
])('a continuation that %s costs nothing beside what was delivered', async (_name, second) => {
  ingress.bus.worker = (opened, ordinal) => {
    say(opened, ...(ordinal === 0 ? [chunk('Once')] : []));
    if (ordinal === 0) breaks(opened);
    else second(opened);
  };
  const { text } = await post();
  expect([ingress.bus.streams.length, /\[DONE\]/.test(text), /"error"/.test(text)]).toEqual([2, false, true]);
  const told = await line();
  expect(told.servedBy).toBe(ingress.bus.streams[0]?.request.attemptId);
  expect(chargesOf(told)[0]).toBe('failed-after-output 16000000');
  expect(chargesOf(told)[1]).toMatch(/ 0$/);
});

it('lets no half of an event out', async () => {
  const half = chunk(' upon').slice(0, -9);
  play([chunk('Once'), half], [chunk(' upon a time')]);
  const { text } = await post();
  expect(contentOf(text)).toBe('Once upon a time');
});

it('says so to those who want to know how it was routed', async () => {
  play([chunk('Once')], [chunk(' upon')]);
  const { text } = await post({}, { headers: { 'x-waystation-continue': '1', 'x-openrouter-metadata': 'enabled' } });
  expect(text).toContain('"continued_from":"ALPHA"');
});

it('is the same in Messages', async () => {
  const event = (type: string, more: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
  const start = event('message_start', { message: { id: 'gen', role: 'assistant' } });
  const begin = event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  const delta = (text: string): string =>
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
  const stop = event('content_block_stop', { index: 0 });
  play([start, begin, delta('Once')], [start, begin, delta(' upon'), stop]);
  const { text } = await post({}, { path: 'messages' });
  expect(text.match(/^event: .*$/gm)).toEqual([
    ...['event: message_start', 'event: content_block_start', 'event: content_block_delta'],
    ...['event: content_block_delta', 'event: content_block_stop', 'event: message_delta', 'event: message_stop'],
  ]);
  expect(chargesOf(await line())).toEqual(['failed-after-output 16000000', 'completed 20000000']);
});

it('a header that says neither is refused by name', async () => {
  const { status, text } = await post({}, { headers: { 'x-waystation-continue': 'yes' } });
  expect(status).toBe(400);
  expect(text).toContain('x-waystation-continue: 1 or 0 is expected, received \\"yes\\"');
});
