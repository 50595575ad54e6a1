// `node apps/fused/dist/await-schema.main.js`: ends with 0 as soon as all migrations of this release are in the schemas whose reader URLs it was given, which
// gates a roll-out: the new processes start behind it. Whatever keeps it from knowing (no server, no role, no schema yet) is waited for, and said once.
import { setTimeout as sleep } from 'node:timers/promises';
import { missingMigrations } from '@waystation/postgres';
import { readCommandConfig } from '@waystation/runtime';
import { awaitSchemaConfig } from './config.js';
import { MIGRATIONS } from './migrations.js';

const LOOK_EVERY_MS = 1_000;
/** Then it ends with 1, and whoever started it sees that something is wrong and tries again. */
const WAIT_MAX_MS = 600_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const { services } = readCommandConfig('await-schema', awaitSchemaConfig);

/** What is still in the way; undefined when nothing is. */
const obstacleOf = async ({ schema, url }: (typeof services)[number]): Promise<string | undefined> => {
  try {
    const missing = await missingMigrations({ url, schema, migrations: MIGRATIONS[schema] });
    return missing.length === 0 ? undefined : `waiting for the migrations ${missing.join(', ')}: run the migrate job`;
  } catch (error) {
    return `waiting for the database: ${error instanceof Error ? error.message : String(error)}`;
  }
};

const giveUpAt = performance.now() + WAIT_MAX_MS;
for (const service of services) {
  let said: string | undefined;
  for (;;) {
    const obstacle = await obstacleOf(service);
    if (obstacle === undefined) break;
    if (obstacle !== said) say(`${service.schema}: ${obstacle}`);
    said = obstacle;
    if (performance.now() > giveUpAt) {
      process.stderr.write(`${service.schema}: gave up after ${WAIT_MAX_MS / 1000} s, ${obstacle}\n`);
      process.exit(1);
    }
    await sleep(LOOK_EVERY_MS);
  }
  say(`${service.schema}: as new as this release`);
}
