// The only code that opens database connections.
export type { Database, DatabaseOptions, DatabaseRole, ServiceSchema } from './postgres.js';
