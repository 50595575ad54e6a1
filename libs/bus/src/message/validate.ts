// Judging what enters the process: versions, schemas, wire errors. Says which field is wrong, never with which content.
import { WaystationError, errorFromWire, toWaystationError } from '@waystation/contracts';
import type { z } from 'zod';

const ISSUES_SHOWN_MAX = 4;

/** @throws WaystationError `bad_message` naming the fields that are wrong. */
export const validate = <Value>(schema: z.ZodType<Value>, value: unknown, what: string): Value => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues
    .slice(0, ISSUES_SHOWN_MAX)
    .map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
  throw new WaystationError('bad_message', `${what} does not fit its contract: ${issues.join('; ')}.`);
};

/** @throws WaystationError `unknown_version` when the sender speaks another version of the contract. */
export const assertVersion = (sent: unknown, version: number, what: string): void => {
  if (sent === version) return;
  if (typeof sent === 'number')
    throw new WaystationError('unknown_version', `${what} came in version ${sent}; this process speaks ${version}.`);
  throw new WaystationError('bad_message', `${what} does not say its version.`);
};

/** @throws WaystationError `bad_message` */
export const parseJson = (bytes: Uint8Array, what: string): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw new WaystationError('bad_message', `${what} is not JSON.`, { cause });
  }
};

export const encodeJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value) ?? 'null');

/** A remote error's payload, whatever it holds, as an error of ours. */
export const errorFromBytes = (bytes: Uint8Array): WaystationError => {
  try {
    const wire = parseJson(bytes, 'The error') as {
      code?: unknown;
      message?: unknown;
      details?: unknown;
      retryAfterMs?: unknown;
    } | null;
    return errorFromWire({
      code: String(wire?.code),
      message: typeof wire?.message === 'string' ? wire.message : 'The other side failed without saying why.',
      details:
        wire?.details !== null && typeof wire?.details === 'object'
          ? (wire.details as Record<string, unknown>)
          : undefined,
      retryAfterMs: typeof wire?.retryAfterMs === 'number' ? wire.retryAfterMs : undefined,
    });
  } catch (error) {
    return toWaystationError(error);
  }
};
