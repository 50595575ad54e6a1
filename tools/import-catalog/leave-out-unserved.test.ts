// What nobody can ask for is not offered: the table of jobs is what the provider dialects have, and what is not in it is left out and told.
import { PROVIDER_DIALECTS, findProviderDialect } from '@waystation/providers';
import { JOBS_OF_DIALECT } from './curated/jobs-of-dialect.ts';
import type { Draft } from './draft-listed.ts';
import { leaveOutUnserved } from './leave-out-unserved.ts';
import { createReport } from './report.ts';

it('knows the jobs that the dialects of providers have', () => {
  const real = PROVIDER_DIALECTS.flatMap((name) => {
    const jobs = [...(findProviderDialect(name)?.jobs?.keys() ?? [])];
    return jobs.length === 0 ? [] : [[name, jobs.sort()] as const];
  });
  const told = Object.entries(JOBS_OF_DIALECT).map(([name, jobs]) => [name, [...jobs].sort()] as const);
  expect(told.sort()).toEqual(real.sort());
});

const draft = (upstreamModel: string, api?: string, price: Record<string, string> = { input: '1' }): Draft => ({
  ...{ listedAs: '', upstreamModel },
  endpoint: { ...{ upstreamModel, context: 10, price }, ...(api && { apis: [api] }) },
});
const left = (slug: string, dialect: string, ...drafts: Draft[]) => {
  const report = createReport();
  const head = { ...{ slug, name: slug, dialect, baseUrl: 'https://lab' }, ...{ keyVariables: [] } };
  const [provider] = leaveOutUnserved(
    [{ head: { ...head, credential: { kind: 'bearer' as const } }, endpoints: drafts }],
    report,
  );
  return { kept: provider?.endpoints.map(({ upstreamModel }) => upstreamModel), report, provider };
};

it('leaves out what no request can be built for, and tells it', () => {
  const { kept, report } = left('bedrock', 'bedrock-converse', draft('a'), draft('b', 'rerank'), draft('c', 'images'));
  expect(kept).toEqual(['a', 'b']);
  expect(report.text()).toContain('| bedrock | `c` | images by the dialect bedrock-converse |');
});

it('leaves out a job that a provider of the dialect has in another way', () => {
  const { kept, report } = left('alibaba', 'openai-chat', draft('asr', 'transcriptions'), draft('e', 'embeddings'));
  expect(kept).toEqual(['e']);
  expect(report.text()).toContain('transcriptions by way of chat completions');
});

it('leaves out the models of a job whose shape is not known', () => {
  const known = ['amazon.titan-embed-text-v2:0', 'amazon.titan-embed-g1-text-02', 'us.cohere.embed-v4:0'];
  const unknown = ['amazon.titan-embed-image-v1', 'us.twelvelabs.marengo-embed-2-7-v1:0'];
  const { kept, report } = left(
    ...(['bedrock', 'bedrock-converse'] as const),
    ...[...known, ...unknown].map((model) => draft(model, 'embeddings')),
  );
  expect(kept).toEqual(known);
  for (const model of unknown) expect(report.text()).toContain(`| bedrock | \`${model}\` |`);
});

it('offers the models of Gemini that draw as what they are: a conversation that has images in it', () => {
  const { provider } = left(
    ...(['google', 'gemini'] as const),
    ...[draft('gemini-9-image', 'images', { imageOutput: '30' }), draft('gemini-8-image', 'images')],
    draft('imagen-9', 'images', { imageOutput: '30' }),
  );
  expect(provider?.endpoints.map(({ endpoint }) => endpoint)).toEqual([
    expect.objectContaining({ upstreamModel: 'gemini-9-image', outputModalities: ['text', 'image'] }),
  ]);
  expect(provider?.endpoints[0]?.endpoint.apis).toBeUndefined();
});
