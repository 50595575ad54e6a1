// Two endpoints at once, over real HTTP: whatever the order of their answers, their failures and the client's leaving, one of them serves and one at most is charged.
import { SNAPSHOT_KEYS, WaystationError, type GenerationFinished } from '@waystation/contracts';
import { decideCharge } from '@waystation/ledger';
import fc from 'fast-check';
import { RETRY_RESERVE } from '../attempt/retry-budget.js';
import { chunk, endOf, inferenceKey, planned, price, workspace } from '../test-edge/fixtures.js';
import type { OpenedStream } from '../test-edge/scripted-bus.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress({ hedgeAfterMsMin: 1 });
  ingress.bus.rpc.set('route.plan', () => ({
    attempts: ['alpha', 'beta', 'gamma'].map((slug) => planned(slug)),
    ...{ excluded: [], snapshotRevision: 1, strategy: 'price' },
  }));
});
afterEach(async () => {
  await ingress.close();
});

const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 2_000) throw new Error(`it never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};
const post = (stream: boolean, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> =>
  fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${inferenceKey}`,
      'content-type': 'application/json',
      'x-waystation-hedge': '1',
      ...headers,
    },
    body: JSON.stringify({ model: 'lab/small', stream, messages: [{ role: 'user', content: 'Hello' }] }),
    ...(signal === undefined ? {} : { signal }),
  });
const accept = ({ reader, provider }: OpenedStream): void => reader.accepted(`worker-${provider}-0001`);
const say = ({ reader, provider }: OpenedStream, stream: boolean): void =>
  reader.data(Buffer.from(stream ? chunk(`<${provider}>`) : JSON.stringify({ id: 'x', from: `<${provider}>` })));
const end = ({ reader }: OpenedStream, outcome: 'completed' | 'empty' = 'completed'): void =>
  reader.end(endOf({ outcome, usage: { input: 1_000, output: 100 } }));
const fail = ({ reader }: OpenedStream, code: 'provider_overloaded' | 'provider_rejected' | 'worker_lost'): void =>
  reader.fail(new WaystationError(code, `${code}!`));

type Step = 'data' | 'end' | 'empty' | 'fail' | 'reject' | 'lost' | 'leave';
const steps = fc.array(
  fc.record({
    who: fc.constantFrom(0, 1),
    what: fc.constantFrom<Step>('data', 'data', 'end', 'empty', 'fail', 'reject', 'lost', 'leave'),
  }),
  { maxLength: 6 },
);

/** What any mixture of witnesses can make of it: the customer pays for one attempt at most, and for one that served. */
const payersOf = ({ attempts, servedBy }: GenerationFinished): string[] =>
  attempts
    .filter(({ dispatched, outcome, usage, usageSource, attemptId, holdPicodollars }) => {
      const { payer, amount } = decideCharge({
        ...{ outcome, served: attemptId === servedBy, price, byok: false, holdPicodollars: BigInt(holdPicodollars) },
        usage: usage === 'pending' ? { input: 1_000, output: 100 } : usage,
        usageSource: usage === 'pending' ? 'provider' : usageSource,
      });
      return dispatched && payer === 'credits' && amount > 0n;
    })
    .map(({ attemptId }) => attemptId);

it('the client has the bytes of one, pays for that one, and each try is told of', async () => {
  ingress.bus.put('workspaces', SNAPSHOT_KEYS.workspace('default'), {
    ...workspace,
    version: 2,
    limits: [{ scope: 'workspace', metric: 'requests', window: 'minute', limit: '1000000' }],
  });
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (script, stream) => {
      const { streams, factLines } = ingress.bus;
      streams.length = 0;
      factLines.length = 0;
      ingress.bus.worker = (opened, ordinal) => {
        accept(opened);
        if (ordinal < 2) return;
        say(opened, stream);
        end(opened);
      };
      const leaving = new AbortController();
      let text = '';
      const answered = post(stream, {}, leaving.signal)
        .then(async (response) => {
          const reader = response.body?.getReader();
          const decoder = new TextDecoder();
          for (;;) {
            const part = await reader?.read();
            if (part === undefined || part.done) return;
            text += decoder.decode(part.value);
          }
        })
        .catch(() => undefined);
      await until('two were asked', () => streams.length === 2);
      // Both were accepted.
      await new Promise(setImmediate);
      const over = new Set<number>();
      for (const { who, what } of script) {
        const opened = streams[who];
        if (what === 'leave') {
          leaving.abort();
          continue;
        }
        // Of a stream that ended nothing comes any more.
        if (opened === undefined || over.has(who)) continue;
        if (what === 'data') say(opened, stream);
        else over.add(who);
        if (what === 'end') end(opened);
        if (what === 'empty') end(opened, 'empty');
        if (what === 'fail') fail(opened, 'provider_overloaded');
        if (what === 'reject') fail(opened, 'provider_rejected');
        if (what === 'lost') fail(opened, 'worker_lost');
        if (who === 1) await new Promise(setImmediate);
      }
      for (const who of [1, 0]) {
        const opened = streams[who];
        if (opened !== undefined && opened.cancelled === undefined && !over.has(who)) {
          say(opened, stream);
          end(opened);
        }
      }
      await answered;
      await until('it was journalled', () => factLines.length > 0);
      await new Promise(setImmediate);

      expect(factLines).toHaveLength(1);
      const [line] = factLines;
      if (line === undefined) return;
      const ids = streams.map(({ request }) => request.attemptId);
      expect(new Set(ids).size).toBe(ids.length);
      expect(line.attempts.map(({ attemptId }) => attemptId).sort()).toEqual([...ids].sort());
      const served = line.attempts.find(({ attemptId }) => attemptId === line.servedBy);
      const heard = ['alpha', 'beta', 'gamma'].filter((slug) => text.includes(`<${slug}>`));
      expect(heard.length).toBeLessThanOrEqual(1);
      if (heard.length > 0) expect(heard).toEqual([served?.provider]);
      const payers = payersOf(line);
      expect(payers.length).toBeLessThanOrEqual(1);
      if (payers.length > 0) expect(payers).toEqual([line.servedBy]);
      // However many were asked, it was one request.
      expect(line.attempts.filter(({ requests, outcome }) => requests === 1 && outcome !== 'passed-over')).toHaveLength(
        line.attempts.some(({ dispatched, outcome }) => dispatched && outcome !== 'passed-over') ? 1 : 0,
      );
      // Whoever lost was told so in a way by which no witness can take it for what was served.
      for (const { cancelled, request } of streams) {
        if (cancelled === 'passed-over') expect(request.attemptId.endsWith('-1')).toBe(true);
        if (cancelled === 'given-up') expect(request.attemptId.endsWith('-0')).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
  expect(await ingress.context.metrics.registry.metrics()).toMatch(/waystation_ingress_open_generations 0/);
}, 60_000);

const hedges = async (): Promise<string[]> =>
  [...(await ingress.context.metrics.registry.metrics()).matchAll(/hedges_total\{quicker="(\w+)"\} 1/g)].map(
    ([, who]) => who ?? '',
  );

describe.each([true, false])('as a stream: %s', (stream) => {
  it('the second serves when it is quicker, and the first is given up', async () => {
    ingress.bus.worker = (opened, ordinal) => {
      accept(opened);
      if (ordinal === 0) return;
      say(opened, stream);
      end(opened);
    };
    const text = await (await post(stream)).text();
    expect(text).toContain('<beta>');
    expect(ingress.bus.streams[0]?.cancelled).toBe('given-up');
    const [line] = ingress.bus.factLines;
    expect(line?.attempts).toMatchObject([
      { provider: 'alpha', outcome: 'cancelled', errorCode: 'passed_over', usage: 'pending', dispatched: true },
      { provider: 'beta', outcome: 'completed', usage: { input: 1_000, output: 100 } },
    ]);
    expect(line?.servedBy).toBe(ingress.bus.streams[1]?.request.attemptId);
    expect(await hedges()).toEqual(['second']);
  });

  it('the first serves when it speaks after all, and the second was passed over', async () => {
    ingress.bus.worker = (opened, ordinal) => {
      accept(opened);
      const [first] = ingress.bus.streams;
      if (ordinal === 0 || first === undefined) return;
      say(first, stream);
      // It hears nothing of a cancel that is under way.
      say(opened, stream);
      end(first);
      end(opened);
    };
    const text = await (await post(stream)).text();
    expect(text).toContain('<alpha>');
    expect(text).not.toContain('<beta>');
    expect(ingress.bus.streams[1]?.cancelled).toBe('passed-over');
    expect(ingress.bus.factLines[0]?.attempts).toMatchObject([
      { provider: 'beta', outcome: 'passed-over', usage: 'pending' },
      { provider: 'alpha', outcome: 'completed' },
    ]);
    expect(await hedges()).toEqual(['first']);
  });

  it('nobody else is asked where the first answers in time', async () => {
    ingress.bus.worker = (opened) => {
      accept(opened);
      say(opened, stream);
      end(opened);
    };
    await (await post(stream, { 'x-waystation-hedge': '60000' })).text();
    expect(ingress.bus.streams).toHaveLength(1);
    expect(await hedges()).toEqual([]);
  });

  it('a third is asked when both have failed', async () => {
    ingress.bus.worker = (opened, ordinal) => {
      accept(opened);
      const [first] = ingress.bus.streams;
      if (ordinal === 0 || first === undefined) return;
      if (ordinal === 1) {
        fail(opened, 'provider_overloaded');
        return fail(first, 'provider_overloaded');
      }
      say(opened, stream);
      end(opened);
    };
    expect(await (await post(stream)).text()).toContain('<gamma>');
    expect(ingress.bus.streams.map(({ provider }) => provider)).toEqual(['alpha', 'beta', 'gamma']);
  });
});

describe('the budget of further attempts', () => {
  const metrics = (): Promise<string> => ingress.context.metrics.registry.metrics();

  it('is spent by second endpoints, too: where they were many nobody is asked beside the first, and fallbacks go on', async () => {
    const { streams } = ingress.bus;
    ingress.bus.worker = (opened) => accept(opened);
    const refused = async (): Promise<boolean> => (await metrics()).includes('hedges_refused_total 1');
    let requests = 0;
    let asked = 0;
    for (let isRefused = false; !isRefused; requests += 1) {
      if (requests > 2 * RETRY_RESERVE) throw new Error('a second is asked without end');
      streams.length = 0;
      const answer = post(true);
      await until('one was asked', () => streams.length > 0);
      for (let tries = 0; streams.length < 2 && !isRefused; tries += 1) {
        if (tries > 2_000) throw new Error('neither a second was asked nor refused');
        await new Promise((resolve) => setTimeout(resolve, 1));
        isRefused = streams.length < 2 && (await refused());
      }
      asked += streams.length;
      const last = streams.at(-1);
      if (last === undefined) throw new Error('nobody was asked');
      if (isRefused) {
        fail(last, 'provider_overloaded');
        await until('a fallback', () => streams.length === 2);
      }
      const [, second] = streams;
      if (second === undefined) throw new Error('there is no second');
      say(second, true);
      end(second);
      expect(await (await answer).text()).toContain('<beta>');
    }
    expect(requests).toBeGreaterThan(RETRY_RESERVE / 2);
    expect(asked).toBeLessThanOrEqual(1.2 * requests + RETRY_RESERVE / 2);
    expect(await metrics()).toContain('waystation_ingress_retries_refused_total 0');
  }, 60_000);

  it('gets back what reached nobody, and that endpoint has its turn later', async () => {
    ingress.bus.worker = (opened, ordinal) => {
      const [first] = ingress.bus.streams;
      if (ordinal === 0 || first === undefined) return accept(opened);
      if (ordinal === 1) {
        opened.reader.fail(new WaystationError('no_worker', 'no_worker!'));
        return fail(first, 'provider_overloaded');
      }
      accept(opened);
      say(opened, true);
      end(opened);
    };
    expect(await (await post(true)).text()).toContain('<beta>');
    expect(ingress.bus.streams.map(({ provider }) => provider)).toEqual(['alpha', 'beta', 'beta']);
    expect(ingress.bus.factLines[0]?.attempts.map(({ dispatched }) => dispatched)).toEqual([false, true, true]);
  });
});

describe('the client is told', () => {
  it.each<[string, Record<string, string>, string]>([
    ['that a request which is run once is asked of one', { 'idempotency-key': 'k' }, 'One endpoint is asked at a time'],
    ['how soon it may be', { 'x-waystation-hedge': '1' }, ''],
  ])('%s', async (_name, headers, message) => {
    ingress.bus.worker = (opened) => {
      accept(opened);
      say(opened, true);
      end(opened);
    };
    await (await post(true, headers)).text();
    const warnings = (ingress.bus.trailLines[0]?.warnings ?? []).filter(({ field }) => field === 'x-waystation-hedge');
    expect(warnings.map((warning) => warning.message.startsWith(message))).toEqual(message === '' ? [] : [true]);
  });

  it('what is wrong with the header, and nothing is asked', async () => {
    const response = await post(true, { 'x-waystation-hedge': 'soon' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('x-waystation-hedge: milliseconds from 1 to 60000 are expected');
    expect(ingress.bus.asked).toEqual([]);
  });
});
