// The fakes at the edges do what tests believe of them.
import { fakeUpstream, tcpBalancer } from './index.ts';

const text = async (url: string): Promise<string> => (await fetch(url, { headers: { connection: 'close' } })).text();

test('a fake upstream answers by its script and remembers what it was asked', async () => {
  const upstream = await fakeUpstream((_, reply) => reply.json(429, { error: 'slow down' }, { 'retry-after': '3' }));
  const answer = await fetch(`${upstream.url}/v1/x`, { method: 'POST', body: '{"a":1}' });
  expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
    429,
    '3',
    { error: 'slow down' },
  ]);
  expect(upstream.requests.map(({ method, path, json }) => [method, path, json()])).toEqual([
    ['POST', '/v1/x', { a: 1 }],
  ]);
  await upstream.close();
});

test('a fake upstream notices that its client has gone', async () => {
  const upstream = await fakeUpstream((_, reply) =>
    reply.sse(
      Array.from({ length: 1_000 }, (__, n) => ({ n })),
      { everyMs: 5 },
    ),
  );
  const abort = new AbortController();
  const answer = await fetch(upstream.url, { signal: abort.signal });
  await answer.body?.getReader().read();
  expect(upstream.requests[0]?.abandoned).toBe(false);
  abort.abort();
  await upstream.requests[0]?.over;
  expect(upstream.requests[0]?.abandoned).toBe(true);
  await upstream.close();
});

test('a fake upstream can hang up in the middle of a stream', async () => {
  const upstream = await fakeUpstream(async (_, reply) => {
    await reply.sse(['one'], { end: false });
    reply.hangUp();
  });
  const answer = await fetch(upstream.url);
  await expect(answer.text()).rejects.toThrow();
  await upstream.close();
});

test('a balancer shares connections among those that are ready, and goes round one that is gone', async () => {
  const [one, two] = await Promise.all(['one', 'two'].map((name) => fakeUpstream((_, reply) => reply.json(200, name))));
  if (one === undefined || two === undefined) throw new Error('unreachable');
  const balancer = await tcpBalancer([{ port: one.port }, { port: two.port }]);
  const answers = [
    await text(balancer.url),
    await text(balancer.url),
    await text(balancer.url),
    await text(balancer.url),
  ];
  expect(answers.toSorted()).toEqual(['"one"', '"one"', '"two"', '"two"']);
  await one.close();
  expect([await text(balancer.url), await text(balancer.url)]).toEqual(['"two"', '"two"']);
  await balancer.close();
  await two.close();
});

test('a balancer leaves out a target that says it is not ready', async () => {
  let ready = false;
  const probe = await fakeUpstream((_, reply) => reply.json(ready ? 200 : 503, {}));
  const [one, two] = await Promise.all(['one', 'two'].map((name) => fakeUpstream((_, reply) => reply.json(200, name))));
  if (one === undefined || two === undefined) throw new Error('unreachable');
  const balancer = await tcpBalancer([{ port: one.port, readyUrl: probe.url }, { port: two.port }]);
  expect([await text(balancer.url), await text(balancer.url)]).toEqual(['"two"', '"two"']);
  ready = true;
  while ((await text(balancer.url)) !== '"one"') await new Promise((resolve) => setTimeout(resolve, 20));
  expect(balancer.counts[0]).toBeGreaterThan(0);
  await balancer.close();
  await Promise.all([one.close(), two.close(), probe.close()]);
});
