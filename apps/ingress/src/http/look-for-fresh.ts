// What the trail tells of a generation that just ended is on its way to the log: it is looked for a few times before it counts as unknown.
import { setTimeout as wait } from 'node:timers/promises';
import { WaystationError, toWaystationError, unixOfGeneration } from '@waystation/contracts';

const GENERATION_ID = /^gen-\d{10}-[0-9A-Za-z]{20}$/;
const FRESH_SECONDS = 60;
const LOOKS_MAX = 15;
const LOOK_AGAIN_MS = 150;

export const unknownGeneration = (id: string): WaystationError =>
  new WaystationError('not_found', `Generation ${JSON.stringify(id.slice(0, 64))} not found`);

/** @throws WaystationError `invalid_request` where none is named, `not_found` for what names no generation */
export const generationIdOf = (id: unknown): string => {
  if (typeof id !== 'string' || id === '')
    throw new WaystationError('invalid_request', 'id: Required', { details: { field: 'id' } });
  if (!GENERATION_ID.test(id)) throw unknownGeneration(id);
  return id;
};

/** What `look` finds; undefined where it goes on answering `not_found`. */
export const lookForFresh = async <Found>(
  generationId: string,
  look: () => Promise<Found>,
): Promise<Found | undefined> => {
  const isFresh = Math.abs(Date.now() / 1000 - unixOfGeneration(generationId)) < FRESH_SECONDS;
  for (let looks = 1; ; looks += 1) {
    try {
      return await look();
    } catch (thrown) {
      const error = toWaystationError(thrown);
      if (error.code !== 'not_found') throw error;
      if (!isFresh || looks >= LOOKS_MAX) return undefined;
      await wait(LOOK_AGAIN_MS);
    }
  }
};
