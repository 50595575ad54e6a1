// An embeddings answer in OpenAI's shape: its vectors pass unread, our id and model are put into its bytes. https://platform.openai.com/docs/api-reference/embeddings/object
import type { WaystationError } from '@waystation/contracts';
import { editMembers, scanTopLevelFields } from '@waystation/dialects';
import type { Usage } from '@waystation/generation';
import { numberOf, recordOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import type { JobAnswer, ResponseTerms } from '../spec.js';

const FIELDS: ReadonlySet<string> = new Set(['id', 'model', 'object', 'data', 'usage', 'error']);

/** Tokens that the provider tells by modality are taken out of those of text: classes are disjoint. */
const usageOf = (usage: JsonObject): Usage | undefined => {
  const all = numberOf(usage['prompt_tokens']) ?? numberOf(usage['total_tokens']);
  if (all === undefined) return undefined;
  const details = recordOf(usage['prompt_tokens_details']);
  const images = numberOf(details['image_tokens']) ?? 0;
  const audio = numberOf(details['audio_tokens']) ?? 0;
  return {
    input: all - images - audio,
    ...(images === 0 ? {} : { imageInput: images }),
    ...(audio === 0 ? {} : { audioInput: audio }),
  };
};

export const readEmbeddings = (body: Buffer, terms: ResponseTerms): JobAnswer | WaystationError | undefined => {
  const spans = scanTopLevelFields(body, FIELDS);
  if (spans === undefined) return undefined;
  const valueOf = (key: string): unknown => {
    const span = spans.findLast((each) => each.key === key);
    return span === undefined ? undefined : JSON.parse(body.toString('utf8', span.valueStart, span.valueEnd));
  };
  if ((valueOf('error') ?? null) !== null) return parseInBandError(body.toString('utf8'), terms);
  const data = spans.findLast(({ key }) => key === 'data');
  // A list that is not empty. What stands in it is the client's to read.
  if (
    data === undefined ||
    !/^\[\s*\{/.test(body.toString('latin1', data.valueStart, Math.min(data.valueEnd, data.valueStart + 64)))
  )
    return undefined;
  const upstreamId = textOf(valueOf('id'));
  const own = { id: terms.generationId, model: terms.model, object: 'list' };
  const usage = usageOf(recordOf(valueOf('usage')));
  return {
    body: editMembers(body, {
      replace: spans.flatMap((span) =>
        span.key in own ? [{ span, json: JSON.stringify(own[span.key as keyof typeof own]) }] : [],
      ),
      insert: Object.entries(own)
        .filter(([key]) => !spans.some((span) => span.key === key))
        .map(([key, value]) => ({ key, json: JSON.stringify(value) })),
    }),
    usage,
    ...(upstreamId === undefined ? {} : { upstreamId }),
  };
};
