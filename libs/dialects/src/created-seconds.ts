// The creation time of an answer stands in its id: `gen-<unix seconds>-<random>`.
const PATTERN = /^gen-(\d{1,12})-/;

/** Unix seconds; 0 for an id of another shape. */
export const createdSecondsOf = (generationId: string): number => Number(PATTERN.exec(generationId)?.[1] ?? 0);
