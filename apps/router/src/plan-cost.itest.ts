// The cost of a plan, measured in a plain Node process over the built libs (run the build first): Jest's module sandbox makes every global ten times as dear.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const measure = `
import { NO_OWN_KEYS, buildRoutingIndex, createHealthBoard, createHealthTally, planRoute } from '@waystation/routing';
import { rulesOfPolicy } from '@waystation/policy';
const stamp = { v: 1, version: 1 };
const slugs = Array.from({ length: 30 }, (_, each) => 'p' + each);
const index = buildRoutingIndex({
  revision: 1,
  models: new Map(),
  providers: new Map(slugs.map((slug) => [slug, { ...stamp, slug, name: slug, dialect: 'd', credentialId: 'c', dataPolicy: { retains: false, trains: false }, billsAfterCancel: false }])),
  endpoints: new Map(slugs.map((slug, each) => [slug, {
    ...stamp, id: 'lab/one@' + slug, model: 'lab/one', provider: slug, tag: slug, upstreamModel: 'm', apis: ['chat'], context: 100_000,
    inputModalities: ['text'], outputModalities: ['text'], supportedParameters: ['tools', 'temperature'], priceVersion: 'v',
    price: { perUnit: { input: String(100 + each), output: '200' } }, enabled: true,
  }])),
});
const now = 1_700_000_000_000;
const health = createHealthBoard();
const tally = createHealthTally();
slugs.forEach((slug, failed) => {
  for (let each = 0; each < 1_000; each += 1) tally.record('lab/one@' + slug, { verdict: each < failed ? 'failed' : 'succeeded', timeToFirstTokenMs: each }, each * 200);
});
health.hear({ instance: 'w', clockMs: 200_000, endpoints: tally.all(200_000), credentials: [] }, now);
const policy = rulesOfPolicy({ ...stamp, id: 'p', ignoredProviders: ['p3'], dataCollection: 'deny' });
const request = {
  v: 1, generationId: 'g', identity: {}, models: ['lab/one'], preferences: { order: ['p7'], maxPrice: { prompt: '1000' } },
  features: { api: 'chat', dialect: 'd', stream: true, bodyBytes: 1, inputTokensEstimate: 20, parameters: ['tools', 'temperature'], inputModalities: ['text'], outputModalities: ['text'], toolCount: 1, messageCount: 1, conversation: 'c' },
};
const times = [];
const copies = [];
for (let run = 0; run < 6_000; run += 1) {
  const before = performance.now();
  const plan = planRoute(request, policy, { index, health, ownKeys: NO_OWN_KEYS, nowMs: now }, Math.random);
  if (run >= 2_000) times.push(performance.now() - before);
  const middle = performance.now();
  JSON.parse(JSON.stringify(plan));
  if (run >= 2_000) copies.push(performance.now() - middle);
  if (plan.attempts.length + plan.excluded.length !== 30) throw new Error('a plan that does not tell of every endpoint');
}
const medianOf = (all) => all.sort((a, b) => a - b)[2_000];
console.log(medianOf(times) / medianOf(copies));
`;

describe('the cost of a plan', () => {
  // As a ratio, which other load does not move (0.8 to 0.9); what it is in microseconds is measured by `npm run bench:routing`.
  it('is less than twice the one of copying the plan as JSON, with 30 endpoints', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', measure], {
      cwd: process.cwd(),
    });
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).toBeLessThan(2);
  });
});
