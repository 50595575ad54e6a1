// What a request for images comes to, and what is refused.
import type { ChatRequest } from '../openai-chat/chat-request.js';
import { images } from './images.js';

const read = (fields: object = {}): ChatRequest =>
  images.readRequest(Buffer.from(JSON.stringify({ model: 'lab/paint', prompt: 'a red panda', ...fields })), {
    hash: (text) => text,
  });
const reference = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };

it('is bounded by the images that are asked for, by piece and by token', () => {
  expect(read({ n: 3, input_references: [reference] })).toMatchObject({
    inputs: 3,
    inputImages: 1,
    stream: false,
    pieces: { outputImages: 3, imageOutput: 3 * 16_384 },
    features: {
      api: 'images',
      dialect: 'images',
      maxOutputTokens: 0,
      inputModalities: ['text', 'image'],
      outputModalities: [],
    },
  });
  expect(read({ n: 3 }).inputTokensMax).toBe(3 * read().inputTokensMax + 3 * ',"n":3'.length);
});

it.each<[string, object]>([
  ['a tier as size', { size: '2K' }],
  ['the same tier twice', { size: '2K', resolution: '2K' }],
  ['a tier and a ratio', { size: '2K', aspect_ratio: '16:9' }],
  ['pixels', { size: '1536x1024' }],
  ['pixels of the ratio', { size: '1536x1024', aspect_ratio: '3:2' }],
  ['pixels of about the ratio', { size: '1360x768', aspect_ratio: '16:9' }],
  ['pixels of the tier', { size: '1536x1024', resolution: '1K' }],
  ['pixels in any ratio', { size: '1536x1024', aspect_ratio: 'auto' }],
  ['whatever the provider likes', { size: 'auto', background: 'transparent', output_format: 'webp' }],
])('%s is taken', (_name, fields) => {
  expect(read(fields).warnings).toEqual([]);
});

it.each<[string, object, string]>([
  ['no prompt', { prompt: null }, 'prompt: Invalid request: prompt is required'],
  ['an empty prompt', { prompt: '' }, 'prompt: String must contain at least 1 character(s)'],
  ['a prompt that is none', { prompt: 7 }, 'prompt: Expected string, received number'],
  ['no image', { n: 0 }, 'n: Number must be greater than or equal to 1, received 0'],
  ['half an image', { n: 1.5 }, 'n: Expected integer, received 1.5'],
  ['too many', { n: 11 }, 'n: Number must be less than or equal to 10, received 11'],
  ['a size of no kind', { size: 'big' }, 'size: Expected a tier (512, 1K, 2K, 4K), pixels such as 1024x1024, or auto'],
  ['a size that is no text', { size: 1024 }, 'size: Expected string, received number'],
  ['two tiers', { size: '2K', resolution: '4K' }, "resolution: '4K' differs from size '2K'; send one of them"],
  [
    'pixels of another tier',
    { size: '1024x1024', resolution: '4K' },
    "resolution: '4K' differs from size '1024x1024'; send one of them",
  ],
  [
    'pixels of another ratio',
    { size: '1024x1024', aspect_ratio: '16:9' },
    "aspect_ratio: '16:9' differs from size '1024x1024'; send one of them",
  ],
  ['an unknown ratio', { aspect_ratio: '7:5' }, 'aspect_ratio: Invalid enum value.'],
  [
    'an unknown quality',
    { quality: 'hd' },
    "quality: Invalid enum value. Expected 'auto' | 'low' | 'medium' | 'high', received \"hd\"",
  ],
  [
    'an address',
    { response_format: 'url' },
    'response_format: Invalid enum value. Expected \'b64_json\', received "url"',
  ],
  [
    'a transparent jpeg',
    { background: 'transparent', output_format: 'jpeg' },
    "background: 'transparent' needs png or webp, received output_format 'jpeg'",
  ],
  [
    'more than all compression',
    { output_compression: 101 },
    'output_compression: Number must be less than or equal to 100, received 101',
  ],
  [
    'a reference that is none',
    { input_references: [{}] },
    'input_references[0].image_url.url: Expected string, received undefined',
  ],
  [
    'too many references',
    { input_references: Array.from({ length: 17 }, () => reference) },
    'input_references: Array must contain at most 16 element(s), received 17',
  ],
])('%s is refused', (_name, fields, message) => {
  expect(() => read(fields)).toThrow(message);
});
