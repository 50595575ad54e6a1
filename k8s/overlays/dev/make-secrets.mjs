// `node k8s/overlays/dev/make-secrets.mjs [folder]`: the Secrets of the development overlay, random, as .env files in `secrets/` beside this file (or the folder
// named). Prints the seeded keys. What is there already stays: a new password would not fit the database that was made with the old one.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const folder = path.resolve(process.argv[2] ?? path.join(here, 'secrets'));
const script = path.join(here, '../../../tools/compose-env.mjs');
if (existsSync(folder)) {
  console.error(`${folder} is there already; delete it, and the cluster's volumes with it, to begin anew`);
  process.exit(1);
}

const made = new Map(
  execFileSync(process.execPath, [script, '--demo'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);
const roleUrl = (schema, role) => {
  const name = `${schema}_${role}`;
  return [
    `WAYSTATION_${name.toUpperCase()}_URL`,
    `postgres://waystation_${name}:${made.get(`${name.toUpperCase()}_PASSWORD`)}@postgres:5432/waystation`,
  ];
};
const schemas = ['billing', 'logging', 'control'];
const taken = (pattern) => [...made].filter(([name]) => pattern.test(name));
const hash = createHash('sha256').update(made.get('WAYSTATION_SEED_MANAGEMENT_KEY')).digest('hex');

const files = {
  'waystation-nats': taken(/^NATS_PASSWORD_/),
  'waystation-worker': taken(/^WAYSTATION_WORKER_/),
  'waystation-seeds': taken(/^WAYSTATION_SEED_/),
  'waystation-operators': [['WAYSTATION_OPERATOR_KEY_HASHES', hash]],
  'waystation-postgres': schemas.flatMap((schema) => ['writer', 'reader'].map((role) => roleUrl(schema, role))),
  'waystation-postgres-owners': [
    ['WAYSTATION_POSTGRES_ADMIN_URL', `postgres://postgres:${made.get('POSTGRES_PASSWORD')}@postgres:5432/waystation`],
    ...schemas.map((schema) => roleUrl(schema, 'owner')),
  ],
  postgres: taken(/^POSTGRES_PASSWORD$/),
};
mkdirSync(folder, { recursive: true, mode: 0o700 });
for (const [name, values] of Object.entries(files)) {
  const text = values.map(([variable, value]) => `${variable}=${value}\n`).join('');
  writeFileSync(path.join(folder, `${name}.env`), text, { mode: 0o600 });
}
for (const [name, value] of taken(/^WAYSTATION_SEED_/)) console.log(`${name}=${value}`);
