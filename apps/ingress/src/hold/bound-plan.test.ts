// The hold of a plan: never below what a call can cost, and a lower cap never costs more than what is left.
import { boundCost, priceUsage } from '@waystation/catalog';
import type { PlannedAttempt } from '@waystation/contracts';
import { readChatRequest, rerank, type ChatRequest } from '@waystation/dialects';
import { creditsOf, decideCharge, surchargeOf } from '@waystation/ledger';
import fc from 'fast-check';
import { planned } from '../test-edge/fixtures.js';
import { affordableCap, amountsOf, boundAttempts, DEFAULT_OUTPUT_TOKENS } from './bound-plan.js';
import { quotaSetFrom } from './lease-pool.js';

const SET = quotaSetFrom('default', '0'.repeat(64), [
  { id: 'wallet:default', scope: 'wallet', scopeId: 'default', metric: 'usd', window: 'lifetime', windowStart: 0 },
]);
const ask = (fields: object = {}): ChatRequest =>
  readChatRequest(
    Buffer.from(JSON.stringify({ model: 'lab/small', messages: [{ role: 'user', content: 'Hello' }], ...fields })),
    { hash: (text) => text.slice(0, 8) },
  );
const capOf = (request: ChatRequest, attempt: PlannedAttempt, policyCap = DEFAULT_OUTPUT_TOKENS): number | undefined =>
  boundAttempts(request, [attempt], policyCap)[0]?.outputTokens;

describe('the output cap of an endpoint', () => {
  it.each([
    ['is what the client asked for', { max_tokens: 50 }, {}, 50],
    ['is the endpoint’s most where the client asked for more', { max_tokens: 5_000 }, { maxOutput: 1_000 }, 1_000],
    ['is the policy’s where the client asked for none', {}, { maxOutput: 65_536 }, DEFAULT_OUTPUT_TOKENS],
    ['is the endpoint’s most where that is lower', {}, { maxOutput: 1_000 }, 1_000],
    ['leaves room for the prompt in a small context', {}, { maxOutput: 4_096, context: 1_000 }, 974],
    ['is never nothing', {}, { maxOutput: 4_096, context: 20 }, 16],
  ] as const)('%s', (_name, fields, endpoint, expected) => {
    expect(capOf(ask(fields), planned('alpha', endpoint))).toBe(expected);
  });
});

describe('the hold', () => {
  const prices = fc.record({
    perUnit: fc.record({
      input: fc.bigInt({ min: 0n, max: 10n ** 9n }).map(String),
      output: fc.bigInt({ min: 1n, max: 10n ** 9n }).map(String),
    }),
  });

  it('covers the dearest endpoint, and every completion that was asked for', () => {
    fc.assert(
      fc.property(fc.array(prices, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 8 }), (list, n) => {
        const attempts = list.map((price, index) => planned(`p${index}`, { price }));
        const request = ask({ n, max_tokens: 100 });
        const hold = amountsOf(boundAttempts(request, attempts, DEFAULT_OUTPUT_TOKENS), request, SET);
        for (const { price } of attempts) {
          expect(priceUsage(price, { input: request.features.bodyBytes, output: 100 * n }) <= hold.usd).toBe(true);
        }
        expect([hold.requests, hold.tokens]).toEqual([0, 0]);
      }),
    );
  });

  it('covers what is on top of every endpoint of the plan, and of own keys nothing else', () => {
    const attempt = fc.record({ price: prices, byok: fc.boolean(), surchargePpm: fc.nat(10_000_000) });
    fc.assert(
      fc.property(fc.array(attempt, { minLength: 1, maxLength: 4 }), fc.nat(100), (list, outputTokens) => {
        const attempts = list.map((each, index) => planned(`p${index}`, each));
        const request = ask({ max_tokens: 100 });
        const holdPicodollars = amountsOf(boundAttempts(request, attempts, 100), request, SET).usd;
        for (const { price, byok, surchargePpm = 0 } of attempts) {
          const usage = { input: request.features.bodyBytes, output: outputTokens };
          const facts = { outcome: 'completed', served: true, usageSource: 'provider' } as const;
          const decision = decideCharge({ ...facts, usage, price, byok, surchargePpm, holdPicodollars });
          const cost = priceUsage(price, usage);
          expect(creditsOf(decision)).toBe((byok ? 0n : cost) + surchargeOf(cost, surchargePpm));
        }
        if (list.every(({ byok, surchargePpm }) => byok && surchargePpm === 0)) expect(holdPicodollars).toBe(0n);
      }),
    );
  });

  it('covers a prompt that is written to a cache, in whole or in part and for however long, where the client asks for it', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 9n }).map(String);
    const price = fc.record({
      perUnit: fc.record({
        ...{ input: amount, cacheRead: amount, cacheWrite: amount, cacheWrite1h: amount },
        output: fc.constant('1'),
      }),
    });
    const ttl = fc.constantFrom('5m', '1h');
    const shares = fc.tuple(...[1, 1, 1, 1].map(() => fc.nat(1_000)));
    fc.assert(
      fc.property(price, ttl, shares, fc.nat(100), (one, kept, [plain = 0, ...cached], output) => {
        const request = ask({
          ...{ max_tokens: 100, cache_control: { type: 'ephemeral', ttl: kept } },
          messages: [{ role: 'user', content: 'x'.repeat(4_000) }],
        });
        const [cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0] = cached;
        const usage = { input: plain, cacheRead, cacheWrite, cacheWrite1h, output };
        const attempt = planned('alpha', { price: one });
        const holdPicodollars = amountsOf(boundAttempts(request, [attempt], 100), request, SET).usd;
        const facts = { outcome: 'completed', served: true, usageSource: 'provider' } as const;
        const decision = decideCharge({ ...facts, usage, price: one, byok: false, surchargePpm: 0, holdPicodollars });
        expect(creditsOf(decision)).toBe(priceUsage(one, usage));
      }),
    );
    const dear = { perUnit: { input: '1', output: '1', cacheWrite: '5', cacheWrite1h: '8' } };
    const request = ask({ max_tokens: 100, cache_control: { type: 'ephemeral', ttl: '1h' } });
    const { usd } = amountsOf(boundAttempts(request, [planned('alpha', { price: dear })], 100), request, SET);
    expect(usd).toBe(BigInt(request.inputTokensMax) * 8n + 100n);
  });

  it('covers the images of the prompt, those that are made, and the service tier that is asked for', () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
    const fields = { max_tokens: 10, n: 2, messages: [{ role: 'user', content: [image, image] }] };
    const price = {
      perUnit: { input: '1', output: '1', inputImages: '1000000000', outputImages: '500000000000' },
      serviceTiers: { priority: { perUnit: { input: '2', output: '2', inputImages: '3000000000' } } },
    };
    const usd = (more: object): bigint => {
      const request = ask({ ...fields, ...more });
      return amountsOf(boundAttempts(request, [planned('alpha', { price })], 100), request, SET).usd / 1_000_000_000n;
    };
    expect(usd({ service_tier: 'default' })).toBe(2n);
    expect(usd({ service_tier: 'priority' })).toBe(6n);
    expect(usd({})).toBe(6n);
    expect(usd({ modalities: ['text', 'image'] })).toBe(1002n);
  });

  it('covers a context for each of several inputs, and the pieces that are counted', () => {
    const fields = { model: 'lab/ranks', query: 'q', documents: Array.from({ length: 150 }, () => 'x'.repeat(100)) };
    const request = rerank.readRequest(Buffer.from(JSON.stringify(fields)), { hash: (text) => text });
    const usd = (perUnit: Record<string, string>, context: number): bigint =>
      amountsOf(boundAttempts(request, [planned('alpha', { price: { perUnit }, context })], 100), request, SET).usd;
    expect(usd({ input: '1', output: '1000000' }, 20)).toBe(150n * 20n);
    expect(usd({ input: '1', output: '1000000' }, 100_000)).toBe(BigInt(request.inputTokensMax));
    expect(usd({ searchUnits: '2000000000' }, 20)).toBe(4_000_000_000n);
  });

  it('of content that is only referred to is bounded by the context', () => {
    const request = ask({
      max_tokens: 10,
      messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }],
    });
    const attempt = planned('alpha', { context: 5_000 });
    expect(amountsOf(boundAttempts(request, [attempt], 100), request, SET).usd).toBe(
      boundCost(attempt.price, { inputTokens: 5_000, outputTokens: 10 }),
    );
  });

  it('with the cap that the rest buys fits into the rest, and the next higher cap does not', () => {
    fc.assert(
      fc.property(
        fc.array(prices, { minLength: 1, maxLength: 3 }),
        fc.bigInt({ min: 0n, max: 10n ** 14n }),
        (list, left) => {
          const attempts = list.map((price, index) => planned(`p${index}`, { price, maxOutput: 50_000 }));
          const request = ask();
          const cost = (cap: number): bigint => amountsOf(boundAttempts(request, attempts, cap), request, SET).usd;
          const cap = affordableCap(request, attempts, SET, ({ usd }) => usd <= left, 10_000);
          if (cap === 0) expect(cost(16) > left).toBe(true);
          else {
            expect(cost(cap) <= left).toBe(true);
            expect(cap === 10_000 || cost(cap + 1) > left).toBe(true);
          }
        },
      ),
    );
  });
});
