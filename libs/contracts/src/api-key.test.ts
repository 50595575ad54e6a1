import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { apiKeyLabel, isWellFormedApiKey, newApiKey } from './api-key.js';

const fromSeed = (seed: number) => {
  let step = 0;
  return (size: number): Uint8Array =>
    createHash('sha512')
      .update(`${seed}/${(step += 1)}`)
      .digest()
      .subarray(0, Math.min(size, 64));
};

describe('an api key', () => {
  it('is the prefix, forty random letters and six letters of checksum', () => {
    expect(newApiKey(randomBytes)).toMatch(/^sk-way-v1-[0-9A-Za-z]{46}$/);
    expect(newApiKey(randomBytes)).not.toBe(newApiKey(randomBytes));
  });

  it('carries the CRC-32 of what stands before the checksum', () => {
    const key = newApiKey(fromSeed(1));
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const told = [...key.slice(-6)].reduce((value, letter) => value * 62 + alphabet.indexOf(letter), 0);
    expect(told).toBe(crc32(key.slice(0, -6)));
  });

  it('is well formed when it is new, and not when any one letter is another', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 45 }), fc.constantFrom(...'0aZ9'), (seed, at, letter) => {
        const key = newApiKey(fromSeed(seed));
        const place = 'sk-way-v1-'.length + at;
        const changed = key.slice(0, place) + letter + key.slice(place + 1);
        expect(isWellFormedApiKey(key)).toBe(true);
        expect(isWellFormedApiKey(changed)).toBe(changed === key);
      }),
    );
  });

  it.each(['', 'sk-way-v1-', 'sk-or-v1-0123', ' ', 'sk-way-v1-' + 'é'.repeat(46)])('is not %j', (text) => {
    expect(isWellFormedApiKey(text)).toBe(false);
  });

  it('is shown by its first and last three letters only', () => {
    expect(apiKeyLabel('sk-way-v1-abcdefghijklmnopqrstuvwxyz01234567890123456123')).toBe('sk-way-v1-abc...123');
  });
});
