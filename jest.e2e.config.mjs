// Black-box tests over the running system: one file at a time, since each brings up a system of its own and the machine has two cores.
import unit from './jest.config.mjs';

export default {
  ...unit,
  testMatch: ['<rootDir>/e2e/**/*.e2e.ts'],
  maxWorkers: 1,
  testTimeout: 120_000,
};
