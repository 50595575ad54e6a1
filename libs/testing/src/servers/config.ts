// The environment that the embedded servers and the test helpers read; nothing else in this library looks at it.

export const searchPath = (): string[] => (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');

/** A Postgres (superuser URL) in which tests make their databases. */
export const testPostgresUrl = (): string | undefined => process.env['WAYSTATION_TEST_POSTGRES_URL'];

/** Tests run against containers instead of embedded servers where a Docker engine answers. */
export const testContainers = (): boolean => process.env['WAYSTATION_TEST_CONTAINERS'] === '1';

export const inheritedEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env });

export const e2eShape = (): 'split' | 'fused' => (process.env['WAYSTATION_E2E_SHAPE'] === 'fused' ? 'fused' : 'split');

/** Tests run with short times; `npm run faults` with the real ones. */
export const e2eTimeScale = (): number => Number(process.env['WAYSTATION_E2E_TIME_SCALE'] ?? '0.1');
