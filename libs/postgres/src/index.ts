// The only code that opens database connections.
export { arrayText } from './array-text.js';
export { migrate, type MigrateOptions } from './migrate.js';
export { missingMigrations, type MissingMigrationsOptions } from './missing-migrations.js';
export { openDatabase } from './open-database.js';
export type { Database, DatabaseOptions, DatabaseRole, ServiceSchema } from './postgres.js';
export { queryAtCommit, queryPrepared, queryRows, queryTogether, type Statement } from './query-rows.js';
export { provisionRoles, type ProvisionRolesOptions } from './provision-roles.js';
export { forceRowSecurity, grantTo, revokeFrom, type Privilege } from './row-security.js';
