// Real recordings, where they lie beside the repository: the answer holds what the provider said.
import { cohereJobs } from '../cohere-jobs/cohere-jobs.js';
import { answered, jobOf } from '../conformance/jobs.js';
import { recordingsOf } from '../conformance/recordings.js';
import { openaiChat } from '../openai-chat/openai-chat.js';
import type { Job } from '../spec.js';

const input = ['sunny day at the beach', 'rainy day in the city'];
const documents = ['0', '1', '2', '3', '4', '5'];

const COHERE = { name: 'cohere', jobs: cohereJobs };

const TRIED: Readonly<Record<string, readonly [Job, object, usage: object]>> = {
  'openai/openai-embedding': [jobOf(openaiChat, 'embeddings'), { model: 'a/b', input }, { input: 12 }],
  'cohere/cohere-embedding': [
    jobOf(COHERE, 'embeddings'),
    { model: 'a/b', input, input_type: 'search_query' },
    { input: 10 },
  ],
  'cohere/cohere-reranking.1': [
    jobOf(COHERE, 'rerank'),
    { model: 'a/b', query: 'rainy day', documents },
    { searchUnits: 1 },
  ],
  // The shape that a reranker of Bedrock answers in; it tells no usage.
  'amazon-bedrock/amazon-bedrock-reranking.1': [
    jobOf(openaiChat, 'rerank'),
    { model: 'a/b', query: 'rainy day', documents },
    { input: 100, searchUnits: 1 },
  ],
};

const recordings = recordingsOf(Object.keys(TRIED));

interface Told {
  readonly data?: readonly { readonly embedding: readonly number[] }[];
  readonly embeddings?: { readonly float: readonly (readonly number[])[] };
  readonly results?: readonly {
    readonly index: number;
    readonly relevance_score?: number;
    readonly relevanceScore?: number;
  }[];
}

/** What the provider said, without its framing. */
const said = ({ data, embeddings, results }: Told): unknown =>
  results?.map(({ index, relevance_score: score, relevanceScore }) => [index, score ?? relevanceScore]) ??
  data?.map(({ embedding }) => embedding) ??
  embeddings?.float;

if (recordings === undefined) it('has no recordings to try here', () => undefined);
else
  it.each(recordings.map(({ name, body }) => [name, body] as const))('%s', (name, body) => {
    const tried = TRIED[name];
    if (tried === undefined || body === undefined) throw new Error(`the recording ${name} has no body`);
    const [job, fields, usage] = tried;
    const { reader, text } = answered(job, fields, body);
    expect(reader.failure).toBeUndefined();
    expect(reader.report().usage).toEqual(usage);
    const provider = JSON.parse(body.toString()) as Told;
    expect(said(JSON.parse(text) as Told)).toEqual(said(provider));
  });
