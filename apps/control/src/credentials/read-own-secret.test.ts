// What is understood as a customer's key, one line a case: its kind, where it is asked, its label; and what is refused, which never quotes it.
import { generateKeyPairSync } from 'node:crypto';
import { readOwnSecret, type ProviderPlace } from './read-own-secret.js';

const openai: ProviderPlace = { dialect: 'openai-chat', baseUrl: 'https://api.openai.com/v1', kind: 'bearer' };
const anthropic: ProviderPlace = {
  ...{ dialect: 'anthropic-messages', baseUrl: 'https://api.anthropic.com/v1' },
  ...{ kind: 'header', name: 'x-api-key' },
};
const bedrock: ProviderPlace = {
  dialect: 'bedrock-converse',
  baseUrl: 'https://bedrock-runtime.us-east-1.amazonaws.com',
  kind: 'aws',
};
const vertexPath = '/v1/projects/station/locations/us-central1/publishers/google';
const vertex: ProviderPlace = {
  dialect: 'gemini',
  baseUrl: `https://us-central1-aiplatform.googleapis.com${vertexPath}`,
  kind: 'google-service-account',
};
const azure: ProviderPlace = {
  ...{ dialect: 'azure-openai', baseUrl: 'https://station.openai.azure.com/openai/v1' },
  ...{ kind: 'header', name: 'api-key' },
};
const server: ProviderPlace = { dialect: 'anthropic-messages', baseUrl: 'http://10.0.0.7/v1', kind: 'none' };

const KEY = 'sk-proj-canary-0123456789';
const pem = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const account = {
  type: 'service_account',
  project_id: 'mine',
  client_email: 'relay@mine.iam.gserviceaccount.com',
  private_key: pem,
};
const aws = { accessKeyId: 'AKIACANARY0123456789', secretAccessKey: 'canary/secret', region: 'eu-west-1' };
const entra = { tenantId: 'contoso.onmicrosoft.com', clientId: 'c-1-0123456789-abcd', clientSecret: 'canary' };
const json = JSON.stringify;

it.each<[string, string, ProviderPlace, object]>([
  ['as the station presents its own', KEY, openai, { kind: 'bearer', secret: KEY, label: 'sk-...6789' }],
  ['in the header of the provider', KEY, anthropic, { kind: 'header', name: 'x-api-key', secret: KEY }],
  ['as the dialect is used to, where the station needs none', KEY, server, { kind: 'header', name: 'x-api-key' }],
  ['as a bearer beside keys of AWS', KEY, bedrock, { kind: 'bearer', secret: KEY }],
  ['with a short label where it is short', 'abcdefgh', openai, { label: '...gh' }],
  ['with no label where it is shorter', 'abc', openai, { label: '...' }],
  [
    'as keys of AWS, in their region',
    json(aws),
    bedrock,
    {
      ...{ kind: 'aws', secret: json(aws), label: 'AKI...6789' },
      baseUrl: 'https://bedrock-runtime.eu-west-1.amazonaws.com',
    },
  ],
  [
    "as keys of AWS in the station's region where they name none",
    json({ ...aws, region: undefined }),
    bedrock,
    { kind: 'aws', secret: json({ ...aws, region: 'us-east-1' }), baseUrl: undefined },
  ],
  [
    'as a service account, in its project',
    json(account),
    vertex,
    {
      ...{ kind: 'google-service-account', label: account.client_email },
      baseUrl: `https://us-central1-aiplatform.googleapis.com${vertexPath.replace('station', 'mine')}`,
    },
  ],
  [
    'as a service account, in its region',
    json({ ...account, region: 'europe-west4' }),
    vertex,
    {
      baseUrl:
        'https://europe-west4-aiplatform.googleapis.com/v1/projects/mine/locations/europe-west4/publishers/google',
    },
  ],
  [
    'as a service account, everywhere',
    json({ ...account, region: 'global' }),
    vertex,
    { baseUrl: 'https://aiplatform.googleapis.com/v1/projects/mine/locations/global/publishers/google' },
  ],
  [
    'as the key of a resource of Azure',
    json([{ api_key: KEY, resource_name: 'mine' }]),
    azure,
    { kind: 'header', name: 'api-key', secret: KEY, baseUrl: 'https://mine.openai.azure.com/openai/v1' },
  ],
  [
    'as the key of another kind of resource',
    json({ api_key: KEY, resource_name: 'mine', resource_type: 'cognitive-services' }),
    azure,
    { baseUrl: 'https://mine.cognitiveservices.azure.com/openai/v1' },
  ],
  [
    'as a client of Entra',
    json({ ...entra, resource_name: 'mine' }),
    azure,
    { kind: 'azure-ad', label: 'c-1...abcd', baseUrl: 'https://mine.openai.azure.com/openai/v1' },
  ],
])('a key is taken %s', (_, text, place, taken) => {
  expect(readOwnSecret(text, place)).toMatchObject(taken);
});

it.each<[string, string, ProviderPlace, RegExp]>([
  ['spaces', 'sk-canary 0123', openai, /spaces/],
  ['a line break', 'sk-canary\n', openai, /line breaks/],
  ['letters that no header takes', 'sk-canarý', openai, /characters/],
  ['JSON that is cut off', '{"api_key":"canary', openai, /JSON/],
  ['JSON of another shape', json({ canary: 'canary' }), openai, /no shape that is known/],
  ['a list of several', json([{ api_key: KEY }, { api_key: KEY }]), azure, /a list of 2/],
  ['a list of none', '[]', azure, /a list of 0/],
  ['a list of text', json(['canary']), azure, /one object/],
  ['keys of AWS where nobody signs', json(aws), openai, /does not take/],
  ['half of the keys of AWS', json({ accessKeyId: 'canary' }), bedrock, /secretAccessKey/],
  ['a region that leads elsewhere', json({ ...aws, region: 'evil.example/canary' }), bedrock, /region/],
  ['a service account elsewhere', json(account), openai, /does not take/],
  ['a key where a service account is needed', KEY, vertex, /service account/],
  ['a service account without a key', json({ ...account, private_key: 'canary' }), vertex, /private_key/],
  ['a service account without a project', json({ ...account, project_id: undefined }), vertex, /project_id/],
  ['a project that leads elsewhere', json({ ...account, project_id: '../canary' }), vertex, /project_id/],
  ['a region of Google that leads elsewhere', json({ ...account, region: 'evil.example/' }), vertex, /region/],
  ['a key of Azure elsewhere', json({ api_key: KEY, resource_name: 'mine' }), openai, /Azure/],
  ['a key of Azure for no resource', json({ api_key: KEY }), azure, /resource_name/],
  ['a resource that leads elsewhere', json({ api_key: KEY, resource_name: 'evil.example/canary' }), azure, /resource/],
  ['a resource of no kind', json({ api_key: KEY, resource_name: 'm', resource_type: 'canary' }), azure, /known are/],
  [
    'single deployments',
    json([{ model_slug: 'a/b', endpoint_url: 'https://canary', api_key: KEY }]),
    azure,
    /deployments/,
  ],
  ['half a client of Entra', json({ tenantId: 'canary', clientId: 'c' }), azure, /clientSecret/],
])('%s is refused, without a word of it', (_, text, place, fault) => {
  const reading = readOwnSecret(text, place);
  expect(reading).toEqual({ fault: expect.stringMatching(fault) });
  expect(json(reading)).not.toMatch(/canary|PRIVATE|0123456789/);
});
