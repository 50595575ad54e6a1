// What a provider must get back byte for byte, as one opaque text: for clients of dialects whose own place for it knows one kind of provider only. Clients send such texts
// back as they came, so that whose it is travels inside. Nothing in it is trusted: it says no more than a client could say by `reasoning_details` of chat completions.
import { hash } from 'node:crypto';
import type { ReasoningPart } from '@waystation/generation';
import { isObject } from '../openai-chat/check-type.js';
import { present, textOf } from '../request/json-shape.js';

/** A reasoning part without its words. With the id of a tool call, `encrypted` is what goes back with that call. */
export type Enclosed = Pick<ReasoningPart, 'id' | 'summary' | 'signature' | 'encrypted'> & { readonly format: string };

/** Every envelope begins with it. Signatures and encrypted reasoning of providers are base64, which has no dot. */
export const ENVELOPE_MARK = 'ws1.';
/** A longer one is neither written nor opened. */
export const ENVELOPE_CHARS_MAX = 4 * 1024 * 1024;

/** So that a text that was cut or changed on its way is not taken for what a provider signed. */
const CHECK_CHARS = 16;
const headOf = (payload: string): string => `${ENVELOPE_MARK}${hash('sha256', payload).slice(0, CHECK_CHARS)}.`;

/** Undefined where it would be too long. */
export const enclose = ({ format, id, summary, signature, encrypted }: Enclosed): string | undefined => {
  const json = JSON.stringify({ format, id, summary, signature, encrypted });
  const payload = Buffer.from(json).toString('base64url');
  const envelope = `${headOf(payload)}${payload}`;
  return envelope.length > ENVELOPE_CHARS_MAX ? undefined : envelope;
};

const parse = (payload: string): unknown => {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
};

/** Undefined for every other text: another's, one that was changed, or one that is too long. Those are what they say they are. */
export const openEnvelope = (text: string | undefined): Enclosed | undefined => {
  if (text?.startsWith(ENVELOPE_MARK) !== true || text.length > ENVELOPE_CHARS_MAX) return undefined;
  const payload = text.slice(ENVELOPE_MARK.length + CHECK_CHARS + 1);
  if (!text.startsWith(headOf(payload))) return undefined;
  const told = parse(payload);
  const format = isObject(told) ? textOf(told['format']) : undefined;
  if (!isObject(told) || format === undefined) return undefined;
  return {
    format,
    ...present({
      id: textOf(told['id']),
      summary: told['summary'] === true ? (true as const) : undefined,
      signature: textOf(told['signature']),
      encrypted: textOf(told['encrypted']),
    }),
  };
};
