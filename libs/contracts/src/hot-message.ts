// Hot messages: `[u16 length][metadata JSON][raw bytes]`, big endian. The prompt's bytes are never re-encoded between hops.
import { WaystationError } from './errors.js';

/** The metadata's length has two bytes. */
export const HOT_METADATA_BYTES_MAX = 0xffff;

export const encodeHotMessage = (metadata: unknown, body: Uint8Array): Buffer => {
  const json = JSON.stringify(metadata);
  const metadataBytes = Buffer.byteLength(json);
  if (metadataBytes > HOT_METADATA_BYTES_MAX) {
    throw new WaystationError(
      'bad_message',
      `Message metadata has ${metadataBytes} bytes; at most ${HOT_METADATA_BYTES_MAX} are allowed.`,
    );
  }
  const message = Buffer.allocUnsafe(2 + metadataBytes + body.length);
  message.writeUInt16BE(metadataBytes, 0);
  message.write(json, 2, metadataBytes, 'utf8');
  message.set(body, 2 + metadataBytes);
  return message;
};

/** Metadata is untrusted JSON: the caller validates it. The body is a view, not a copy. @throws WaystationError `bad_message` */
export const decodeHotMessage = (message: Uint8Array): { metadata: unknown; body: Buffer } => {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (bytes.length < 2)
    throw new WaystationError('bad_message', 'A hot message starts with two bytes of metadata length.');
  const metadataBytes = bytes.readUInt16BE(0);
  if (bytes.length < 2 + metadataBytes) {
    throw new WaystationError(
      'bad_message',
      `A hot message announces ${metadataBytes} bytes of metadata and has ${bytes.length - 2}.`,
    );
  }
  try {
    return {
      metadata: JSON.parse(bytes.toString('utf8', 2, 2 + metadataBytes)),
      body: bytes.subarray(2 + metadataBytes),
    };
  } catch (cause) {
    throw new WaystationError('bad_message', 'The metadata of a hot message is not JSON.', { cause });
  }
};
