// What was kept before origins were: against a real Postgres, at the version of the schema of then.
import { randomBytes } from 'node:crypto';
import { migrate, openDatabase, provisionRoles } from '@waystation/postgres';
import { postgresDatabase } from '@waystation/testing';
import { migrations } from '../app.js';
import { KeepOriginOfOwnKeys1764191523149 } from './keep-origin-of-own-keys.js';

it('takes keys of before for kept for the address of their provider, or for the one that they bring', async () => {
  const database = await postgresDatabase();
  const suffix = randomBytes(4).toString('hex');
  const roleUrl = (role: string): string => {
    const url = new URL(database.adminUrl);
    [url.username, url.password] = [`control_${role}_${suffix}`, 'secret'];
    return url.href;
  };
  const urls = { owner: roleUrl('owner'), writer: roleUrl('writer'), reader: roleUrl('reader') };
  await provisionRoles({ adminUrl: database.adminUrl, schema: 'control', urls });
  const upTo = (count: number): Promise<unknown> =>
    migrate({ ownerUrl: urls.owner, schema: 'control', migrations: migrations.slice(0, count) });
  const at = [...migrations].indexOf(KeepOriginOfOwnKeys1764191523149);
  await upTo(at);
  const writer = await openDatabase({
    ...{ url: urls.writer, schema: 'control', applicationName: 'control-itest', poolMax: 1, statementTimeoutMs: 5_000 },
  });
  await writer.query(`insert into workspaces (id, slug, name, version) values ('w', 'w', 'W', 1)`);
  await writer.query(
    `insert into catalog (kind, id, body, version) values ('provider', 'lab', '{"baseUrl":"https://lab.example:8443/v1"}', 1)`,
  );
  const rows: readonly (readonly [id: string, provider: string, workspace: string | null, baseUrl: string | null])[] = [
    ['operator', 'lab', null, null],
    ['plain', 'lab', 'w', null],
    ['resource', 'lab', 'w', 'https://mine.example/openai?x'],
    ['orphan', 'gone', 'w', null],
  ];
  for (const row of rows)
    await writer.query(
      `insert into credentials (id, provider, workspace_id, base_url, kind, fingerprint, version) values ($1, $2, $3, $4, 'bearer', '', 1)`,
      [...row],
    );
  await upTo(at + 1);
  const origins = await writer.query<{ id: string; origin: string | null }>('select id, origin from credentials');
  expect(Object.fromEntries(origins.map(({ id, origin }) => [id, origin]))).toEqual({
    ...{ operator: null, plain: 'https://lab.example:8443', resource: 'https://mine.example', orphan: null },
  });
  await writer.close();
  await database.drop();
}, 120_000);
