// A credential of the kind `aws`: what it takes to sign, as JSON, since a sealed secret is one text.
import { isRecord, textOf } from '../json-shape.js';

export interface AwsSecret {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
  readonly region: string;
}

/** Undefined for what is no such JSON. */
export const readAwsSecret = (secret: string): AwsSecret | undefined => {
  if (!secret.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(secret);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const [accessKeyId, secretAccessKey, region] = [
    textOf(value['accessKeyId']),
    textOf(value['secretAccessKey']),
    textOf(value['region']),
  ];
  if (accessKeyId === undefined || secretAccessKey === undefined || region === undefined) return undefined;
  const sessionToken = textOf(value['sessionToken']);
  return { accessKeyId, secretAccessKey, region, ...(sessionToken === undefined ? {} : { sessionToken }) };
};
