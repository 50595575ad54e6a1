// SQL that migrations share: forced row-level security by workspace, and grants to the roles whose names only the operator knows (see provision-roles.ts).
// With `way.workspace` unset or empty the reader sees no row at all.

const NAME = /^[a-z_][a-z0-9_]*$/;

const checked = (name: string): string => {
  if (!name.split('.').every((part) => NAME.test(part)))
    throw new Error(`"${name}" is not a plain table or column name`);
  return name;
};

const withRole = (role: 'writer' | 'reader', statements: readonly string[]): string => `do $$
declare role_name text := current_setting('way.${role}', true);
begin
  if coalesce(role_name, '') = '' then
    raise exception 'the ${role} role is not provisioned for this owner: run the migrate command with WAYSTATION_POSTGRES_ADMIN_URL first';
  end if;
${statements.map((statement) => `  execute format('${statement.replaceAll("'", "''")}', role_name);`).join('\n')}
end $$`;

/** A statement with `%I` in place of the role's name. */
export type Privilege = 'select' | 'insert' | 'update' | 'delete' | 'truncate';

/** Grants what the default privileges leave out (they give the writer select, insert and update, and the reader select). */
export const grantTo = (role: 'writer' | 'reader', privileges: readonly Privilege[], table: string): string =>
  withRole(role, [`grant ${privileges.join(', ')} on ${checked(table)} to %I`]);

/** Takes a default privilege away, say the reader's select on a table of secrets, or the writer's update on an append-only one. */
export const revokeFrom = (role: 'writer' | 'reader', privileges: readonly Privilege[], table: string): string =>
  withRole(role, [`revoke ${privileges.join(', ')} on ${checked(table)} from %I`]);

/**
 * Statements that force row-level security on a table with a workspace column: the reader sees the rows of `way.workspace` only, the writer and the owner all.
 * Forced, so that not even the owner slips past by owning. Run each in order.
 */
export const forceRowSecurity = (table: string, column = 'workspace_id'): string[] => [
  `alter table ${checked(table)} enable row level security`,
  `alter table ${checked(table)} force row level security`,
  withRole('reader', [
    `create policy by_workspace on ${table} for select to %I using (${checked(column)}::text = nullif(current_setting('way.workspace', true), ''))`,
  ]),
  withRole('writer', [`create policy writer_sees_all on ${table} to %I using (true) with check (true)`]),
  `create policy owner_sees_all on ${table} to current_user using (true) with check (true)`,
];
