// Environment of the migrate command: one owner URL per service, and the other two where it provisions the roles as well.
import type { DatabaseRole, ServiceSchema } from '@waystation/postgres';
import { z } from 'zod';

export interface MigrateConfig {
  /** Absent: schemas and roles were made by hand, only migrations run. */
  readonly adminUrl?: string;
  readonly services: readonly {
    readonly schema: ServiceSchema;
    readonly urls: Readonly<Record<DatabaseRole, string>>;
  }[];
}

const SCHEMAS: readonly ServiceSchema[] = ['billing', 'logging', 'control'];
const ROLES: readonly DatabaseRole[] = ['owner', 'writer', 'reader'];

const url = z
  .string()
  .refine(
    (text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text),
    'must be postgres://user:password@host:5432/database',
  );

const variableOf = (schema: ServiceSchema, role: DatabaseRole): string =>
  `WAYSTATION_${schema}_${role}_URL`.toUpperCase();
const VARIABLES = SCHEMAS.flatMap((schema) => ROLES.map((role) => variableOf(schema, role)));

export const migrateConfig: z.ZodType<MigrateConfig> = z
  .object({ WAYSTATION_POSTGRES_ADMIN_URL: url.optional() })
  .extend(Object.fromEntries(VARIABLES.map((name) => [name, url])))
  .transform((environment) => {
    const values: Record<string, string | undefined> = environment;
    const adminUrl = values['WAYSTATION_POSTGRES_ADMIN_URL'];
    const urlOf = (schema: ServiceSchema, role: DatabaseRole): string => values[variableOf(schema, role)] ?? '';
    return {
      ...(adminUrl === undefined ? {} : { adminUrl }),
      services: SCHEMAS.map((schema) => ({
        schema,
        urls: { owner: urlOf(schema, 'owner'), writer: urlOf(schema, 'writer'), reader: urlOf(schema, 'reader') },
      })),
    };
  });
