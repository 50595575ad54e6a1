// A completion whose endpoint has prices by service tier and by image: asked for, held for, billed and journalled by the tier that served.
import type { RoutePlanReply } from '@waystation/contracts';
import { completion, inferenceKey, planned, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

const price = {
  perUnit: { input: '1000000', output: '2000000', inputImages: '5000000' },
  serviceTiers: {
    flex: { perUnit: { input: '500000', output: '1000000' } },
    priority: { perUnit: { input: '2000000', output: '4000000', inputImages: '5000000' } },
  },
};
const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
const BODY = {
  model: 'lab/small',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'What?' }, image, image] }],
};

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
  ingress.bus.rpc.set('route.plan', (): RoutePlanReply => ({
    ...{ attempts: [planned('alpha', { price })], excluded: [], snapshotRevision: 1, strategy: 'price' },
  }));
});
afterEach(async () => {
  await ingress.close();
});

const cost = async (asked: string | undefined, told: string | undefined): Promise<number | undefined> => {
  const usage = { input: 10, output: 5, inputImages: 2 };
  ingress.bus.worker = serving([completion('x')], { usage, ...(told === undefined ? {} : { serviceTier: told }) });
  const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...BODY, ...(asked === undefined ? {} : { service_tier: asked }) }),
  });
  return ((await response.json()) as { usage?: { cost: number } }).usage?.cost;
};

it.each<[string | undefined, string | undefined, number]>([
  ['flex', 'flex', 0.00001],
  ['priority', 'priority', 0.00005],
  ['priority', 'default', 0.00003],
  [undefined, undefined, 0.00003],
  [undefined, 'priority', 0.00005],
])('asked for %s and served at %s it costs %d USD, and the journal says the same', async (asked, told, expected) => {
  expect(await cost(asked, told)).toBe(expected);
  expect(ingress.bus.trailLines[0]?.costPicodollars).toBe(String(Math.round(expected * 1e12)));
  const [attempt] = ingress.bus.factLines[0]?.attempts ?? [];
  expect(attempt?.serviceTier).toBe(told);
  expect(attempt?.usage).toEqual({ input: 10, output: 5, inputImages: 2 });
});

it('tells the worker what was asked for, and how many images the prompt has', async () => {
  await cost('flex', 'flex');
  expect(ingress.bus.streams[0]?.request).toMatchObject({ serviceTier: 'flex', inputImages: 2 });
});

it('holds for the tier that is asked for, and for any where none is', async () => {
  const holds: (string | undefined)[] = [];
  for (const asked of ['flex', 'priority', undefined]) {
    await cost(asked, asked);
    holds.push(ingress.bus.streams.at(-1)?.request.holdPicodollars);
  }
  // A context full of prompt, a thousand tokens of output, two images; a flex call may be served at the standard tier.
  expect(holds).toEqual(['102010000000', '204010000000', '204010000000']);
});
