import { TOKEN_ENDPOINTS } from '@waystation/providers';
import { workerConfig } from './config.js';

const key = 'A'.repeat(43);

describe('the worker’s variables', () => {
  it('need only the private key', () => {
    expect(workerConfig.parse({ WAYSTATION_WORKER_PRIVATE_KEY: key })).toMatchObject({
      privateKey: key,
      providers: undefined,
      attemptsMax: 2_048,
      tls: {},
      tokenEndpoints: TOKEN_ENDPOINTS,
    });
  });

  it('may name another giver of tokens', () => {
    const environment = {
      WAYSTATION_WORKER_PRIVATE_KEY: key,
      WAYSTATION_WORKER_AZURE_AUTHORITY_URL: 'https://login.example',
    };
    expect(workerConfig.parse(environment).tokenEndpoints).toEqual({
      googleTokenUrl: TOKEN_ENDPOINTS.googleTokenUrl,
      azureAuthorityUrl: 'https://login.example',
    });
  });

  it.each([
    ['', undefined],
    [' , ', undefined],
    ['openai', ['openai']],
    ['openai, lab,', ['openai', 'lab']],
  ])('take %j for the providers %j', (text, providers) => {
    expect(
      workerConfig.parse({ WAYSTATION_WORKER_PRIVATE_KEY: key, WAYSTATION_WORKER_PROVIDERS: text }).providers,
    ).toEqual(providers);
  });

  it.each([
    {},
    { WAYSTATION_WORKER_PRIVATE_KEY: 'short' },
    { WAYSTATION_WORKER_PRIVATE_KEY: key, WAYSTATION_WORKER_GOOGLE_TOKEN_URL: 'oauth2.example' },
    { WAYSTATION_WORKER_PRIVATE_KEY: key, WAYSTATION_WORKER_ATTEMPTS_MAX: '0' },
  ])('refuse %j', (environment) => {
    expect(workerConfig.safeParse(environment).success).toBe(false);
  });
});
