// What a request says of an image's size: a tier, a ratio, or pixels. Pixels are authoritative; what contradicts them is refused. The reference API, section 4.4.
import { checkOptional, oneOf, refuse, typeOf, type JsonObject } from '../openai-chat/check-type.js';

export const ASPECT_RATIOS = [
  ...['1:1', '1:2', '1:4', '1:8', '2:1', '2:3', '3:2', '3:4', '4:1', '4:3', '4:5', '5:4', '8:1', '9:16', '16:9'],
  ...['9:19.5', '19.5:9', '9:20', '20:9', '9:21', '21:9', 'auto'],
] as const;

const TIERS: Readonly<Record<string, number>> = { '512': 512, '1K': 1_024, '2K': 2_048, '4K': 4_096 };
const PIXELS = /^(\d{2,5})x(\d{2,5})$/;
/** Providers round sides to multiples of their own. */
const RATIO_TOLERANCE = 0.03;

export interface Pixels {
  readonly width: number;
  readonly height: number;
}

/** Undefined for a tier, or anything else. */
export const pixelsOf = (size: unknown): Pixels | undefined => {
  const match = typeof size === 'string' ? PIXELS.exec(size) : null;
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) };
};

/** Width by height of `16:9`; undefined for `auto` and where nothing is said. */
export const ratioOf = (aspect: unknown): number | undefined => {
  const [width, height] = typeof aspect === 'string' ? aspect.split(':').map(Number) : [];
  return width === undefined || height === undefined ? undefined : width / height;
};

/** A tier has about so many pixels, whatever their ratio. */
const isOfTier = ({ width, height }: Pixels, tier: number): boolean => {
  const side = Math.sqrt(width * height) / tier;
  return side >= Math.SQRT1_2 && side < Math.SQRT2;
};

/** @throws WaystationError `invalid_request` */
export const checkSize = (body: JsonObject): void => {
  const { size, resolution, aspect_ratio: aspect } = body;
  checkOptional('resolution', resolution, oneOf(Object.keys(TIERS)));
  checkOptional('aspect_ratio', aspect, oneOf(ASPECT_RATIOS));
  if (size === undefined || size === null || size === 'auto') return;
  if (typeof size !== 'string') return refuse('size', `Expected string, received ${typeOf(size)}`);
  const pixels = pixelsOf(size);
  if (pixels === undefined) {
    if (TIERS[size] === undefined)
      refuse('size', `Expected a tier (${Object.keys(TIERS).join(', ')}), pixels such as 1024x1024, or auto`);
    if (typeof resolution === 'string' && resolution !== size)
      refuse('resolution', `'${resolution}' differs from size '${size}'; send one of them`);
    return;
  }
  const tier = typeof resolution === 'string' ? TIERS[resolution] : undefined;
  if (tier !== undefined && !isOfTier(pixels, tier))
    refuse('resolution', `'${String(resolution)}' differs from size '${size}'; send one of them`);
  const ratio = ratioOf(aspect);
  if (ratio !== undefined && Math.abs(pixels.width / pixels.height / ratio - 1) > RATIO_TOLERANCE)
    refuse('aspect_ratio', `'${String(aspect)}' differs from size '${size}'; send one of them`);
};
