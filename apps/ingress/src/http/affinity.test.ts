// Over real HTTP: a generation that fell back tells where its conversation was served, and one that may not know of a home tells nothing.
import { WaystationError, type AffinityEntry, type RoutePlanReply } from '@waystation/contracts';
import { affinityKeyOf } from '@waystation/runtime';
import { chunk, inferenceKey, planned, serving } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
});
afterEach(async () => {
  await ingress.close();
});

const home = planned('alpha').endpointId;
const other = planned('beta').endpointId;
const planWith = (affinity?: RoutePlanReply['affinity']): void =>
  void ingress.bus.rpc.set('route.plan', () => ({
    ...{ attempts: [planned('alpha'), planned('beta')], excluded: [], snapshotRevision: 1, strategy: 'conversation' },
    affinity,
  }));
const ask = async (): Promise<string> => {
  const response = await fetch(`${ingress.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${inferenceKey}`, 'content-type': 'application/json', 'x-session-id': 'talk' },
    body: JSON.stringify({ model: 'lab/small', stream: true, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  return response.text();
};
const conversation = (): string =>
  (ingress.bus.asked.find(({ name }) => name === 'route.plan')?.request as { features: { conversation: string } })
    .features.conversation;
const told = async (): Promise<AffinityEntry | undefined> =>
  (await (await ingress.bus.kv('affinity')).get(affinityKeyOf('default', 'lab/small', conversation()))) as
    AffinityEntry | undefined;
const fallBack = (): void => {
  ingress.bus.worker = (stream, ordinal) =>
    ordinal === 0
      ? stream.reader.fail(new WaystationError('provider_overloaded', 'ALPHA is overloaded.'))
      : serving([chunk('beta')])(stream, ordinal);
};

it('what fell back is told to be there', async () => {
  planWith([{ model: 'lab/small', home }]);
  fallBack();
  expect(await ask()).toContain('beta');
  expect(await told()).toMatchObject({ v: 1, endpointId: other });
  expect(await ingress.context.metrics.registry.metrics()).toContain(
    'waystation_ingress_affinity_writes_total{write="moved"} 1',
  );
});

it('what is served at home again is taken back', async () => {
  planWith([{ model: 'lab/small', home }]);
  fallBack();
  await ask();
  planWith([{ model: 'lab/small', home, override: { endpointId: other, at: Date.now() } }]);
  ingress.bus.worker = serving([chunk('alpha')]);
  expect(await ask()).toContain('alpha');
  expect(await told()).toBeUndefined();
});

it('what has no home tells nothing', async () => {
  planWith();
  fallBack();
  await ask();
  expect(await (await ingress.bus.kv('affinity')).keys()).toEqual([]);
});

it('a bucket that does not answer costs the client nothing', async () => {
  planWith([{ model: 'lab/small', home }]);
  fallBack();
  ingress.bus.kvAnswers = false;
  expect(await ask()).toContain('[DONE]');
});
