// What an operator says, read: where the key goes, what is kept of it, and how changes are laid over what was said before.
import { newWorkerKeyPair, openSealed } from '@waystation/runtime';
import { applyChanges, putEndpoint, readSaid, removeEndpoint, type Reading, type SaidOptions } from './read-said.js';
import { probeDigest } from './overlay.js';
import type { Said, StoredProvider } from './provider-rows.js';

const keys = newWorkerKeyPair();
const OPTIONS: SaidOptions = {
  publicKey: keys.publicKey,
  environment: { GROQ_API_KEY: 'sk-groq', WAYSTATION_PROVIDER_LAN_KEY: 'sk-lan', DATABASE_URL: 'postgres://secret' },
  keyVariables: new Map([['groq', ['GROQ_API_KEY']]]),
};
const ENDPOINT = { model: 'home/small', context: 8_000, price: { input: '1', output: '2' } };
const KEYLESS: Said = {
  ...{ slug: 'home', dialect: 'openai-chat', baseUrl: 'https://vllm.example/v1' },
  endpoints: [ENDPOINT],
};
const SAID: Said = { ...KEYLESS, apiKey: 'sk-literal' };

const good = (reading: Reading | undefined): StoredProvider => {
  if (reading === undefined || 'faults' in reading) throw new Error(JSON.stringify(reading));
  return { ...reading, createdAt: 0, updatedAt: 0, version: 1 };
};
const faultsOf = (reading: Reading | undefined): readonly string[] =>
  reading !== undefined && 'faults' in reading ? reading.faults : [];
const stored = good(readSaid(SAID, OPTIONS));
const credentialOf = ({ meaning }: StoredProvider) =>
  'source' in meaning ? meaning.source.credential : meaning.extension.credential;
const secretOf = ({ key }: StoredProvider): string | undefined =>
  key.sealed && openSealed(keys.privateKey, key.sealed.text, 'operator-home');
const digest = (provider: StoredProvider) => probeDigest(provider, 'home/small@home');

describe('a key', () => {
  it('that is given is sealed for its credential, and in nothing that is kept or shown', () => {
    expect(secretOf(stored)).toBe('sk-literal');
    expect(JSON.stringify(stored)).not.toContain('sk-literal');
    expect(credentialOf(stored)).toEqual({ kind: 'bearer' });
  });

  it.each<[string, Said]>([
    ['GROQ_API_KEY', { slug: 'home', extends: 'groq' }],
    ['WAYSTATION_PROVIDER_LAN_KEY', SAID],
  ])('in the variable %s is kept as its name', (name, said) => {
    const read = good(readSaid({ ...said, apiKey: `\${${name}}` }, OPTIONS));
    expect(read.key).toEqual({ variable: name });
    expect(read.said['apiKey']).toBe(`\${${name}}`);
    expect(JSON.stringify(read)).not.toContain('sk-');
  });

  it('may be none, and then nothing is presented', () => {
    const read = good(readSaid(KEYLESS, OPTIONS));
    expect([read.key, credentialOf(read)]).toEqual([{}, { kind: 'none' }]);
  });

  it('of AWS leaves its region alone to be seen', () => {
    const auth = { kind: 'aws', accessKeyId: 'AKID', secretAccessKey: 'very-secret', region: 'us-east-1' };
    const read = good(readSaid({ ...KEYLESS, dialect: 'bedrock-converse', auth }, OPTIONS));
    expect(read.said['auth']).toEqual({ kind: 'aws', region: 'us-east-1' });
    expect(JSON.parse(secretOf(read) ?? '')).toMatchObject({ accessKeyId: 'AKID', secretAccessKey: 'very-secret' });
    expect(JSON.stringify(read)).not.toContain('very-secret');
    const named = good(applyChanges(read, { name: 'Bedrock' }, OPTIONS));
    expect([secretOf(named), credentialOf(named)]).toEqual([secretOf(read), { kind: 'aws' }]);
  });

  it.each([
    ['DATABASE_URL', 'may not name the variable DATABASE_URL', {}],
    ['GROQ_API_KEY', 'may not name the variable GROQ_API_KEY', {}],
    ['GROQ_API_KEY', 'may not name the variable GROQ_API_KEY', { extends: 'groq', dialect: undefined }],
    ['WAYSTATION_PROVIDER_NONE_KEY', 'the environment variable WAYSTATION_PROVIDER_NONE_KEY is not set in control', {}],
  ])('in the variable %s is refused: %s with %j', (name, problem, more) => {
    const said = JSON.parse(JSON.stringify({ ...SAID, ...more, apiKey: `\${${name}}` })) as Said;
    expect(faultsOf(readSaid(said, OPTIONS))).toEqual([expect.stringContaining(`provider.apiKey: ${problem}`)]);
  });

  it.each([
    [{ baseUrl: 'https://${DATABASE_URL}/v1' }, 'provider.baseUrl'],
    [{ headers: { 'x-a': 'b${DATABASE_URL}' } }, 'provider.headers.x-a'],
    [{ apiKey: 'Bearer ${GROQ_API_KEY}' }, 'provider.apiKey'],
    [{ endpoints: [{ ...ENDPOINT, description: '${DATABASE_URL}' }] }, 'provider.endpoints[0].description'],
  ])('is the only place for a variable: %j', (more, place) => {
    expect(faultsOf(readSaid({ ...SAID, ...more }, OPTIONS))).toContain(
      `${place}: may not hold a variable; only apiKey may, as a whole`,
    );
  });
});

describe('changes', () => {
  it('keep the key and how it is presented, unless they say otherwise', () => {
    const header = good(readSaid({ ...SAID, auth: { kind: 'header', name: 'x-key' } }, OPTIONS));
    const moved = good(applyChanges(header, { baseUrl: 'https://vllm.example/v2' }, OPTIONS));
    expect([secretOf(moved), credentialOf(moved)]).toEqual(['sk-literal', { kind: 'header', name: 'x-key' }]);
    const azure = good(applyChanges(stored, { dialect: 'azure-openai' }, OPTIONS));
    expect([secretOf(azure), credentialOf(azure)]).toEqual(['sk-literal', { kind: 'header', name: 'api-key' }]);
    const rekeyed = good(applyChanges(stored, { apiKey: 'sk-new' }, OPTIONS));
    expect(secretOf(rekeyed)).toBe('sk-new');
    const keyless = good(applyChanges(stored, { apiKey: null, name: 'No key' }, OPTIONS));
    expect([keyless.key, credentialOf(keyless)]).toEqual([{}, { kind: 'none' }]);
    const extending = good(
      readSaid({ slug: 'home', extends: 'groq', apiKey: 'sk-g', auth: { kind: 'header', name: 'x' } }, OPTIONS),
    );
    expect(credentialOf(good(applyChanges(extending, { name: 'G' }, OPTIONS)))).toEqual({ kind: 'header', name: 'x' });
  });

  it.each([
    [{ slug: 'away' }, 'provider.slug: cannot be changed'],
    [{ auth: { kind: 'header', name: 'x-key' } }, 'provider.apiKey: give it again where auth changes'],
    [{ auth: null }, 'provider.apiKey: give it again where auth changes'],
    [{ baseUrl: 'https://other.example/v1' }, 'provider.apiKey: give it again where the host changes'],
    [{ baseUrl: 'http://vllm.example/v1' }, 'provider.apiKey: give it again where the host changes'],
    [{ extends: 'groq', dialect: null, baseUrl: null }, 'provider.apiKey: give it again where the host changes'],
    [{ dialect: null }, 'provider.dialect: is missing'],
    [{ colour: 'red' }, 'provider.colour: is not known here'],
    [{ endpoints: [] }, 'provider.endpoints: must have at least one endpoint'],
  ])('of %j are refused', (changes, problem) => {
    expect(faultsOf(applyChanges(stored, changes, OPTIONS))).toContainEqual(expect.stringContaining(problem));
  });

  it('put an endpoint in the place of the one of its model and tag, or behind the others', () => {
    const dearer = { ...ENDPOINT, price: { input: '10', output: '20' } };
    expect(good(putEndpoint(stored, dearer, OPTIONS)).said['endpoints']).toEqual([dearer]);
    const tagged = { ...dearer, tag: 'eu' };
    const both = good(putEndpoint(stored, tagged, OPTIONS));
    expect(both.said['endpoints']).toEqual([ENDPOINT, tagged]);
    expect(good(removeEndpoint(both, { model: 'home/small' }, OPTIONS)).said['endpoints']).toEqual([tagged]);
    expect(removeEndpoint(both, { model: 'home/small', tag: 'us' }, OPTIONS)).toBeUndefined();
    expect(faultsOf(removeEndpoint(stored, { model: 'home/small' }, OPTIONS))).toEqual([
      'provider.endpoints: must have at least one endpoint',
    ]);
  });

  it('take a model of the catalog away where it was named', () => {
    const two = good(readSaid({ slug: 'home', extends: 'groq', apiKey: 'k', models: ['a/b', 'c/d'] }, OPTIONS));
    expect(good(removeEndpoint(two, { model: 'c/d' }, OPTIONS)).said['models']).toEqual(['a/b']);
  });
});

describe('what was proved', () => {
  it.each<[string, object]>([
    ['a price', { endpoints: [{ ...ENDPOINT, price: { input: '9', output: '9' } }] }],
    ['a name', { name: 'Home' }],
    ['a context', { endpoints: [{ ...ENDPOINT, context: 9_000 }] }],
    ['another endpoint', { endpoints: [ENDPOINT, { ...ENDPOINT, tag: 'eu' }] }],
    ['a data policy', { dataPolicy: { retains: false, trains: false } }],
    ['the same key', { apiKey: 'sk-literal' }],
  ])('stays proved with %s', (_name, changes) => {
    expect(digest(good(applyChanges(stored, { ...changes }, OPTIONS)))).toBe(digest(stored));
  });

  it.each<[string, object]>([
    ['a path', { baseUrl: 'https://vllm.example/v2' }],
    ['an address', { baseUrl: 'https://other.example/v1', apiKey: 'sk-literal' }],
    ['a dialect', { dialect: 'azure-openai' }],
    ['a key', { apiKey: 'sk-new' }],
    ['a header', { headers: { 'x-team': 'lab' } }],
    ['a quirk', { quirks: { outputCapField: 'max_completion_tokens' } }],
    ['a name at the server', { endpoints: [{ ...ENDPOINT, upstreamModel: 'other' }] }],
    ['a job', { endpoints: [{ ...ENDPOINT, apis: ['embeddings'] }] }],
  ])('is proved no more with %s', (_name, changes) => {
    expect(digest(good(applyChanges(stored, { ...changes }, OPTIONS)))).not.toBe(digest(stored));
  });
});
