// Clients that go away in the middle.
import type { AskOptions } from './ask.ts';

export interface Leaving {
  readonly options: AskOptions & { readonly onText: (text: string) => void };
  /** Unix ms; throws where the client is still there. */
  leftAt(): number;
}

/** Closes the connection once so many chunks with text have come. */
export const leaveAtChunk = (chunks: number): Leaving => {
  const leave = new AbortController();
  let leftAt: number | undefined;
  return {
    options: {
      signal: leave.signal,
      onText(text) {
        if (leftAt !== undefined || text.split('"content":"').length <= chunks + 1) return;
        leftAt = Date.now();
        leave.abort();
      },
    },
    leftAt() {
      if (leftAt === undefined) throw new Error('the client never left');
      return leftAt;
    },
  };
};
