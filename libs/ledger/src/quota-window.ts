// Windows of a quota, in UTC. Every instant lies in exactly one window of a kind, and a window's id is its start.
import type { QuotaRef } from '@waystation/contracts';

export type QuotaWindow = QuotaRef['window'];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** 1 January 1970 was a Thursday; weeks start on Monday. */
const MONDAY_OFFSET_MS = 3 * DAY_MS;

/** Start of the window that holds `atMs`, as Unix ms; 0 for lifetime. */
export const windowStart = (window: QuotaWindow, atMs: number): number => {
  switch (window) {
    case 'minute':
      return atMs - (atMs % MINUTE_MS);
    case 'day':
      return atMs - (atMs % DAY_MS);
    case 'week':
      return atMs - ((atMs + MONDAY_OFFSET_MS) % (7 * DAY_MS));
    case 'month': {
      const at = new Date(atMs);
      return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
    }
    case 'lifetime':
      return 0;
    default: {
      const unreachable: never = window;
      return unreachable;
    }
  }
};

/** First instant after the window that starts at `startMs`; undefined for lifetime, which never ends. */
export const windowEnd = (window: QuotaWindow, startMs: number): number | undefined => {
  switch (window) {
    case 'minute':
      return startMs + MINUTE_MS;
    case 'day':
      return startMs + DAY_MS;
    case 'week':
      return startMs + 7 * DAY_MS;
    case 'month': {
      const start = new Date(startMs);
      return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
    }
    case 'lifetime':
      return undefined;
    default: {
      const unreachable: never = window;
      return unreachable;
    }
  }
};
