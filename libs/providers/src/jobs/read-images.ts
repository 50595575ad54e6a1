// Images as an answer, in OpenAI's shape: base64, each with its media type. https://platform.openai.com/docs/api-reference/images/object
import type { WaystationError } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import { isRecord, numberOf, recordOf, recordsOf, textOf, type JsonObject } from '../json-shape.js';
import { parseInBandError } from '../provider-error.js';
import type { JobAnswer, ResponseTerms } from '../spec.js';

/** How files of a kind begin, in base64. */
const SIGNATURES: readonly (readonly [start: string, mediaType: string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['UklGR', 'image/webp'],
  ['PHN2Zy', 'image/svg+xml'],
  ['PD94bWw', 'image/svg+xml'],
];

const imageOf = (item: JsonObject): JsonObject | undefined => {
  const base64 = textOf(item['b64_json']);
  if (base64 === undefined) return undefined;
  const mediaType = SIGNATURES.find(([start]) => base64.startsWith(start))?.[1] ?? textOf(item['media_type']);
  return { b64_json: base64, ...(mediaType === undefined ? {} : { media_type: mediaType }) };
};

/** Tokens of images that go in and that come out are classes of their own. */
const usageOf = (usage: JsonObject, images: number): Usage | undefined => {
  const [input, output] = [numberOf(usage['input_tokens']), numberOf(usage['output_tokens'])];
  if (input === undefined && output === undefined) return undefined;
  const ofImages = numberOf(recordOf(usage['input_tokens_details'])['image_tokens']) ?? 0;
  return {
    input: (input ?? 0) - ofImages,
    ...(ofImages === 0 ? {} : { imageInput: ofImages }),
    imageOutput: output ?? 0,
    outputImages: images,
  };
};

export const readImages = (body: Buffer, terms: ResponseTerms): JobAnswer | WaystationError | undefined => {
  const value: unknown = JSON.parse(body.toString('utf8'));
  if (!isRecord(value)) return undefined;
  if ((value['error'] ?? null) !== null) return parseInBandError(body.toString('utf8'), terms);
  const images = recordsOf(value['data']).map(imageOf);
  if (images.length === 0 || images.includes(undefined)) return undefined;
  const created = numberOf(value['created']) ?? Number(terms.generationId.split('-')[1]);
  return {
    body: Buffer.from(JSON.stringify({ created, data: images })),
    usage: usageOf(recordOf(value['usage']), images.length),
    pieces: { outputImages: images.length },
  };
};
