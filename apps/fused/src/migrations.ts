// The migrations of this release, by schema.
import { migrations as billing } from '@waystation/app-billing';
import { migrations as control } from '@waystation/app-control';
import { migrations as logging } from '@waystation/app-logging';
import type { MigrateOptions, ServiceSchema } from '@waystation/postgres';

export const MIGRATIONS: Readonly<Record<ServiceSchema, MigrateOptions['migrations']>> = { billing, logging, control };
