// Whether a delta or a message carries anything a client could act on. Until it does, another endpoint may take over.
import { scanObject } from '@waystation/dialects';

const MEANINGFUL: ReadonlySet<string> = new Set([
  'content',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'tool_calls',
  'function_call',
  'refusal',
  'audio',
  'images',
]);

/** Values that say nothing: `null`, `""`, `[]`, `{}`, `false`. */
const isNothing = (bytes: Buffer, start: number, end: number): boolean => {
  const first = bytes[start];
  return (
    first === 0x6e || first === 0x66 || (end - start === 2 && (first === 0x22 || first === 0x5b || first === 0x7b))
  );
};

export interface ScannedMessage {
  readonly meaningful: boolean;
  readonly end: number;
}

/**
 * The message or delta that starts at `at`. Undefined where no object stands there.
 * @param outer how many containers are open around it
 * @param enterCalls walks the value of `tool_calls`
 */
export const scanMessage = (
  bytes: Buffer,
  at: number,
  outer: number,
  enterCalls: (valueStart: number) => number | undefined,
): ScannedMessage | undefined => {
  const enter = (key: string, start: number): number | undefined =>
    key === 'tool_calls' ? enterCalls(start) : undefined;
  const scanned = scanObject(bytes, at, MEANINGFUL, outer, enter);
  if (scanned === undefined) return undefined;
  return {
    meaningful: scanned.fields.some(({ valueStart, valueEnd }) => !isNothing(bytes, valueStart, valueEnd)),
    end: scanned.end,
  };
};
