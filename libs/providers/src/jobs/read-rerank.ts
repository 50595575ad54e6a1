// A reranker's answer, whatever its provider calls things: results out of `results` or `data`, each with the document of the request that it is about.
// Shapes: https://docs.cohere.com/reference/rerank, https://docs.together.ai/reference/rerank-1, https://jina.ai/reranker, https://docs.voyageai.com/reference/reranker-api,
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html
import type { WaystationError } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import { isRecord, numberOf, recordOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import type { AskedJob, JobAnswer, ResponseTerms } from '../spec.js';

const DOCUMENTS_A_UNIT = 100;

/** Tokens where the provider counts tokens, search units where it counts those: `meta.billed_units` is Cohere's. */
const usageOf = (value: JsonObject): Usage | undefined => {
  const usage = recordOf(value['usage']);
  const billed = recordOf(recordOf(value['meta'])['billed_units']);
  const tokens =
    numberOf(usage['total_tokens']) ?? numberOf(usage['prompt_tokens']) ?? numberOf(billed['input_tokens']);
  const units = numberOf(billed['search_units']) ?? numberOf(usage['search_units']);
  if (tokens === undefined && units === undefined) return undefined;
  return {
    ...(tokens === undefined ? {} : { input: tokens }),
    ...(units === undefined ? {} : { searchUnits: units }),
  };
};

/** The document as the reference echoes it. */
const documentOf = (document: unknown): JsonObject => {
  if (typeof document === 'string') return { text: document };
  const { text, image } = recordOf(document);
  return { ...(textOf(text) === undefined ? {} : { text }), ...(textOf(image) === undefined ? {} : { image }) };
};

const resultOf = (result: unknown, documents: readonly unknown[]): JsonObject | undefined => {
  if (!isRecord(result)) return undefined;
  const index = numberOf(result['index']);
  const score = numberOf(result['relevance_score']) ?? numberOf(result['relevanceScore']) ?? numberOf(result['score']);
  if (index === undefined || score === undefined || !(index in documents)) return undefined;
  return { index, relevance_score: score, document: documentOf(documents[index]) };
};

export const rerankAnswer = (documents: readonly unknown[]): Pick<AskedJob, 'readAnswer' | 'estimatedPieces'> => ({
  estimatedPieces: { searchUnits: Math.ceil(documents.length / DOCUMENTS_A_UNIT) },
  readAnswer(body: Buffer, terms: ResponseTerms): JobAnswer | WaystationError | undefined {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (!isRecord(value)) return undefined;
    if ((value['error'] ?? null) !== null) return parseInBandError(body.toString('utf8'), terms);
    const told = value['results'] ?? value['data'];
    if (!Array.isArray(told) || told.length === 0) return undefined;
    const results = told.map((result: unknown) => resultOf(result, documents));
    if (results.includes(undefined)) return undefined;
    const upstreamId = textOf(value['id']);
    const { generationId: id, model, providerName: provider } = terms;
    return {
      body: Buffer.from(JSON.stringify({ id, model, provider, results })),
      usage: usageOf(value),
      ...(upstreamId === undefined ? {} : { upstreamId }),
    };
  },
});
