// Waiting for what will be, and how long it may take.
import { setTimeout as sleep } from 'node:timers/promises';
import { timeScaleOfEnvironment } from '../config.ts';

const LOOK_EVERY_MS = 25;

/** Looks until `probe` answers something other than undefined; rejects with what it was waiting for. */
export const until = async <Value>(
  what: string,
  withinMs: number,
  probe: () => Promise<Value | undefined> | Value | undefined,
): Promise<Value> => {
  for (const deadline = Date.now() + withinMs; ; await sleep(LOOK_EVERY_MS)) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
};

/** A time constant of the system under the scale that it runs with. */
export const scaled = (ms: number): number => ms * timeScaleOfEnvironment();

/** A figure that must be met: as it stands with real time constants, at five times the figure with short ones. */
export const deadline = (figureMs: number): number => (timeScaleOfEnvironment() === 1 ? figureMs : figureMs * 5);

const DAY_MS = 86_400_000;

/** For stories about limits of a day (UTC): where midnight is nearer than `needsMs`, waits until it is past. */
export const withinOneDay = async (needsMs: number): Promise<void> => {
  const left = DAY_MS - (Date.now() % DAY_MS);
  if (left < needsMs) await sleep(left);
};
