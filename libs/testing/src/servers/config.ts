// The environment that the embedded servers and the test helpers read; nothing else in this library looks at it.

export const searchPath = (): string[] => (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');

/** A Postgres (superuser URL) in which tests make their databases. */
export const testPostgresUrl = (): string | undefined => process.env['WAYSTATION_TEST_POSTGRES_URL'];

/** Tests run against containers instead of embedded servers where a Docker engine answers. */
export const testContainers = (): boolean => process.env['WAYSTATION_TEST_CONTAINERS'] === '1';

export const inheritedEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env });
