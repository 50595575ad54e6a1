// Any signature will do, but there must be one and it must look like one: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// Bedrock's API keys come as a bearer instead: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
import { BadCall, type Received } from '../dialect.js';

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^/\s]+\/(\d{8})\/[a-z0-9-]+\/bedrock\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$/;
const DATE = /^\d{8}T\d{6}Z$/;
const SIGNED = ['host', 'x-amz-date'];

export const checkAuthorization = (header: Received['header']): void => {
  const authorization = header('authorization');
  if (authorization === undefined) throw new BadCall(403, 'Missing Authentication Token');
  if (/^Bearer \S+$/.test(authorization)) return;
  const match = SIGNATURE.exec(authorization);
  if (match === null)
    throw new BadCall(
      403,
      'Authorization header is no AWS4-HMAC-SHA256 signature with Credential, SignedHeaders and Signature.',
    );
  const date = header('x-amz-date') ?? '';
  if (!DATE.test(date) || !date.startsWith(match[1] ?? ''))
    throw new BadCall(403, 'X-Amz-Date is missing, or not of the day of the credential scope.');
  const signed = (match[2] ?? '').split(';');
  const missing = SIGNED.find((name) => !signed.includes(name));
  if (missing !== undefined) throw new BadCall(403, `'${missing}' must be a 'SignedHeader' in the AWS Authorization.`);
  if ([...signed].sort().join(';') !== match[2]) throw new BadCall(403, 'SignedHeaders must be sorted.');
};
