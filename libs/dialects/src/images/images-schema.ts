// The wire shapes of images, for the reference document.
import { JOB_FIELDS, TOLERANT } from '../jobs/job-schema.js';
import {
  answer,
  describe,
  flag,
  integer,
  listOf,
  oneOfWords,
  ref,
  text,
  type SchemaData,
} from '../schema/schema-data.js';
import { ASPECT_RATIOS } from './image-size.js';

export const IMAGES_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  ImagesRequest: {
    type: 'object',
    description: TOLERANT,
    required: ['prompt'],
    properties: {
      ...JOB_FIELDS,
      prompt: { type: 'string', minLength: 1, maxLength: 100_000 },
      n: integer(1, 10),
      size: describe(
        text({ pattern: '^(auto|512|[124]K|\\d{2,5}x\\d{2,5})$' }),
        'A tier, pixels such as `1024x1024`, or `auto`; pixels must fit the tier and the ratio where those are named too',
      ),
      resolution: oneOfWords('512', '1K', '2K', '4K'),
      aspect_ratio: oneOfWords(...ASPECT_RATIOS),
      quality: oneOfWords('auto', 'low', 'medium', 'high'),
      output_format: oneOfWords('png', 'jpeg', 'webp', 'svg'),
      output_compression: integer(0, 100),
      background: oneOfWords('auto', 'transparent', 'opaque'),
      seed: integer(),
      response_format: describe(oneOfWords('b64_json'), 'There are no addresses here'),
      input_references: listOf(
        {
          type: 'object',
          required: ['image_url'],
          properties: {
            image_url: { type: 'object', required: ['url'], properties: { url: { type: 'string' } } },
          },
        },
        16,
      ),
      stream: describe(flag(), 'Without effect: images come in one body, and a warning of the generation says so'),
    },
  },
  Images: answer(
    {
      created: { type: 'integer', description: 'Unix seconds' },
      data: {
        type: 'array',
        items: answer({ b64_json: { type: 'string' }, media_type: { type: 'string' } }, ['media_type']),
      },
      usage: describe(ref('ChatUsage'), 'Tokens, where they are what is billed, and the cost'),
    },
    ['usage'],
  ),
};
