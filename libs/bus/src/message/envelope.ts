// The metadata of hot messages: version, clock, deadline and trace context, small and flat.
import { WaystationError, decodeHotMessage, encodeHotMessage } from '@waystation/contracts';

/** `v` contract version, `s` sent at, `d` deadline (Unix ms, the sender's clock), `t` traceparent. */
export interface Envelope {
  readonly v: number;
  readonly s: number;
  readonly d: number;
  readonly t?: string;
}

/**
 * Of a stream's request. `w`: byte up to which frames may be sent without further credit. `p`: the body follows in parts, so many bytes. `a`: ms that the caller
 * waits for an accept, where it is not the usual time.
 */
export interface StreamEnvelope extends Envelope {
  readonly w: number;
  readonly p?: number;
  readonly a?: number;
  readonly request: unknown;
}

export const encodeEnvelope = (envelope: Envelope | StreamEnvelope, body: Uint8Array): Buffer =>
  encodeHotMessage(envelope, body);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

const envelopeOf = (metadata: unknown): Envelope & Record<string, unknown> => {
  if (!isRecord(metadata) || typeof metadata['v'] !== 'number' || !isTime(metadata['s']) || !isTime(metadata['d'])) {
    throw new WaystationError(
      'bad_message',
      'The metadata of a request needs version, time of sending and deadline as numbers.',
    );
  }
  const { v, s, d, t } = metadata;
  return { ...metadata, v, s, d, ...(typeof t === 'string' ? { t } : {}) } as Envelope & Record<string, unknown>;
};

/** @throws WaystationError `bad_message` */
export const decodeEnvelope = (message: Uint8Array): { envelope: Envelope; body: Buffer } => {
  const { metadata, body } = decodeHotMessage(message);
  return { envelope: envelopeOf(metadata), body };
};

/** @throws WaystationError `bad_message` */
export const decodeStreamEnvelope = (message: Uint8Array): { envelope: StreamEnvelope; body: Buffer } => {
  const { metadata, body } = decodeHotMessage(message);
  const envelope = envelopeOf(metadata);
  const { w, p, a, request } = envelope as Record<string, unknown>;
  if (!isTime(w) || (p !== undefined && !isTime(p)))
    throw new WaystationError('bad_message', 'The metadata of a stream request needs its window in bytes.');
  const known = { ...(p === undefined ? {} : { p }), ...(isTime(a) ? { a } : {}) };
  return { envelope: { ...envelope, w, ...known, request }, body };
};
