// What a secret that tokens are got with must hold, and how a token is asked for.
import { generateKeyPairSync, verify } from 'node:crypto';
import { TOKEN_ENDPOINTS, readGrant, type TokenKind } from './grant.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
const account = {
  type: 'service_account',
  private_key_id: 'key-1',
  private_key: pem,
  client_email: 'relay@project.iam.gserviceaccount.com',
  token_uri: 'https://elsewhere.example/token',
};
const client = { tenantId: 'contoso.onmicrosoft.com', clientId: 'c-1', clientSecret: 's&cr=t' };

const asked = (kind: TokenKind, secret: object, nowMs = 0) => {
  const reading = readGrant(kind, JSON.stringify(secret));
  if ('fault' in reading) throw new Error(reading.fault);
  return reading.grant(TOKEN_ENDPOINTS, nowMs);
};

it('asks Google with an assertion that its own key proves, at Google and nowhere else', () => {
  const { url, form } = asked('google-service-account', account, 1_764_172_800_900);
  expect([url, form['grant_type']]).toEqual([
    'https://oauth2.googleapis.com/token',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ]);
  const [head = '', claims = '', signature = ''] = (form['assertion'] ?? '').split('.');
  const said = [head, claims].map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString()));
  expect(said).toEqual([
    { alg: 'RS256', typ: 'JWT', kid: 'key-1' },
    {
      iss: 'relay@project.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      aud: 'https://oauth2.googleapis.com/token',
      iat: 1_764_172_800,
      exp: 1_764_176_400,
    },
  ]);
  const proved = verify('sha256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'));
  expect(proved).toBe(true);
});

it('asks Azure as a client, for what Azure AI is reached with or what the secret names', () => {
  expect(asked('azure-ad', client)).toEqual({
    url: 'https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token',
    form: {
      grant_type: 'client_credentials',
      client_id: 'c-1',
      client_secret: 's&cr=t',
      scope: 'https://cognitiveservices.azure.com/.default',
    },
  });
  expect(asked('azure-ad', { ...client, scope: 'api://x/.default' }).form['scope']).toBe('api://x/.default');
});

const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

it.each<[TokenKind, string, unknown]>([
  ['google-service-account', 'is no JSON', 'canary'],
  ['google-service-account', 'is no object', ['canary']],
  ['google-service-account', 'names nobody', { ...account, client_email: undefined }],
  ['google-service-account', 'has no key', { ...account, private_key: undefined }],
  ['google-service-account', 'has a key that is none', { ...account, private_key: 'canary' }],
  ['google-service-account', 'has a key of another kind', { ...account, private_key: elliptic }],
  ['azure-ad', 'is no JSON', 'canary'],
  ['azure-ad', 'has no client secret', { ...client, clientSecret: undefined }],
  ['azure-ad', 'has a tenant that would lead elsewhere', { ...client, tenantId: '../canary' }],
])('%s: a secret that %s is a fault, which does not quote it', (kind, _, secret) => {
  const reading = readGrant(kind, typeof secret === 'string' ? secret : JSON.stringify(secret));
  expect(reading).toEqual({ fault: expect.stringMatching(/^(must be|has) /) });
  expect(JSON.stringify(reading)).not.toMatch(/canary|BEGIN|s&cr=t/);
});
