// Environment of the commands. Migrate: one owner URL per service, and the other two where it provisions the roles as well. Await-schema: a reader URL of each service whose schema it waits for.
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

export interface AwaitSchemaConfig {
  readonly services: readonly { readonly schema: ServiceSchema; readonly url: string }[];
}

const READERS = SCHEMAS.map((schema) => variableOf(schema, 'reader'));

export const awaitSchemaConfig: z.ZodType<AwaitSchemaConfig> = z
  .object(Object.fromEntries(READERS.map((name) => [name, url.optional()])))
  .superRefine((environment, context) => {
    if (READERS.some((name) => environment[name] !== undefined)) return;
    context.addIssue({ code: 'custom', path: [READERS.join(' or ')], message: 'must name a schema to wait for' });
  })
  .transform((environment) => ({
    services: SCHEMAS.flatMap((schema) => {
      const reader = environment[variableOf(schema, 'reader')];
      return reader === undefined ? [] : [{ schema, url: reader }];
    }),
  }));
