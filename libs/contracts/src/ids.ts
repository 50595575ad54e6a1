// Ids that the project mints. Time and randomness are parameters, so that tests can fix them.
export const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Random letters, each equally likely. */
export const base62 = (length: number, randomBytes: (size: number) => Uint8Array): string => {
  let text = '';
  // 248 = 4 × 62: bytes above are thrown away, so that every letter is equally likely.
  while (text.length < length)
    for (const byte of randomBytes(length * 2)) if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
  return text;
};

/** A UUID that always follows from the same hex digest, of 32 digits or more. */
export const uuidOfDigest = (hex: string): string =>
  hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');

/** `gen-<unix seconds>-<20 base62>`: the id of a generation. The day inside it decides the row's partition. */
export const newGenerationId = (nowMs: number, randomBytes: (size: number) => Uint8Array): string =>
  `gen-${String(Math.floor(nowMs / 1000)).padStart(10, '0')}-${base62(20, randomBytes)}`;

/** The attempt `ordinal` (from 0) of a generation: `att-<unix>-<20 base62>-<ordinal>`. Readable next to its generation. */
export const attemptIdOf = (generationId: string, ordinal: number): string => `att-${generationId.slice(4)}-${ordinal}`;

/** Unix seconds inside a generation id. */
export const unixOfGeneration = (generationId: string): number => Number(generationId.slice(4, 14));
