// The random source of a plan: drawn from the generation's id, which is random itself. So whoever knows the id can make the same draws again, and nothing has to be kept.
import { hashText, uniformOf } from './rendezvous.js';

/** Every call gives the next number of 0 ≤ x < 1. */
export const randomOf = (generationId: string): (() => number) => {
  const seed = hashText(generationId);
  let drawn = 0;
  return () => {
    drawn += 1;
    return uniformOf(seed, { high: drawn, low: Math.imul(drawn, 0x9e3779b1) });
  };
};
