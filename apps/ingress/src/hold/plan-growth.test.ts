// Which holds grow, and how far a hold goes ahead of its stream.
import fc from 'fast-check';
import type { PlannedAttempt, QuotaRef, RouteFeatures } from '@waystation/contracts';
import type { ChatRequest } from '@waystation/dialects';
import { planned } from '../test-edge/fixtures.js';
import { boundAttempts, amountsOf } from './bound-plan.js';
import { quotaSetFrom } from './lease-pool.js';
import {
  FIRST_SLICE_TOKENS,
  STEP_TOKENS_MAX,
  boundsUpTo,
  mayGrow,
  nextCover,
  type Cover,
  type GrowthTerms,
} from './plan-growth.js';

const NOW = Date.UTC(2026, 10, 26, 12);
const DEADLINE_MS = 600_000;
const DAY_MS = 86_400_000;

const features = (changes: Partial<RouteFeatures> = {}): RouteFeatures => ({
  api: 'chat',
  dialect: 'openai-chat',
  stream: true,
  bodyBytes: 100,
  inputTokensEstimate: 30,
  parameters: [],
  inputModalities: ['text'],
  outputModalities: ['text'],
  toolCount: 0,
  messageCount: 1,
  ...changes,
});
const request = (changes: Partial<ChatRequest> = {}, ofFeatures: Partial<RouteFeatures> = {}): ChatRequest => ({
  models: ['lab/small'],
  stream: true,
  preferences: {},
  features: features(ofFeatures),
  spans: [],
  inputTokensMax: 100,
  inputImages: 0,
  choices: 1,
  warnings: [],
  ...changes,
});
const shows = (changes: Partial<PlannedAttempt> = {}): PlannedAttempt =>
  planned('alpha', { showsOutput: true, maxOutput: 16_384, ...changes });
const setOf = (window: QuotaRef['window'], windowStart: number, metric: QuotaRef['metric'] = 'usd') =>
  quotaSetFrom('default', '0'.repeat(64), [
    { id: 'wallet:default', scope: 'wallet', scopeId: 'default', metric: 'usd', window: 'lifetime', windowStart: 0 },
    { id: 'key:1', scope: 'key', scopeId: '1', metric, window, windowStart, limit: '1' },
  ]);
const terms = (changes: Partial<GrowthTerms> = {}): GrowthTerms => ({
  request: request(),
  attempts: [shows()],
  set: setOf('lifetime', 0),
  deadlineAt: NOW + DEADLINE_MS,
  ...changes,
});

test.each<[string, Partial<GrowthTerms>, boolean]>([
  ['a stream whose output is visible and that stops billing on cancel', {}, true],
  ['a body', { request: request({ stream: false }) }, false],
  ['a request that names its cap', { request: request({}, { maxOutputTokens: 10 }) }, false],
  ['several choices', { request: request({ choices: 2 }) }, false],
  ['audio', { request: request({}, { outputModalities: ['text', 'audio'] }) }, false],
  ['reasoning that is asked for', { request: request({}, { parameters: ['reasoning'] }) }, false],
  ['reasoning that is left out', { request: request({}, { parameters: ['include_reasoning'] }) }, false],
  ['tools', { request: request({}, { parameters: ['tools'] }) }, true],
  ['an endpoint that bills on after a cancel', { attempts: [shows({ billsAfterCancel: true })] }, false],
  ['an endpoint that may hide output', { attempts: [planned('alpha')] }, false],
  ['a plan with one such endpoint', { attempts: [shows(), planned('beta')] }, false],
  ['an endpoint that the customer pays himself', { attempts: [shows({ byok: true })] }, true],
  ['a plan of an own key and the capacity', { attempts: [shows({ byok: true }), shows()] }, false],
  ['a quota of tokens', { set: setOf('lifetime', 0, 'tokens') }, true],
  ['a quota of tokens a minute', { set: setOf('minute', NOW, 'tokens') }, false],
  ['a quota of requests', { set: setOf('lifetime', 0, 'requests') }, true],
  ['a day that lasts longer than the generation may', { set: setOf('day', NOW - DAY_MS / 2) }, true],
  ['a day that ends before', { set: setOf('day', NOW - DAY_MS + DEADLINE_MS - 1) }, false],
  ['a minute', { set: setOf('minute', NOW) }, false],
])('the hold of %s: %o', (_name, changes, grows) => {
  expect(mayGrow(terms(changes))).toBe(grows);
});

test('a slice bounds the output of every endpoint, and nothing else', () => {
  const bounds = boundAttempts(request(), [shows(), shows({ maxOutput: 100 })], 16_384);
  expect(
    boundsUpTo(bounds, FIRST_SLICE_TOKENS).map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens]),
  ).toEqual([
    [100, 512],
    [100, 100],
  ]);
  const usd = (tokens: number): bigint => amountsOf(boundsUpTo(bounds, tokens), request(), setOf('lifetime', 0)).usd;
  expect([usd(512), usd(513) - usd(512), usd(100_000)]).toEqual([
    100n * 1_000_000n + 512n * 2_000_000n,
    2_000_000n,
    amountsOf(bounds, request(), setOf('lifetime', 0)).usd,
  ]);
});

test.each<[string, Cover, number, number, Cover]>([
  [
    'a slow stream goes on by the same step',
    { tokens: 512, step: 512, grownAtMs: 0 },
    9_999,
    1_000,
    { tokens: 1_024, step: 512, grownAtMs: 1_000 },
  ],
  [
    'a quick one by twice the step',
    { tokens: 512, step: 512, grownAtMs: 0 },
    9_999,
    999,
    { tokens: 1_536, step: 1_024, grownAtMs: 999 },
  ],
  [
    'none by more than the longest',
    { tokens: 512, step: 8_192, grownAtMs: 0 },
    99_999,
    1,
    { tokens: 8_704, step: 8_192, grownAtMs: 1 },
  ],
  [
    'none beyond all',
    { tokens: 9_900, step: 512, grownAtMs: 0 },
    10_000,
    5_000,
    { tokens: 10_000, step: 512, grownAtMs: 5_000 },
  ],
])('%s', (_name, cover, full, now, expected) => {
  expect(nextCover(cover, full, now)).toEqual(expected);
});

test('every cover is further than the last, by no more than the longest step, until all is covered', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 200 }),
      (full, gaps) => {
        let cover: Cover = { tokens: Math.min(FIRST_SLICE_TOKENS, full), step: FIRST_SLICE_TOKENS, grownAtMs: 0 };
        for (const gap of gaps) {
          const next = nextCover(cover, full, cover.grownAtMs + gap);
          const gained = next.tokens - cover.tokens;
          expect(next.tokens === full || gained >= FIRST_SLICE_TOKENS).toBe(true);
          expect(gained >= 0 && gained <= STEP_TOKENS_MAX && next.tokens <= full).toBe(true);
          cover = next;
        }
      },
    ),
  );
});
