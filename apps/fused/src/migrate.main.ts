// `node apps/fused/dist/migrate.main.js`: makes schemas and roles where it was given an admin URL, then runs the migrations of all services. Idempotent;
// two runs at once take turns. Deploy it before the services, which must never run against an older schema.
import { migrate, provisionRoles } from '@waystation/postgres';
import { readCommandConfig } from '@waystation/runtime';
import { migrateConfig } from './config.js';
import { MIGRATIONS } from './migrations.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { adminUrl, services } = readCommandConfig('migrate', migrateConfig);
try {
  for (const { schema, urls } of services) {
    if (adminUrl !== undefined) await provisionRoles({ adminUrl, schema, urls });
    const ran = await migrate({ ownerUrl: urls.owner, schema, migrations: MIGRATIONS[schema] });
    say(`${schema}: ${ran.length === 0 ? 'up to date' : `ran ${ran.join(', ')}`}`);
  }
} catch (error) {
  process.stderr.write(`migrate failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
