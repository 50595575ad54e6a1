// Holds that grow, over real HTTP: what the worker is told to begin with, what it is answered, what the journal says, and how a stream ends that gets no more.
import { SNAPSHOT_KEYS, type AttemptHeld, type LeaseReply, type LimitSpec } from '@waystation/contracts';
import type { z } from 'zod';
import {
  answerKindly,
  chunk,
  completion,
  endOf,
  inferenceKey,
  planned,
  serving,
  workspace,
} from '../test-edge/fixtures.js';
import type { OpenedStream } from '../test-edge/scripted-bus.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';
import { FIRST_SLICE_TOKENS, UNSEEN_TOKENS } from './plan-growth.js';

/** Of `planned`: $2 per million. */
const OUTPUT_PICODOLLARS = 2_000_000n;
const WORKER = 'worker-test0001';
const FIRST = FIRST_SLICE_TOKENS - UNSEEN_TOKENS;

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
  planFor({ showsOutput: true, maxOutput: 4_000 });
});
afterEach(() => ingress.close());

const planFor = (...changes: readonly Parameters<typeof planned>[1][]): void => {
  ingress.bus.rpc.set('route.plan', () => ({
    attempts: changes.map((each) => planned('alpha', each)),
    excluded: [],
    snapshotRevision: 1,
    strategy: 'price',
  }));
};
const post = (more: object = {}): Promise<Response> =>
  fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }], stream: true, ...more }),
  });
const refusing = (changes: Partial<Extract<LeaseReply, { refused: unknown }>['refused']> = {}): LeaseReply => ({
  refused: {
    code: 'limit_exceeded',
    quotaId: 'key:1',
    scope: 'key',
    metric: 'usd',
    window: 'lifetime',
    asked: '1',
    left: '0',
    ...changes,
  },
});
const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (let looks = 0; !holds(); looks += 1) {
    if (looks > 1_000) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
const need = ({ request }: OpenedStream, heldOutputTokens: number): void =>
  ingress.bus.sendSignal('attempt.need', {
    v: 1,
    generationId: request.generationId,
    attemptId: request.attemptId,
    worker: WORKER,
    heldOutputTokens,
  });
type Held = z.infer<(typeof AttemptHeld)['message']>;
const answers = (): Held[] =>
  ingress.bus.signalled.filter(({ name }) => name === 'attempt.held').map(({ message }) => message as Held);

/** A worker that delivers, asks for more, and does what the test says with the answer. */
const asking =
  (next: (stream: OpenedStream, held: Held | undefined) => void, waits = true) =>
  (stream: OpenedStream): void => {
    stream.reader.accepted(WORKER);
    stream.reader.data(Buffer.from(chunk('some')));
    need(stream, stream.request.heldOutputTokens ?? 0);
    void (waits ? until('an answer', () => answers().length > 0) : Promise.resolve()).then(() =>
      next(stream, answers()[0]),
    );
  };
const cut = (stream: OpenedStream): void =>
  stream.reader.end(
    endOf({ cutShort: true, finishReason: 'length', nativeFinishReason: 'credit_exhausted', usageSource: 'estimated' }),
  );

it('a stream without a cap begins with a slice; its upstream cap is the policy’s', async () => {
  ingress.bus.worker = serving([chunk('x')]);
  const response = await post();
  await response.text();
  const { request } = ingress.bus.streams[0] as OpenedStream;
  expect([request.heldOutputTokens, request.outputCap]).toEqual([FIRST, 4_000]);
  const prompt = BigInt(request.holdPicodollars) - BigInt(FIRST_SLICE_TOKENS) * OUTPUT_PICODOLLARS;
  expect(prompt > 0n && prompt < 200n * 1_000_000n).toBe(true);
  expect(response.headers.get('x-waystation-output-cap')).toBeNull();
});

it.each<[string, object, Parameters<typeof planned>[1]]>([
  ['that names its cap', { max_tokens: 2_000 }, {}],
  ['that is no stream', { stream: false }, {}],
  ['at an endpoint that may hide output', {}, { showsOutput: false }],
  ['at an endpoint that bills after a cancel', {}, { billsAfterCancel: true }],
  ['that cannot make more than a slice', {}, { maxOutput: 500 }],
  ['that costs nothing', {}, { price: { perUnit: { input: '0', output: '0' } } }],
])('a request %s is held whole from the start', async (_name, more, attempt) => {
  planFor({ showsOutput: true, maxOutput: 4_000, ...attempt });
  ingress.bus.worker = serving([completion('x')]);
  await (await post(more)).text();
  expect(ingress.bus.streams[0]?.request.heldOutputTokens).toBeUndefined();
});

it('grows when its worker asks, and both witnesses know of it', async () => {
  ingress.bus.worker = asking((stream) => stream.reader.end(endOf({ usage: { input: 10, output: 700 } })));
  const text = await (await post()).text();
  const { request } = ingress.bus.streams[0] as OpenedStream;
  const [held] = answers();
  const step = (held?.heldOutputTokens ?? 0) - FIRST;
  expect([FIRST_SLICE_TOKENS, 2 * FIRST_SLICE_TOKENS]).toContain(step);
  const grown = (BigInt(request.holdPicodollars) + BigInt(step) * OUTPUT_PICODOLLARS).toString();
  expect(answers()).toEqual([
    { v: 1, attemptId: request.attemptId, holdPicodollars: grown, heldOutputTokens: FIRST + step, refused: false },
  ]);
  expect(ingress.bus.signalled.find(({ name }) => name === 'attempt.held')?.instance).toBe(WORKER);
  expect(ingress.bus.factLines[0]?.attempts[0]?.holdPicodollars).toBe(grown);
  // $0.00141: more than the first slice would have covered.
  expect(text).toContain('"cost":0.00141');
});

describe('where a limit counts', () => {
  const limit = (changes: Partial<LimitSpec>): void =>
    ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), {
      ...workspace,
      version: 2,
      limits: [{ scope: 'workspace', metric: 'tokens', window: 'lifetime', limit: '100000', ...changes }],
    });
  const outOfTokens = (changes: Parameters<typeof refusing>[0] = {}): LeaseReply =>
    refusing({
      ...{ code: 'rate_limited', quotaId: 'workspace:default:tokens:lifetime:0', scope: 'workspace', metric: 'tokens' },
      ...{ asked: '4100', left: '12', limit: '600', ...changes },
    });

  it('tokens, a stream begins with a slice of them, and grows in them', async () => {
    limit({});
    ingress.bus.worker = asking((stream) => stream.reader.end(endOf({ usage: { input: 10, output: 700 } })));
    await (await post()).text();
    const { request } = ingress.bus.streams[0] as OpenedStream;
    const { holdTokens = 0, heldOutputTokens } = request;
    expect([heldOutputTokens, holdTokens > FIRST_SLICE_TOKENS, holdTokens < 2 * FIRST_SLICE_TOKENS]).toEqual([
      ...[FIRST, true, true],
    ]);
    const [held] = answers();
    const step = (held?.heldOutputTokens ?? 0) - FIRST;
    expect(step).toBeGreaterThan(0);
    expect(held?.holdTokens).toBe(holdTokens + step);
    expect(ingress.bus.factLines[0]?.attempts[0]?.holdTokens).toBe(holdTokens + step);
  });

  it('tokens, a stream that gets no more of them ends with length, and says so', async () => {
    limit({ limit: '600' });
    ingress.bus.worker = asking(cut);
    ingress.bus.rpc.set('lease.renew', () => outOfTokens());
    const [, last, , done] = (await (await post()).text()).split('\n\n');
    expect(done).toBe('data: [DONE]');
    expect(JSON.parse(last?.slice(6) ?? '')).toMatchObject({
      choices: [
        {
          finish_reason: 'length',
          native_finish_reason: 'credit_exhausted',
          error: {
            message:
              'The output ends here: it could take more tokens than are held for it, and of the lifetime limit of this workspace only 12 tokens is left.',
          },
        },
      ],
    });
  });

  it.each<[string, object, Parameters<typeof refusing>[0], boolean]>([
    ['is capped where the limit could never cover the whole', {}, { limit: '300', retryAfterMs: 9_000 }, true],
    ['is capped where nothing comes back', {}, { limit: '9000' }, true],
    ['waits where tokens come back', {}, { limit: '9000', retryAfterMs: 9_000 }, false],
    ['that names its cap waits all the same', { max_tokens: 2_000 }, { limit: '300', retryAfterMs: 9_000 }, false],
  ])('tokens, a body %s', async (_name, more, refusal, isCapped) => {
    limit({});
    const grant = ingress.bus.rpc.get('lease.grant');
    let asked = 0;
    ingress.bus.rpc.set('lease.grant', (request: never) =>
      (asked += 1) === 1 ? outOfTokens({ left: '300', ...refusal }) : grant?.(request),
    );
    ingress.bus.worker = serving([completion('x')]);
    const response = await post({ stream: false, ...more });
    await response.text();
    const request = ingress.bus.streams[0]?.request;
    const { outputCap, holdTokens } = request ?? {};
    const told = response.headers.get('x-waystation-output-cap');
    if (!isCapped) expect([response.status, request]).toEqual([429, undefined]);
    // All that is left: the bound on the prompt, and the rest for the output.
    else expect([response.status, holdTokens, told]).toEqual([200, 300, String(outputCap)]);
  });

  it('own provider keys, a stream grows in what they cost', async () => {
    planFor({ showsOutput: true, maxOutput: 4_000, byok: true });
    limit({ metric: 'usd', limit: '1000000000000', includeByok: true });
    ingress.bus.worker = asking((stream) => stream.reader.end(endOf({ usage: { input: 10, output: 700 } })));
    await (await post()).text();
    const { request } = ingress.bus.streams[0] as OpenedStream;
    const [held] = answers();
    expect(request).toMatchObject({ heldOutputTokens: FIRST, holdPicodollars: '0' });
    expect(held).toMatchObject({ holdPicodollars: '0' });
    expect(held?.heldOutputTokens).toBeGreaterThan(FIRST);
    // The limit counts what the own key costs; of credits nothing is held.
    expect(BigInt(held?.byokPicodollars ?? 0)).toBeGreaterThanOrEqual(
      BigInt(held?.heldOutputTokens ?? 0) * OUTPUT_PICODOLLARS,
    );
    expect(ingress.bus.factLines[0]?.attempts[0]).toMatchObject({ byok: true, holdPicodollars: '0' });
  });
});

it('that gets no more ends with length, the reason, the cost and the end marker', async () => {
  ingress.bus.worker = asking(cut);
  ingress.bus.rpc.set('lease.renew', () => refusing());
  const response = await post();
  const events = (await response.text()).split('\n\n');
  expect(answers()).toMatchObject([{ heldOutputTokens: FIRST, refused: true }]);
  const [first, last, usage, done] = events;
  expect([first, done]).toEqual([chunk('some').trimEnd(), 'data: [DONE]']);
  const message =
    'The output ends here: it could cost more than is held for it, and of the lifetime limit of this key only $0 is left.';
  expect(JSON.parse(last?.slice(6) ?? '')).toMatchObject({
    id: response.headers.get('x-generation-id'),
    object: 'chat.completion.chunk',
    model: 'lab/small',
    provider: 'ALPHA',
    choices: [
      {
        index: 0,
        delta: { content: '' },
        finish_reason: 'length',
        native_finish_reason: 'credit_exhausted',
        error: {
          code: 402,
          message,
          metadata: { waystation_code: 'limit_exceeded', quota: { id: 'key:1', left: '0' } },
        },
      },
    ],
  });
  expect(JSON.parse(usage?.slice(6) ?? '')).toMatchObject({ choices: [], usage: { cost: 0.00002 } });
  expect(ingress.bus.factLines[0]).toMatchObject({ outcome: 'completed', finishReason: 'length' });
  expect(ingress.bus.trailLines[0]).toMatchObject({
    nativeFinishReason: 'credit_exhausted',
    warnings: [{ code: 'clamped', message, field: 'max_tokens' }],
  });
});

it('takes the rest where that is less than a step', async () => {
  const left = 100n * OUTPUT_PICODOLLARS;
  const kindly = ingress.bus.rpc.get('lease.renew') as (request: { need: { usd: string } }) => LeaseReply;
  ingress.bus.rpc.set('lease.renew', (request: { need: { usd: string } }) =>
    BigInt(request.need.usd) > left ? refusing({ code: 'in_flight', left: left.toString() }) : kindly(request),
  );
  ingress.bus.worker = asking(cut);
  await (await post()).text();
  expect(answers()).toMatchObject([{ heldOutputTokens: FIRST + 100, refused: false }]);
});

it('is told nothing while billing is away, and the client is told that', async () => {
  ingress.bus.rpc.delete('lease.renew');
  ingress.bus.worker = asking((stream) => setTimeout(() => cut(stream), 50), false);
  const text = await (await post()).text();
  expect(answers()).toEqual([]);
  expect(text).toContain('"message":"The output ends here: no more credit could be held for it in time."');
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
});

it('answers nobody when the generation is over', async () => {
  ingress.bus.worker = serving([chunk('x')]);
  await (await post()).text();
  need(ingress.bus.streams[0] as OpenedStream, FIRST);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(answers()).toEqual([]);
});

it('where not even a slice is left, the cap says what the rest buys', async () => {
  answerKindly(ingress.bus);
  planFor({ showsOutput: true, maxOutput: 4_000 });
  const kindly = ingress.bus.rpc.get('lease.grant') as (request: { need: { usd: string } }) => LeaseReply;
  const left = 400n * OUTPUT_PICODOLLARS;
  ingress.bus.rpc.set('lease.grant', (request: { need: { usd: string } }) =>
    BigInt(request.need.usd) > left ? refusing({ left: left.toString() }) : kindly(request),
  );
  ingress.bus.worker = serving([chunk('x')]);
  const response = await post();
  await response.text();
  const { request } = ingress.bus.streams[0] as OpenedStream;
  const cap = Number(response.headers.get('x-waystation-output-cap'));
  expect([cap > 300 && cap < 400, request.outputCap, request.heldOutputTokens]).toEqual([true, cap, undefined]);
});
