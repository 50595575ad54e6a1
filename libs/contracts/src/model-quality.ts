// How good a model is, as the operator measures it: figures from 0 to 1, by what they are about. The catalog that comes with the station has none, and nothing is guessed.
import { z } from 'zod';

/** What a figure may be about. `coding` is what the reference's `min_coding_score` asks of. */
export const QUALITY_MEASURES = ['coding', 'general'] as const;
export type QualityMeasure = (typeof QUALITY_MEASURES)[number];

const figure = z.number().min(0).max(1);

export const modelQuality = z.object({ coding: figure.optional(), general: figure.optional() });
export type ModelQuality = z.infer<typeof modelQuality>;
