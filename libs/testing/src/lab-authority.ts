// A certificate authority for tests, and servers' certificates of it, made byte by byte, since node:crypto reads certificates but writes none.
// https://www.rfc-editor.org/rfc/rfc5280#section-4.1
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const integer = (value: number): Buffer => der(0x02, Buffer.from([value]));
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);
const TRUE = der(0x01, Buffer.from([0xff]));
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const BASIC_CONSTRAINTS = oid('551d13');
const ALTERNATIVE_NAMES = oid('551d11');

const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))));
const utcTime = (date: Date): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replace(/[-:T]|\..*/g, '')
        .slice(2)}Z`,
    ),
  );

interface CertificateTerms {
  readonly serial: number;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly extension: Buffer;
  /** Days from now. */
  readonly validDays: readonly [from: number, to: number];
}

const certificate = ({
  serial,
  subject,
  publicKey,
  issuer,
  issuerKey,
  extension,
  validDays,
}: CertificateTerms): string => {
  const [from, to] = validDays;
  const dayOf = (days: number): Buffer => utcTime(new Date(Date.now() + days * 86_400_000));
  const signed = sequence(
    der(0xa0, integer(2)),
    integer(serial),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(dayOf(from), dayOf(to)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const whole = sequence(signed, ECDSA_SHA256, bits(sign('sha256', signed, issuerKey)));
  return `-----BEGIN CERTIFICATE-----\n${whole.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
};

export interface LabAuthority {
  /** PEM. */
  readonly certificate: string;
  /** A key and a certificate for one name, as a TLS server or client takes them; valid from yesterday until tomorrow unless said otherwise. */
  issue(name: string, validDays?: readonly [from: number, to: number]): { readonly key: string; readonly cert: string };
}

export const createLabAuthority = (): LabAuthority => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issued = { issuer: 'Lab authority', issuerKey: keys.privateKey };
  const usual = [-1, 1] as const;
  let serial = 1;
  return {
    certificate: certificate({
      ...issued,
      validDays: usual,
      serial,
      subject: 'Lab authority',
      publicKey: keys.publicKey,
      extension: sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))),
    }),
    issue(name, validDays = usual) {
      serial += 1;
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const cert = certificate({
        ...issued,
        validDays,
        serial,
        subject: 'Lab',
        publicKey: own.publicKey,
        extension: sequence(ALTERNATIVE_NAMES, der(0x04, sequence(der(0x82, Buffer.from(name))))),
      });
      return { key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert };
    },
  };
};
