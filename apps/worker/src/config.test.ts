import { workerConfig } from './config.js';

const key = 'A'.repeat(43);

describe('the worker’s variables', () => {
  it('need only the private key', () => {
    expect(workerConfig.parse({ WAYSTATION_WORKER_PRIVATE_KEY: key })).toMatchObject({
      privateKey: key,
      providers: undefined,
      attemptsMax: 2_048,
      tls: {},
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
    { WAYSTATION_WORKER_PRIVATE_KEY: key, WAYSTATION_WORKER_ATTEMPTS_MAX: '0' },
  ])('refuse %j', (environment) => {
    expect(workerConfig.safeParse(environment).success).toBe(false);
  });
});
