// The form of an api key: `sk-way-v1-<40 random><6 checksum>`, base62. The checksum lets a mistyped or truncated key be refused without a
// look-up, and lets secret scanners tell a key from noise; it proves nothing else. Inference and management keys look alike: the kind is in the record.
import { ALPHABET, base62 } from './ids.js';

const PREFIX = 'sk-way-v1-';
const RANDOM_LETTERS = 40;
const CHECKSUM_LETTERS = 6;
const FORM = new RegExp(`^${PREFIX}[0-9A-Za-z]{${RANDOM_LETTERS + CHECKSUM_LETTERS}}$`);

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32 (ISO 3309, as in zip) of ASCII text. */
const crc32 = (text: string): number => {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at += 1) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ text.charCodeAt(at)) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
};

/** CRC-32 of everything before it, as six base62 letters, most significant first (62⁶ > 2³²). */
const checksumOf = (body: string): string => {
  let rest = crc32(body);
  let letters = '';
  for (let at = 0; at < CHECKSUM_LETTERS; at += 1) {
    letters = ALPHABET.charAt(rest % 62) + letters;
    rest = Math.floor(rest / 62);
  }
  return letters;
};

/** A new key: 238 bits of randomness. Shown to its owner once; only its SHA-256 is stored. */
export const newApiKey = (randomBytes: (size: number) => Uint8Array): string => {
  const body = `${PREFIX}${base62(RANDOM_LETTERS, randomBytes)}`;
  return `${body}${checksumOf(body)}`;
};

/** Whether the text has the form of a key and its checksum holds. Says nothing about whether such a key exists. */
export const isWellFormedApiKey = (text: string): boolean =>
  FORM.test(text) && checksumOf(text.slice(0, -CHECKSUM_LETTERS)) === text.slice(-CHECKSUM_LETTERS);

/** What may be shown of a key: `sk-way-v1-abc...123`. */
export const apiKeyLabel = (text: string): string =>
  `${PREFIX}${text.slice(PREFIX.length, PREFIX.length + 3)}...${text.slice(-3)}`;
