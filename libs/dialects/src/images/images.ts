// `POST /images`: images out of a prompt, as base64 in one body. The reference API, section 4.4.
import type { Warning } from '@waystation/generation';
import { jobFields, readJob } from '../jobs/read-job.js';
import { putUsage } from '../json/put-usage.js';
import {
  aListOf,
  aStringOf,
  anInteger,
  anObject,
  checkOptional,
  isObject,
  oneOf,
  refuse,
  typeOf,
  type Check,
  type JsonObject,
} from '../openai-chat/check-type.js';
import { chatUsageJson } from '../openai-chat/write-chat-response.js';
import type { JobDialect } from '../public-dialect.js';
import { measureTokens } from '../request/measure-tokens.js';
import { parseBody } from '../request/parse-body.js';
import { toDialectError } from '../to-dialect-error.js';
import { checkSize } from './image-size.js';

const PROMPT_CHARACTERS_MAX = 100_000;
const REFERENCES_MAX = 16;
const IMAGES_MAX = 10;
/** Above what any known model bills for one image (6,240 at https://platform.openai.com/docs/guides/image-generation#cost-and-latency), for the larger ones to come. */
const OUTPUT_TOKENS_MAX = 16_384;

const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['n', anInteger(1, IMAGES_MAX)],
  ['quality', oneOf(['auto', 'low', 'medium', 'high'])],
  ['output_format', oneOf(['png', 'jpeg', 'webp', 'svg'])],
  ['output_compression', anInteger(0, 100)],
  ['background', oneOf(['auto', 'transparent', 'opaque'])],
  ['seed', anInteger(Number.MIN_SAFE_INTEGER)],
  // OpenAI's, for clients that ask for it: there are no addresses here.
  ['response_format', oneOf(['b64_json'])],
  ['input_references', aListOf(anObject, REFERENCES_MAX)],
]);

/** What a worker may edit. */
const IMAGES_FIELDS = jobFields();

const checkPrompt = (prompt: unknown): void => {
  if (prompt === undefined || prompt === null) refuse('prompt', 'Invalid request: prompt is required');
  checkOptional('prompt', prompt, aStringOf(PROMPT_CHARACTERS_MAX));
};

/** Characters of the images that stand in the body. */
const measureReferences = (references: readonly unknown[]): number =>
  references.reduce<number>((total, reference, index) => {
    const image = isObject(reference) ? reference['image_url'] : undefined;
    const url = isObject(image) ? image['url'] : undefined;
    const field = `input_references[${index}].image_url.url`;
    if (typeof url !== 'string') return refuse(field, `Expected string, received ${typeOf(url)}`);
    return total + (url.startsWith('data:') ? url.length : 0);
  }, 0);

const checkBackground = ({ background, output_format: format }: JsonObject): void => {
  if (background === 'transparent' && (format === 'jpeg' || format === 'svg'))
    refuse('background', `'transparent' needs png or webp, received output_format '${format}'`);
};

const bufferedAnyway: Warning = {
  code: 'unsupported-parameter',
  message: 'stream has no effect here: images come in one body.',
  field: 'stream',
};

export const images: JobDialect = {
  name: 'images',
  readRequest(bytes) {
    const { value: body, spans } = parseBody(bytes, IMAGES_FIELDS);
    for (const [field, check] of FIELDS) checkOptional(field, body[field], check);
    checkPrompt(body['prompt']);
    checkSize(body);
    checkBackground(body);
    const references = (body['input_references'] as unknown[] | null | undefined) ?? [];
    const mediaCharacters = measureReferences(references);
    const count = (body['n'] as number | null | undefined) ?? 1;
    const measures = { messageCount: 1, mediaCharacters, images: references.length, unbounded: false };
    const { max, estimate } = measureTokens(bytes.length, measures, 0);
    // The reference: whoever cannot stream answers with one body.
    const streams = body['stream'] === true;
    const request = readJob(streams ? { ...body, stream: false } : body, spans, {
      api: 'images',
      bodyBytes: bytes.length,
      // A provider may bill the prompt with each image.
      tokens: { max: max * count, estimate, longest: estimate },
      inputs: count,
      images: references.length,
      modalities: references.length === 0 ? ['text'] : ['text', 'image'],
      pieces: { outputImages: count, imageOutput: count * OUTPUT_TOKENS_MAX },
    });
    return streams ? { ...request, warnings: [...request.warnings, bufferedAnyway] } : request;
  },
  withBill: (answer, bill) => putUsage(answer, bill && chatUsageJson(bill)),
  toError: (error) => toDialectError(error, 'openai-chat'),
};
