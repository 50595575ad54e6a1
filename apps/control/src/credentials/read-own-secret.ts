// What a customer gives as the key of a provider, understood before it is sealed: one secret of a kind that the workers know, where it is asked, and a label.
// Pure. Invariant: neither a fault nor a label ever quotes a secret, and an address that follows from one stays in the domain of the provider.
import type { CredentialEntry } from '@waystation/contracts';
import { findProviderDialect, readAwsSecret, readGrant, usualCredential } from '@waystation/providers';

/** The provider as the station knows it, and how the station's own key is presented there. */
export interface ProviderPlace {
  readonly dialect: string;
  readonly baseUrl: string;
  readonly kind: CredentialEntry['kind'];
  readonly name?: string | undefined;
}

export interface OwnSecret {
  readonly kind: CredentialEntry['kind'];
  readonly name?: string | undefined;
  readonly secret: string;
  /** Where it is not the provider's address. */
  readonly baseUrl?: string | undefined;
  readonly label: string;
}

export type SecretReading = OwnSecret | { readonly fault: string };

/** What can stand in a header. */
const PRINTABLE = /^[\x21-\x7e]+$/;
/** One label of a host, and what regions and projects are made of: nothing that could lead to another host or path. */
const HOST_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const PROJECT = /^[a-z0-9][a-z0-9:.-]{0,127}$/i;
const LABEL_CHARACTERS_MAX = 64;

/** The ends of a long text; of a short one they would be too much of it. */
const masked = (text: string): string =>
  text.length >= 16 ? `${text.slice(0, 3)}...${text.slice(-4)}` : text.length >= 8 ? `...${text.slice(-2)}` : '...';

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textIn = (json: Json, member: string): string | undefined => {
  const value = json[member];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** The object that the text is, or the only one of the list that it is. */
const jsonOf = (text: string): Json | { readonly fault: string } => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: 'looks like JSON and is none that can be read' };
  }
  if (!Array.isArray(value)) return isRecord(value) ? value : { fault: 'must be a JSON object' };
  const [only]: unknown[] = value;
  return value.length === 1 && isRecord(only)
    ? only
    : { fault: `must be one object, received a list of ${value.length}: make a key of its own for each resource` };
};

const isFault = (reading: object): reading is { readonly fault: string } => 'fault' in reading;

/** @param of `place`, with its host or path changed */
const elsewhere = (place: ProviderPlace, change: (url: URL) => void): string | undefined => {
  const url = new URL(place.baseUrl);
  change(url);
  const changed = url.href.replace(/\/$/, '');
  return changed === place.baseUrl.replace(/\/$/, '') ? undefined : changed;
};

const hostOf = ({ baseUrl }: ProviderPlace): string => URL.parse(baseUrl)?.hostname ?? '';

/** As the station's own key is presented; where that is no key, as keys usually are. */
const presentation = ({ dialect, kind, name }: ProviderPlace): Pick<OwnSecret, 'kind' | 'name'> => {
  if (kind === 'bearer' || kind === 'header' || kind === 'query') return { kind, name };
  return kind === 'aws' ? { kind: 'bearer' } : usualCredential(dialect);
};

/** https://docs.aws.amazon.com/general/latest/gr/bedrock.html */
const BEDROCK_HOST = /^bedrock-runtime\.([a-z0-9-]+)\.amazonaws\.com$/;

const readAws = (json: Json, place: ProviderPlace): SecretReading => {
  if (findProviderDialect(place.dialect)?.sign === undefined)
    return { fault: 'holds keys of AWS, which this provider does not take' };
  const region = textIn(json, 'region') ?? BEDROCK_HOST.exec(hostOf(place))?.[1];
  const secret = JSON.stringify({ ...json, region });
  const read = readAwsSecret(secret);
  if (read === undefined || !HOST_LABEL.test(read.region))
    return { fault: 'must be JSON with accessKeyId, secretAccessKey and a region such as us-east-1' };
  const baseUrl = elsewhere(place, (url) => {
    if (BEDROCK_HOST.test(url.hostname)) url.hostname = `bedrock-runtime.${read.region}.amazonaws.com`;
  });
  const { accessKeyId, secretAccessKey, sessionToken } = read;
  return {
    kind: 'aws',
    secret: JSON.stringify({ accessKeyId, secretAccessKey, sessionToken, region: read.region }),
    baseUrl,
    label: masked(accessKeyId),
  };
};

/** https://cloud.google.com/vertex-ai/docs/reference/rest#service-endpoint */
const VERTEX_HOST = /^(?:[a-z0-9-]+-)?aiplatform\.googleapis\.com$/;

const readServiceAccount = (json: Json, text: string, place: ProviderPlace): SecretReading => {
  const isVertex = VERTEX_HOST.test(hostOf(place));
  if (!isVertex && place.kind !== 'google-service-account')
    return { fault: 'is a Google service account, which this provider does not take' };
  const reading = readGrant('google-service-account', text);
  if (isFault(reading)) return reading;
  const label = (textIn(json, 'client_email') ?? '...').slice(0, LABEL_CHARACTERS_MAX);
  const [project, region] = [textIn(json, 'project_id'), textIn(json, 'region')];
  if (project === undefined || !PROJECT.test(project))
    return { fault: 'must be the JSON key of a Google service account; its project_id is missing or is none' };
  if (region !== undefined && !HOST_LABEL.test(region)) return { fault: 'has a region that is none' };
  const baseUrl = elsewhere(place, (url) => {
    if (!isVertex) return;
    url.pathname = url.pathname.replace(/\/projects\/[^/]+/, `/projects/${project}`);
    if (region === undefined) return;
    url.pathname = url.pathname.replace(/\/locations\/[^/]+/, `/locations/${region}`);
    url.hostname = `${region === 'global' ? '' : `${region}-`}aiplatform.googleapis.com`;
  });
  return { kind: 'google-service-account', secret: JSON.stringify(json), baseUrl, label };
};

/** Kinds of resource and where they are reached. https://learn.microsoft.com/azure/ai-foundry/model-inference/concepts/endpoints */
const AZURE_DOMAINS: Readonly<Record<string, string>> = {
  openai: 'openai.azure.com',
  foundry: 'services.ai.azure.com',
  'cognitive-services': 'cognitiveservices.azure.com',
};
const AZURE_HOST = /\.azure\.com$/;

const azureAddress = (json: Json, place: ProviderPlace): { baseUrl?: string | undefined } | { fault: string } => {
  const [resource, type] = [textIn(json, 'resource_name'), textIn(json, 'resource_type')];
  const domain = type === undefined ? hostOf(place).replace(/^[^.]+\./, '') : AZURE_DOMAINS[type];
  if (domain === undefined)
    return { fault: `has a resource_type that is not known; known are ${Object.keys(AZURE_DOMAINS).join(', ')}` };
  if (resource === undefined) return {};
  if (!HOST_LABEL.test(resource)) return { fault: 'has a resource_name that is no name of a resource' };
  return { baseUrl: elsewhere(place, (url) => void (url.hostname = `${resource}.${domain}`)) };
};

const readAzure = (json: Json, text: string, place: ProviderPlace): SecretReading => {
  if (!AZURE_HOST.test(hostOf(place))) return { fault: 'holds a key of Azure, which this provider does not take' };
  if (json['endpoint_url'] !== undefined || json['model_slug'] !== undefined)
    return {
      fault: 'names single deployments, which is not supported: give api_key and resource_name, and allowed_models',
    };
  const address = azureAddress(json, place);
  if (isFault(address)) return address;
  const key = textIn(json, 'api_key');
  if (key === undefined) {
    const reading = readGrant('azure-ad', text);
    if (isFault(reading)) return reading;
    return {
      kind: 'azure-ad',
      secret: JSON.stringify(json),
      ...address,
      label: masked(textIn(json, 'clientId') ?? ''),
    };
  }
  if (textIn(json, 'resource_name') === undefined)
    return { fault: 'must be JSON with api_key and resource_name (and resource_type, where it is another)' };
  if (!PRINTABLE.test(key)) return { fault: 'has an api_key with spaces, line breaks or characters that no key has' };
  return { ...presentation(place), secret: key, ...address, label: masked(key) };
};

const readJson = (text: string, place: ProviderPlace): SecretReading => {
  const json = jsonOf(text);
  if (isFault(json)) return json;
  const has = (...members: string[]): boolean => members.some((member) => json[member] !== undefined);
  if (has('accessKeyId', 'secretAccessKey')) return readAws(json, place);
  if (has('private_key', 'client_email')) return readServiceAccount(json, JSON.stringify(json), place);
  if (has('api_key', 'clientId', 'tenantId')) return readAzure(json, JSON.stringify(json), place);
  return {
    fault:
      'is JSON of no shape that is known: keys of AWS (accessKeyId, secretAccessKey, region), a Google service account, or a resource of Azure (api_key, resource_name)',
  };
};

export const readOwnSecret = (text: string, place: ProviderPlace): SecretReading => {
  if (/^\s*[{[]/.test(text)) return readJson(text, place);
  if (place.kind === 'google-service-account') return { fault: 'must be the JSON key of a Google service account' };
  if (!PRINTABLE.test(text)) return { fault: 'has spaces, line breaks or characters that no key has' };
  return { ...presentation(place), secret: text, label: masked(text) };
};
