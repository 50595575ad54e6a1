// Has content filters look at whole texts. Others run in between: a look is bounded, and after some milliseconds of looks everybody else has a turn. What cannot be looked at in time
// is refused, not let through.
import { setImmediate } from 'node:timers/promises';
import { WaystationError } from '@waystation/contracts';
import {
  mergeRedactions,
  scan,
  withoutRanges,
  type ContentFilter,
  type Redaction,
  type Scanned,
} from '@waystation/screening';
import { blockedBy, type Side, type Verdicts } from './verdicts.js';

const TURN_MS = 4;
const TIME_MAX_MS = 10_000;

interface Text {
  readonly text: string;
  readonly role: string | undefined;
}

/** Looks of one request, in turns. */
const inTurns = () => {
  const beganMs = performance.now();
  let turnMs = beganMs;
  return async (looks: Generator<void, Scanned>): Promise<Scanned> => {
    for (;;) {
      const step = looks.next();
      if (step.done === true) return step.value;
      const nowMs = performance.now();
      if (nowMs - beganMs > TIME_MAX_MS)
        throw new WaystationError(
          'unprocessable',
          `The content filters of this key's guardrails did not get through the text within ${TIME_MAX_MS / 1000} s: send less, or use simpler patterns.`,
        );
      if (nowMs - turnMs < TURN_MS) continue;
      await setImmediate();
      turnMs = performance.now();
    }
  };
};

/**
 * The texts after what was taken out of them, by their places in the list; those that stay as they are are left out.
 * @param filters the strictest first
 * @throws WaystationError `content_blocked`, `unprocessable`
 */
export const screenTexts = async (
  filters: readonly ContentFilter[],
  texts: readonly Text[],
  side: Side,
  verdicts: Verdicts,
): Promise<ReadonlyMap<number, string>> => {
  const look = inTurns();
  const redactions = new Map<number, Redaction[]>();
  for (const filter of filters) {
    for (const [index, { text, role }] of texts.entries()) {
      if (filter.userOnly && role !== undefined && role !== 'user') continue;
      const { matches } = await look(scan(filter.detector, text, 0, true));
      for (const match of matches) {
        verdicts.add(filter, side);
        if (filter.action === 'block') throw blockedBy(filter, side, match);
        if (filter.action === 'redact')
          redactions.set(index, [...(redactions.get(index) ?? []), { ...match, placeholder: filter.placeholder }]);
      }
    }
  }
  return new Map(
    [...redactions].map(([index, ranges]) => {
      const text = texts[index]?.text ?? '';
      return [index, withoutRanges(text, 0, text.length, mergeRedactions(ranges))];
    }),
  );
};
