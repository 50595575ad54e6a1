// Credentials that are no secret to present but one to get tokens with: what each kind's secret must hold, and how a token is asked for.
// Pure but for the signature. node:crypto signs a JWT in a few lines; the vendors' libraries would bring HTTP clients of their own, beside the kit's guard, limits and authorities.
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { isRecord, textOf, type JsonObject } from '../json-shape.js';

export const TOKEN_KINDS = ['google-service-account', 'azure-ad'] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

export const isTokenKind = (kind: string): kind is TokenKind => (TOKEN_KINDS as readonly string[]).includes(kind);

/** Where tokens are asked for. */
export interface TokenEndpoints {
  readonly googleTokenUrl: string;
  /** The tenant and the rest of the path come behind it. */
  readonly azureAuthorityUrl: string;
}

export const TOKEN_ENDPOINTS: TokenEndpoints = {
  googleTokenUrl: 'https://oauth2.googleapis.com/token',
  azureAuthorityUrl: 'https://login.microsoftonline.com',
};

/** A form to post. */
export interface TokenForm {
  readonly url: string;
  readonly form: Readonly<Record<string, string>>;
}

/** A secret that was understood: asks anew each time, for what is asked holds the time. */
export type Grant = (endpoints: TokenEndpoints, nowMs: number) => TokenForm;

/** `fault` never quotes the secret. */
export type GrantReading = { readonly grant: Grant } | { readonly fault: string };

const jsonOf = (secret: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(secret);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const readKey = (pem: string): KeyObject | undefined => {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'rsa' ? key : undefined;
  } catch {
    return undefined;
  }
};

const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const ASSERTION_SECONDS = 3_600;

/** https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
const readServiceAccount = (secret: string): GrantReading => {
  const json = jsonOf(secret);
  const email = textOf(json?.['client_email']);
  const pem = textOf(json?.['private_key']);
  if (json === undefined || email === undefined || pem === undefined)
    return { fault: 'must be the JSON key of a Google service account, with client_email and private_key' };
  const key = readKey(pem);
  if (key === undefined)
    return { fault: 'must be the JSON key of a Google service account; its private_key is no RSA key in PEM' };
  const keyId = textOf(json['private_key_id']);
  const head = base64url({ alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) });
  return {
    grant: ({ googleTokenUrl }, nowMs) => {
      const iat = Math.floor(nowMs / 1_000);
      const claims = { iss: email, scope: GOOGLE_SCOPE, aud: googleTokenUrl, iat, exp: iat + ASSERTION_SECONDS };
      const signed = `${head}.${base64url(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), key).toString('base64url');
      return {
        url: googleTokenUrl,
        form: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `${signed}.${signature}` },
      };
    },
  };
};

/** https://learn.microsoft.com/azure/ai-foundry/openai/how-to/managed-identity */
const AZURE_SCOPE = 'https://cognitiveservices.azure.com/.default';
/** A GUID or a domain. */
const TENANT = /^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/;

/** https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
const readAzureClient = (secret: string): GrantReading => {
  const json = jsonOf(secret);
  const tenant = textOf(json?.['tenantId']);
  const clientId = textOf(json?.['clientId']);
  const clientSecret = textOf(json?.['clientSecret']);
  if (json === undefined || tenant === undefined || clientId === undefined || clientSecret === undefined)
    return {
      fault: 'must be JSON with tenantId, clientId and clientSecret (and scope, if it is not that of Azure AI)',
    };
  if (!TENANT.test(tenant)) return { fault: 'has a tenantId that is neither an id nor a domain' };
  const scope = textOf(json['scope']) ?? AZURE_SCOPE;
  return {
    grant: ({ azureAuthorityUrl }) => ({
      url: `${azureAuthorityUrl.replace(/\/+$/, '')}/${tenant}/oauth2/v2.0/token`,
      form: { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope },
    }),
  };
};

export const readGrant = (kind: TokenKind, secret: string): GrantReading => {
  switch (kind) {
    case 'google-service-account':
      return readServiceAccount(secret);
    case 'azure-ad':
      return readAzureClient(secret);
    default: {
      const unreachable: never = kind;
      return unreachable;
    }
  }
};
