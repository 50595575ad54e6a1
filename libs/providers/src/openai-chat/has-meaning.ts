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

/** Of the object that starts at `at`. */
export const hasMeaning = (bytes: Buffer, at: number): boolean =>
  scanObject(bytes, at, MEANINGFUL)?.fields.some((field) => !isNothing(bytes, field.valueStart, field.valueEnd)) ??
  false;
