// AWS's Signature Version 4 in headers. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// By hand: AWS's own signer is asynchronous and stands on the same 7 MB as its event stream; a request is signed here in the turn that sends it. The tests compare with both AWS's vectors and that signer.
// Invariant: what is signed is what is sent; the host is that of the URL.
import { createHash, createHmac } from 'node:crypto';
import type { AwsSecret } from './aws-secret.js';

export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  /** Name, value, name, value, …; all of them are signed. Without host. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** RFC 3986 as AWS wants it: everything but letters, digits and `-._~`. */
export const encodeAws = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** Every service but S3 wants the path encoded once more than it was sent. */
const canonicalPath = ({ pathname }: URL): string => pathname.split('/').map(encodeAws).join('/');

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

const canonicalQuery = ({ searchParams }: URL): string =>
  [...searchParams]
    .map(([name, value]): [string, string] => [encodeAws(name), encodeAws(value)])
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** Sorted, names in small letters, values with single spaces; those of one name joined. */
const canonicalHeaders = (headers: readonly string[]): readonly [string, string][] => {
  const values = new Map<string, string[]>();
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? '').toLowerCase();
    const value = (headers[at + 1] ?? '').trim().replace(/ +/g, ' ');
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return [...values]
    .map(([name, all]): [string, string] => [name, all.join(',')])
    .sort(([name], [other]) => compare(name, other));
};

/** Headers to send besides: name, value, name, value, … */
export const signAws = (
  { method, url, headers, body }: SignableRequest,
  { accessKeyId, secretAccessKey, sessionToken, region }: AwsSecret,
  service: string,
  nowMs: number,
): readonly string[] => {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const own = ['x-amz-date', time, ...(sessionToken === undefined ? [] : ['x-amz-security-token', sessionToken])];
  const signed = canonicalHeaders(['host', url.host, ...headers, ...own]);
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    method,
    canonicalPath(url),
    canonicalQuery(url),
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secretAccessKey}`, day));
  const signature = createHmac('sha256', key)
    .update([ALGORITHM, time, scope, sha256(canonical)].join('\n'))
    .digest('hex');
  return [
    ...own,
    'authorization',
    `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  ];
};
