// AWS's binary event stream: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
// Lengths of all and of the headers, a CRC32 of both, headers, payload, a CRC32 of everything before. Here one character stands for a byte.
import { crc32 } from 'node:zlib';

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const STRING_HEADER = 7;

const headerBytes = (name: string, value: string): Buffer => {
  const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)];
  const header = Buffer.alloc(nameBytes.length + valueBytes.length + 4);
  header.writeUInt8(nameBytes.length, 0);
  nameBytes.copy(header, 1);
  header.writeUInt8(STRING_HEADER, nameBytes.length + 1);
  header.writeUInt16BE(valueBytes.length, nameBytes.length + 2);
  valueBytes.copy(header, nameBytes.length + 4);
  return header;
};

const messageOf = (headers: readonly Buffer[], payload: Buffer): string => {
  const headersLength = headers.reduce((sum, { length }) => sum + length, 0);
  const total = PRELUDE_BYTES + headersLength + payload.length + CRC_BYTES;
  const message = Buffer.alloc(total);
  message.writeUInt32BE(total, 0);
  message.writeUInt32BE(headersLength, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  let at = PRELUDE_BYTES;
  for (const part of [...headers, payload]) at += part.copy(message, at);
  message.writeUInt32BE(crc32(message.subarray(0, at)), at);
  return message.toString('latin1');
};

const JSON_TYPE = headerBytes(':content-type', 'application/json');
const EVENT = headerBytes(':message-type', 'event');
const EXCEPTION = headerBytes(':message-type', 'exception');

export const writeEvent = (type: string, payload: unknown): string =>
  messageOf([headerBytes(':event-type', type), JSON_TYPE, EVENT], Buffer.from(JSON.stringify(payload)));

export const writeException = (type: string, message: string): string =>
  messageOf([headerBytes(':exception-type', type), JSON_TYPE, EXCEPTION], Buffer.from(JSON.stringify({ message })));
