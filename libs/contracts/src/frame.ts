// The frame: what a worker sends to the caller's inbox. Fixed binary header, then the payload.
//
//   0  u8   layout version (1)
//   1  u8   kind
//   2  u16  flags (0; reserved)
//   4  u32  sequence: data frames count from 0 without gaps; end/error carry the number of data frames before them
//   8  u48  offset: payload bytes of all data frames before this one
//  14  u16  reserved (0)
//  16  …    payload: raw bytes (data), JSON (everything else, possibly empty)
import { WaystationError } from './errors.js';

export const FRAME_HEADER_BYTES = 16;
export const FRAME_LAYOUT_VERSION = 1;

/**
 * `accept`: the worker took it. `data`: bytes of the stream. `end`: complete, payload is the end message. `error`: failed, payload is an ErrorWire.
 * `busy`: not taken, try another worker. `go-ask`: the worker asks whether the attempt is still wanted before it calls upstream.
 * `gone`: what was asked to be resent is no longer kept. `parts`: the worker wants the body in parts, payload names its inbox.
 */
export const FRAME_KINDS = ['accept', 'data', 'end', 'error', 'busy', 'go-ask', 'gone', 'parts'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

export interface Frame {
  readonly kind: FrameKind;
  readonly sequence: number;
  readonly offset: number;
  readonly payload: Buffer;
}

const KIND_CODES: Readonly<Record<FrameKind, number>> = Object.fromEntries(
  FRAME_KINDS.map((kind, code) => [kind, code]),
) as Record<FrameKind, number>;

/** Writes the header into the first 16 bytes of `target`, so that header and payload are one write. */
export const writeFrameHeader = (target: Buffer, kind: FrameKind, sequence: number, offset: number): void => {
  target[0] = FRAME_LAYOUT_VERSION;
  target[1] = KIND_CODES[kind];
  target.writeUInt16BE(0, 2);
  target.writeUInt32BE(sequence, 4);
  target.writeUIntBE(offset, 8, 6);
  target.writeUInt16BE(0, 14);
};

export const encodeFrame = (kind: FrameKind, sequence: number, offset: number, payload: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, kind, sequence, offset);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
};

/** The payload is a view, not a copy. @throws WaystationError `bad_message`, `unknown_version` */
export const decodeFrame = (message: Uint8Array): Frame => {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (bytes.length < FRAME_HEADER_BYTES)
    throw new WaystationError('bad_message', `A frame has at least ${FRAME_HEADER_BYTES} bytes, not ${bytes.length}.`);
  if (bytes[0] !== FRAME_LAYOUT_VERSION)
    throw new WaystationError(
      'unknown_version',
      `Frame layout ${bytes[0]} is not known; this process speaks ${FRAME_LAYOUT_VERSION}.`,
    );
  const kind = FRAME_KINDS[bytes[1] ?? -1];
  if (kind === undefined) throw new WaystationError('bad_message', `Frame kind ${bytes[1]} is not known.`);
  return {
    kind,
    sequence: bytes.readUInt32BE(4),
    offset: bytes.readUIntBE(8, 6),
    payload: bytes.subarray(FRAME_HEADER_BYTES),
  };
};
