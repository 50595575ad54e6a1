import { newWorkerKeyPair, openSealed, publicKeyOf, sealSecret } from './seal.js';

const flip = (text: string): string => {
  const bytes = Buffer.from(text, 'base64url');
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes.toString('base64url');
};

describe('sealing', () => {
  const pair = newWorkerKeyPair();

  test('what was sealed for a key and a place opens with both', () => {
    for (const text of ['sk-abc', '', 'ключ 🔑', 'x'.repeat(40_000)]) {
      expect(openSealed(pair.privateKey, sealSecret(pair.publicKey, text, 'cred-1'), 'cred-1')).toBe(text);
    }
  });

  test('keys are base64url of 32 raw bytes, and the public one follows from the private one', () => {
    expect(Buffer.from(pair.publicKey, 'base64url')).toHaveLength(32);
    expect(Buffer.from(pair.privateKey, 'base64url')).toHaveLength(32);
    expect(publicKeyOf(pair.privateKey)).toBe(pair.publicKey);
  });

  test('the same text sealed twice has nothing in common', () => {
    const [a, b] = [sealSecret(pair.publicKey, 'same'), sealSecret(pair.publicKey, 'same')];
    expect(
      [a.ephemeral, a.nonce, a.ciphertext].some((part) => [b.ephemeral, b.nonce, b.ciphertext].includes(part)),
    ).toBe(false);
  });

  test('another key, another place, and any altered part are refused without a hint', () => {
    const sealed = sealSecret(pair.publicKey, 'secret', 'cred-1');
    const attempts = [
      () => openSealed(newWorkerKeyPair().privateKey, sealed, 'cred-1'),
      () => openSealed(pair.privateKey, sealed, 'cred-2'),
      () => openSealed(pair.privateKey, { ...sealed, ciphertext: flip(sealed.ciphertext) }, 'cred-1'),
      () => openSealed(pair.privateKey, { ...sealed, nonce: flip(sealed.nonce) }, 'cred-1'),
      () => openSealed(pair.privateKey, { ...sealed, ephemeral: flip(sealed.ephemeral) }, 'cred-1'),
      () => openSealed(pair.privateKey, { ...sealed, ciphertext: '' }, 'cred-1'),
      () => openSealed(pair.privateKey, { ...sealed, ephemeral: 'short' }, 'cred-1'),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(/cannot be opened with this worker key/);
  });

  test('a key that is not 32 bytes is named, and never printed', () => {
    expect(() => sealSecret('abc', 'secret')).toThrow('The public worker key is not base64url of 32 bytes (X25519).');
    expect(() => openSealed('abc', sealSecret(pair.publicKey, 'x'))).toThrow(
      'The private worker key is not base64url of 32 bytes (X25519).',
    );
  });
});
