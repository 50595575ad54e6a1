// What `npm start` understands, with and without the dashes that npm swallows.
import { readOptions } from './options.ts';

const read = (args: string[], env: NodeJS.ProcessEnv = {}) => readOptions(args, env, '/srv');

test('without options the split shape runs on port 8080 in .waystation', () => {
  expect(read([])).toMatchObject({
    shape: 'split',
    port: 8080,
    dataDir: '/srv/.waystation',
    detach: false,
    supervise: true,
  });
});

test('options may be given in words', () => {
  expect(read(['--fused', '--port', '9000', '--data-dir', 'here', '--detach', '--workers', '3'])).toMatchObject({
    shape: 'fused',
    port: 9000,
    dataDir: '/srv/here',
    detach: true,
    replicas: { ingress: 1, router: 1, worker: 3, backOffice: 1 },
  });
});

test('options that npm took for its own still count', () => {
  expect(
    read([], {
      npm_config_detach: 'true',
      npm_config_fused: 'true',
      npm_config_port: '9000',
      npm_config_data_dir: '/data',
    }),
  ).toMatchObject({ shape: 'fused', port: 9000, dataDir: '/data', detach: true });
});

test('values that npm cut off from their options find them again', () => {
  expect(read(['9000', '/data'], { npm_config_port: 'true', npm_config_data_dir: 'true' })).toMatchObject({
    port: 9000,
    dataDir: '/data',
  });
  expect(read(['/data'], { npm_config_port: '9000', npm_config_data_dir: '' })).toMatchObject({
    port: 9000,
    dataDir: '/data',
  });
});

test('management has a port of its own where it is given one', () => {
  expect(read([]).managementPort).toBeUndefined();
  expect(read(['--management-port', '8081']).managementPort).toBe(8081);
  expect(read([], { npm_config_management_port: '8081' }).managementPort).toBe(8081);
});

test.each([
  [['--management-port', 'x'], '--management-port must be a whole number from 0 to 65535, not x'],
  [['--port', '70000'], '--port must be a whole number from 0 to 65535, not 70000'],
  [['--port', 'x'], 'not x'],
  [['--workers', '1e2'], 'not 1e2'],
  [['--env', 'X'], '--env must be NAME=value'],
  [['--fuse'], "Unknown option '--fuse'"],
  [['more'], 'unexpected more'],
])('%j is refused with a reason', (args, reason) => {
  expect(() => read(args)).toThrow(reason);
});
