// One Jest configuration for every project. Sources are native ES modules: run with --experimental-vm-modules.
const names =
  '(bus|catalog|contracts|dialects|generation|ledger|policy|postgres|providers|routing|runtime|screening|tasks|testing)';
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { swcrc: true, configFile: './.swcrc', exclude: [] }] },
  moduleNameMapper: {
    [`^@waystation/${names}$`]: '<rootDir>/libs/$1/src/index.ts',
    '^@waystation/app-(.*)$': '<rootDir>/apps/$1/src/app.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  setupFiles: ['<rootDir>/tools/test/mend-json-parse.ts'],
  testMatch: ['**/*.test.ts', '**/*.itest.ts'],
  modulePathIgnorePatterns: ['/dist/', '/\\.waystation/'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/tools/fixtures/'],
  maxWorkers: 2,
  testTimeout: 30_000,
};
