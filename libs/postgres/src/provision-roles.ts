// Schema and three login roles of one service. Names and passwords come from the URLs; a second run changes only what differs, so passwords can be rotated by running it again.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describeTarget, failureCode, reasonOf } from './failures.js';
import type { DatabaseRole, ServiceSchema } from './postgres.js';

export interface ProvisionRolesOptions {
  /** A superuser, or the database's owner with CREATEROLE. */
  readonly adminUrl: string;
  readonly schema: ServiceSchema;
  readonly urls: Readonly<Record<DatabaseRole, string>>;
}

interface Login {
  readonly name: string;
  readonly password: string;
  readonly database: string;
}

const ROLES: readonly DatabaseRole[] = ['owner', 'writer', 'reader'];
/** Roles belong to the whole server: two databases that are provisioned at the same moment can meet at one row. */
const COLLISIONS_MAX = 10;
const COLLISION_PAUSE_MS = 50;

export const provisionRoles = async ({ adminUrl, schema, urls }: ProvisionRolesOptions): Promise<void> => {
  const logins = {
    owner: loginOf(urls.owner, 'owner'),
    writer: loginOf(urls.writer, 'writer'),
    reader: loginOf(urls.reader, 'reader'),
  };
  if (new Set(ROLES.map((role) => logins[role].name)).size !== ROLES.length) {
    throw new Error(`owner, writer and reader of schema ${schema} must be three different users in their URLs`);
  }
  if (new Set(ROLES.map((role) => logins[role].database)).size !== 1) {
    throw new Error(`owner, writer and reader of schema ${schema} must name the same database in their URLs`);
  }
  const admin = new URL(adminUrl);
  admin.pathname = `/${encodeURIComponent(logins.owner.database)}`;
  const client = new pg.Client({ connectionString: admin.href, application_name: `waystation-provision-${schema}` });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await withoutCollision(() => provision(client, schema, logins));
  } catch (error) {
    throw new Error(
      `roles of schema ${schema} cannot be provisioned at ${describeTarget(admin.href)}: ${reasonOf(error)}`,
      { cause: error },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
};

const loginOf = (url: string, role: DatabaseRole): Login => {
  const { username, password, pathname } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1));
  if (username === '' || database === '')
    throw new Error(`the ${role} URL must name a user and a database (postgres://user:password@host:5432/database)`);
  return { name: decodeURIComponent(username), password: decodeURIComponent(password), database };
};

const provision = async (
  client: pg.Client,
  schema: ServiceSchema,
  logins: Record<DatabaseRole, Login>,
): Promise<void> => {
  const name = pg.escapeIdentifier(schema);
  const owner = pg.escapeIdentifier(logins.owner.name);
  const writer = pg.escapeIdentifier(logins.writer.name);
  const reader = pg.escapeIdentifier(logins.reader.name);
  const database = pg.escapeIdentifier(logins.owner.database);
  await client.query('begin');
  try {
    for (const role of ROLES) await upsertLogin(client, logins[role]);
    await refuseRowSecurityBypass(client, logins);
    for (const role of ROLES) {
      await client.query(`grant connect on database ${database} to ${pg.escapeIdentifier(logins[role].name)}`);
      // For clients behind a pooler that drops startup options; ours set it themselves too.
      await client.query(
        `alter role ${pg.escapeIdentifier(logins[role].name)} in database ${database} set search_path = ${name}`,
      );
    }
    await inheritFrom(client, logins, 'writer');
    await inheritFrom(client, logins, 'reader');
    // Migrations learn the names of the roles they grant to from here: see row-security.ts.
    await client.query(
      `alter role ${owner} in database ${database} set way.writer = ${pg.escapeLiteral(logins.writer.name)}`,
    );
    await client.query(
      `alter role ${owner} in database ${database} set way.reader = ${pg.escapeLiteral(logins.reader.name)}`,
    );
    await becomeMemberOf(client, owner);
    await client.query(`create schema if not exists ${name}`);
    await client.query(`alter schema ${name} owner to ${owner}`);
    await client.query(`grant usage on schema ${name} to ${writer}, ${reader}`);
    // For the tables that migrations will make. DELETE is granted, and UPDATE revoked, by the migration of the table; so nothing is granted on tables that exist.
    await client.query(
      `alter default privileges for role ${owner} in schema ${name} grant select, insert, update on tables to ${writer}`,
    );
    await client.query(
      `alter default privileges for role ${owner} in schema ${name} grant select on tables to ${reader}`,
    );
    await client.query(
      `alter default privileges for role ${owner} in schema ${name} grant usage, select on sequences to ${writer}`,
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
};

const upsertLogin = async (client: pg.Client, login: Login): Promise<void> => {
  const role = pg.escapeIdentifier(login.name);
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [login.name]);
  if (rowCount === 0) await client.query(`create role ${role} login`);
  if (login.password !== '')
    await client.query(`alter role ${role} login password ${pg.escapeLiteral(login.password)}`);
};

/** A writer or reader with a new name gets what the former one was granted by all migrations so far. */
const inheritFrom = async (
  client: pg.Client,
  logins: Record<DatabaseRole, Login>,
  role: 'writer' | 'reader',
): Promise<void> => {
  const { rows } = await client.query<{ former: string }>(
    `select r.rolname as former
       from pg_db_role_setting s, unnest(s.setconfig) as setting, pg_roles r
      where s.setrole = (select oid from pg_roles where rolname = $1)
        and s.setdatabase = (select oid from pg_database where datname = current_database())
        and setting like $2 and r.rolname = split_part(setting, '=', 2) and r.rolname <> $3
        and not pg_has_role(r.rolname, $3, 'member')`,
    [logins.owner.name, `way.${role}=%`, logins[role].name],
  );
  for (const { former } of rows) {
    await client.query(`grant ${pg.escapeIdentifier(former)} to ${pg.escapeIdentifier(logins[role].name)}`);
  }
};

/** Row-level security means nothing to a role that may bypass it. */
const refuseRowSecurityBypass = async (client: pg.Client, logins: Record<DatabaseRole, Login>): Promise<void> => {
  const names = ROLES.map((role) => logins[role].name);
  const { rows } = await client.query<{ rolname: string }>(
    'select rolname from pg_roles where rolname = any($1) and (rolsuper or rolbypassrls)',
    [names],
  );
  if (rows.length > 0) {
    throw new Error(
      `role ${rows.map(({ rolname }) => rolname).join(', ')} is a superuser or may bypass row-level security; use another role in the URL`,
    );
  }
};

/** An admin that is no superuser must belong to the owner before it can hand the schema over. */
const becomeMemberOf = async (client: pg.Client, owner: string): Promise<void> => {
  const { rows } = await client.query<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_roles where rolname = current_user',
  );
  if (rows[0]?.superuser !== true) await client.query(`grant ${owner} to current_user`);
};

/** unique_violation and duplicate_object on a role that was made meanwhile; XX000 is "tuple concurrently updated". */
const withoutCollision = async (work: () => Promise<void>): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const collided = ['23505', '42710', 'XX000', '40001', '40P01'].includes(failureCode(error) ?? '');
      if (!collided || tries === COLLISIONS_MAX) throw error;
      await sleep(COLLISION_PAUSE_MS * Math.random() * tries);
    }
  }
};
