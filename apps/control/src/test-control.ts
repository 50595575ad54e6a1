// Control's database for tests: two workspaces, the handlers over it, and what would be published of them.
import { randomBytes } from 'node:crypto';
import type { KeyEntry, PolicyEntry, Principal, WorkspaceEntry } from '@waystation/contracts';
import { migrate, openDatabase, provisionRoles, type Database } from '@waystation/postgres';
import { migrations } from './app.js';
import { createChanges, type Changes } from './changes/changes.js';
import { KeysHandler } from './keys/keys.handler.js';
import { PROJECTIONS } from './projection/entities.js';
import { seedWorkspace } from './seeds/seed.js';

export const OPERATOR: Principal = { kind: 'service', permissions: ['operator'] };
export const DEFAULT = { v: 1 as const, principal: OPERATOR, workspaceId: 'default' };

export interface TestControl {
  readonly writer: Database;
  readonly reader: Database;
  readonly changes: Changes;
  readonly keys: KeysHandler;
  /** Makes a key; answers its entry, and whoever asks with it. */
  newKey(settings?: Partial<Parameters<KeysHandler['create']>[0]>): Promise<{ entry: KeyEntry; principal: Principal }>;
  keyOf(hash: string): Promise<KeyEntry | undefined>;
  policyOf(id: string): Promise<PolicyEntry | undefined>;
  workspaceOf(id: string): Promise<WorkspaceEntry | undefined>;
  /** Actions in order, each with its subject. */
  audited(): Promise<string[]>;
  stop(): Promise<void>;
}

/** The database is the test's, and is dropped with the rest. */
export const startTestControl = async (database: {
  readonly adminUrl: string;
  drop(): Promise<void>;
}): Promise<TestControl> => {
  const suffix = randomBytes(4).toString('hex');
  const roleUrl = (role: string): string => {
    const url = new URL(database.adminUrl);
    [url.username, url.password] = [`control_${role}_${suffix}`, 'secret'];
    return url.href;
  };
  const urls = { owner: roleUrl('owner'), writer: roleUrl('writer'), reader: roleUrl('reader') };
  await provisionRoles({ adminUrl: database.adminUrl, schema: 'control', urls });
  await migrate({ ownerUrl: urls.owner, schema: 'control', migrations });
  const open = (url: string): Promise<Database> =>
    openDatabase({ url, schema: 'control', applicationName: 'control-itest', poolMax: 3, statementTimeoutMs: 5_000 });
  const [writer, reader] = await Promise.all([open(urls.writer), open(urls.reader)]);
  const changes = createChanges(writer);
  await seedWorkspace(changes);
  await writer.query(`insert into workspaces (id, slug, name, version) values ('other', 'other', 'Other', 1)`);
  const keys = new KeysHandler(changes, reader);
  const projected = async (kind: 'key' | 'guardrail' | 'workspace', id: string): Promise<unknown> =>
    (await writer.transaction((runner) => PROJECTIONS[kind].read(runner, [id])))[0]?.entry;
  return {
    writer,
    reader,
    changes,
    keys,
    async newKey(settings = {}) {
      const { entry } = await keys.create({ ...DEFAULT, kind: 'management', name: 'test', ...settings });
      const { workspaceId, hash: keyHash, memberId } = entry;
      const principal: Principal = {
        ...{ kind: 'key', workspaceId, keyHash, permissions: ['workspaces:write', 'members:write'] },
        ...(memberId === undefined ? {} : { memberId }),
      };
      return { entry, principal };
    },
    // What was just projected is of the kind that was asked for.
    keyOf: async (hash) => (await projected('key', hash)) as KeyEntry | undefined,
    policyOf: async (id) => (await projected('guardrail', id)) as PolicyEntry | undefined,
    workspaceOf: async (id) => (await projected('workspace', id)) as WorkspaceEntry | undefined,
    audited: async () =>
      (await writer.query<{ told: string }>(`select action || ' ' || subject as told from audit order by id`)).map(
        ({ told }) => told,
      ),
    async stop() {
      await Promise.all([writer.close(), reader.close()]);
      await database.drop();
    },
  };
};
