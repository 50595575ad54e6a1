// The partition of a generation: the day inside its id, never that of arrival, so that a line delivered again meets its first copy.
import { unixOfGeneration } from '@waystation/contracts';

/** The UTC day as `YYYY-MM-DD`. */
export const dayOfGeneration = (generationId: string): string =>
  new Date(unixOfGeneration(generationId) * 1000).toISOString().slice(0, 10);
