// A client certificate with its key, as files are mounted: read and checked as a pair, read again while the process runs, and shown to no other origin than it is for.
// Invariant: what cannot be used never takes the place of what was good.
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { serverNameOf } from './http1/socket.js';
import type { UpstreamTarget } from './upstream.js';

export interface ClientCertificateFiles {
  /** PEM: the certificate, then those between it and its authority. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
  /** Of a key that is encrypted; white space at its end does not count. */
  readonly passphraseFile?: string | undefined;
}

/** What TLS takes, and how long it is good for. */
export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
  readonly passphrase: string | undefined;
  readonly subject: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

const read = (what: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
    throw new Error(`${what} ${file} cannot be read (${code})`, { cause: error });
  }
};

/** Of the first certificate in the file, which is the one that the key belongs to. */
const certificateOf = (pem: string, file: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`the certificate ${file} is no PEM of a certificate`, { cause: error });
  }
};

const keyOf = (
  pem: string,
  passphrase: string | undefined,
  { keyFile, passphraseFile }: ClientCertificateFiles,
): KeyObject => {
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(pem);
    const why = !encrypted
      ? 'is no PEM of a private key'
      : passphraseFile === undefined
        ? 'is encrypted: name its passphraseFile'
        : `is not opened by the passphrase in ${passphraseFile}`;
    throw new Error(`the key ${keyFile} ${why}`, { cause: error });
  }
};

/** @throws Error that names the file and what is wrong with it; never with anything out of the files */
export const readClientIdentity = (files: ClientCertificateFiles): ClientIdentity => {
  const cert = read('the certificate', files.certFile);
  const key = read('the key', files.keyFile);
  const passphrase =
    files.passphraseFile === undefined ? undefined : read('the passphrase', files.passphraseFile).trimEnd();
  const certificate = certificateOf(cert, files.certFile);
  if (!certificate.checkPrivateKey(keyOf(key, passphrase, files)))
    throw new Error(`the key ${files.keyFile} is not the one of the certificate ${files.certFile}`);
  return {
    cert,
    key,
    passphrase,
    subject: (certificate.subjectAltName ?? certificate.subject).replaceAll('\n', ', '),
    validFrom: certificate.validFromDate,
    validTo: certificate.validToDate,
  };
};

export class ClientCertificate {
  readonly files: ClientCertificateFiles;
  #identity: ClientIdentity;

  /** @throws Error as `readClientIdentity` */
  constructor(files: ClientCertificateFiles) {
    this.files = files;
    this.#identity = readClientIdentity(files);
  }

  /** The same object until the files say something else. */
  get identity(): ClientIdentity {
    return this.#identity;
  }

  /** @returns whether the files say something else than before. @throws Error as `readClientIdentity`; the identity stays */
  readAgain(): boolean {
    const now = readClientIdentity(this.files);
    const { cert, key, passphrase } = this.#identity;
    if (now.cert === cert && now.key === key && now.passphrase === passphrase) return false;
    this.#identity = now;
    return true;
  }
}

/**
 * The one for whoever this target will have to prove to be, which decides and not the address alone: a header may name another host, and TLS lets nobody be it who is not.
 * @param namedHost the host that the requests name, with its port unless that is 443
 */
export const clientCertificateFor = (
  { tls, url }: Pick<UpstreamTarget, 'tls' | 'url'>,
  namedHost: string,
): ClientCertificate | undefined => {
  if (tls?.clientCertificates === undefined || url.protocol !== 'https:') return undefined;
  // Where an address is named, the one that is connected to has to be proved.
  const proved = serverNameOf(namedHost) === '' ? url.host : namedHost;
  return tls.clientCertificates.get(URL.parse(`https://${proved}`)?.origin ?? '');
};
