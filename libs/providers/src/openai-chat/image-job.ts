// Images as OpenAI makes them: our tiers and ratios become one of its sizes. https://platform.openai.com/docs/api-reference/images/create
import { pixelsOf, ratioOf } from '@waystation/dialects';
import { cannotTake } from '../jobs/embeddings-input.js';
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { readImages } from '../jobs/read-images.js';
import { present, type JsonObject } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Job } from '../spec.js';

const [SQUARE, WIDE, TALL] = ['1024x1024', '1536x1024', '1024x1536'];
const USUAL_TIER = '1K';

const sizeOf = ({ size, resolution, aspect_ratio: aspect }: JsonObject, losses: Losses): string | undefined => {
  if (size === 'auto' || pixelsOf(size) !== undefined) return String(size);
  const tier = size ?? resolution;
  if (tier !== undefined && tier !== null && tier !== USUAL_TIER)
    losses.lose(
      size === tier ? 'size' : 'resolution',
      `The endpoint that served this makes images of ${USUAL_TIER} only.`,
    );
  const ratio = ratioOf(aspect);
  if (ratio === undefined) return tier === undefined || tier === null ? undefined : SQUARE;
  const nearest = ratio === 1 ? SQUARE : ratio > 1 ? WIDE : TALL;
  if (![1, 3 / 2, 2 / 3].includes(ratio))
    losses.lose('aspect_ratio', `The endpoint that served this has no such ratio; the nearest is ${nearest}.`);
  return nearest;
};

const KNOWN = [
  ...['model', 'prompt', 'n', 'size', 'resolution', 'aspect_ratio', 'quality', 'output_format', 'output_compression'],
  ...['background', 'input_references', 'response_format'],
];
/** Passed on as they are where they are set. */
const SAME = ['n', 'quality', 'output_format', 'output_compression', 'background'] as const;

export const imageJob: Job = (request) => {
  const { upstreamModel, endUser, quirks } = request;
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(KNOWN, fields, losses);
  const references = fields['input_references'];
  if (Array.isArray(references) && references.length > 0)
    throw cannotTake('input_references', 'makes images of a prompt alone');
  if (fields['output_format'] === 'svg') throw cannotTake('output_format', 'makes no svg');
  const body = {
    model: upstreamModel,
    prompt: fields['prompt'],
    ...present({
      size: sizeOf(fields, losses),
      ...Object.fromEntries(SAME.map((name) => [name, fields[name] ?? undefined])),
      user: endUser,
      // Older models and followers of OpenAI answer with an address unless told not to.
      response_format: quirks['asksForBase64'] === true ? 'b64_json' : undefined,
    }),
  };
  return {
    upstream: jobUpstream(
      typeof quirks['imagesPath'] === 'string' ? quirks['imagesPath'] : '/images/generations',
      Buffer.from(JSON.stringify(body)),
      losses.warnings,
    ),
    readAnswer: readImages,
  };
};
