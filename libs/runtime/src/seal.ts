// Sealing of provider credentials: anyone who knows the workers' public key can seal, only a worker can open.
// X25519 with a fresh ephemeral key per message, HKDF-SHA256, AES-256-GCM. The associated data ties a sealed text to its place, so that it cannot be moved.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { WaystationError } from '@waystation/contracts';

const INFO = 'waystation/x25519-hkdf-sha256-aes256gcm/v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Base64url of the raw 32 bytes. The private key goes to workers only (WAYSTATION_WORKER_PRIVATE_KEY), the public one to control (WAYSTATION_WORKER_PUBLIC_KEY). */
export interface WorkerKeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** As in the credential entry of the contracts: base64url parts, the ciphertext ends in the tag. */
export interface Sealed {
  readonly ephemeral: string;
  readonly nonce: string;
  readonly ciphertext: string;
}

const invalidKey = (which: 'public' | 'private', cause?: unknown): WaystationError =>
  new WaystationError(
    'invalid_request',
    `The ${which} worker key is not base64url of 32 bytes (X25519).`,
    cause === undefined ? {} : { cause },
  );

const decodeKey = (text: string, which: 'public' | 'private'): string => {
  const raw = Buffer.from(text, 'base64url');
  if (raw.length !== KEY_BYTES) throw invalidKey(which);
  return raw.toString('base64url');
};

const importPublic = (text: string): KeyObject => {
  const x = decodeKey(text, 'public');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
};

/** PKCS#8 header of an X25519 private key (RFC 8410): the raw scalar follows it. */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

const importPrivate = (text: string): KeyObject => {
  const raw = Buffer.from(decodeKey(text, 'private'), 'base64url');
  return createPrivateKey({ key: Buffer.concat([PKCS8_X25519, raw]), format: 'der', type: 'pkcs8' });
};

const rawPublic = (key: KeyObject): string => {
  const { x } = key.export({ format: 'jwk' });
  if (x === undefined) throw invalidKey('public');
  return x;
};

/** Both public keys go into the derivation, so that the key is bound to this exchange and no other. */
const deriveKey = (shared: Buffer, ephemeral: string, recipient: string): Buffer =>
  Buffer.from(
    hkdfSync(
      'sha256',
      shared,
      Buffer.concat([Buffer.from(ephemeral, 'base64url'), Buffer.from(recipient, 'base64url')]),
      INFO,
      KEY_BYTES,
    ),
  );

export const newWorkerKeyPair = (): WorkerKeyPair => {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const { d } = privateKey.export({ format: 'jwk' });
  if (d === undefined) throw invalidKey('private');
  return { publicKey: rawPublic(publicKey), privateKey: d };
};

/** The public key that belongs to a private one, so that a worker can tell at boot whether both sides were given the same pair. */
export const publicKeyOf = (privateKey: string): string => rawPublic(createPublicKey(importPrivate(privateKey)));

/** Seals `text`. `aad` names the place it belongs to (say the credential's id); opening needs the same. */
export const sealSecret = (publicKey: string, text: string, aad = ''): Sealed => {
  const recipient = importPublic(publicKey);
  const ephemeralPair = generateKeyPairSync('x25519');
  const ephemeral = rawPublic(ephemeralPair.publicKey);
  const key = deriveKey(
    diffieHellman({ privateKey: ephemeralPair.privateKey, publicKey: recipient }),
    ephemeral,
    rawPublic(recipient),
  );
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(aad, 'utf8'));
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { ephemeral, nonce: nonce.toString('base64url'), ciphertext: ciphertext.toString('base64url') };
};

/** Throws `provider_auth` when the text was not sealed for this key and this place, or was altered. The message gives nothing away. */
export const openSealed = (privateKey: string, sealed: Sealed, aad = ''): string => {
  const recipient = importPrivate(privateKey);
  try {
    const ephemeral = importPublic(sealed.ephemeral);
    const key = deriveKey(
      diffieHellman({ privateKey: recipient, publicKey: ephemeral }),
      rawPublic(ephemeral),
      rawPublic(createPublicKey(recipient)),
    );
    const bytes = Buffer.from(sealed.ciphertext, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.nonce, 'base64url'), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(aad, 'utf8'));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(0, bytes.length - TAG_BYTES)), decipher.final()]).toString(
      'utf8',
    );
  } catch (cause) {
    throw new WaystationError(
      'provider_auth',
      'The provider credential cannot be opened with this worker key. Seal it again with the public key of the running workers.',
      { cause },
    );
  }
};
