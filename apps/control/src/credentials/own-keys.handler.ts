// Customers' own provider keys over the bus. A secret is understood, sealed to the workers and forgotten in one transaction; a new one takes the place of the old,
// and with a key that is deleted its sealed text is gone. Invariants: no secret is ever read back, told, or audited; each is kept for one origin.
import { randomUUID } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import {
  ControlOwnKeyCreate,
  ControlOwnKeyDelete,
  ControlOwnKeyGet,
  ControlOwnKeyList,
  ControlOwnKeyUpdate,
  WaystationError,
  providerEntry,
  type CredentialEntry,
  type OwnKey,
  type OwnKeySettings,
} from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles, sealSecret } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Change, Changes } from '../changes/changes.js';
import { actorOf, adminOf, notFound, requireScope } from '../keys/principal-scope.js';
import { CHANGES, CONTROL_READER, WORKER_PUBLIC_KEY } from '../tokens.js';
import { OWN_KEY_COLUMNS, ownKeyOf, type OwnKeyRow } from './own-key-rows.js';
import { readOwnSecret, type OwnSecret, type ProviderPlace } from './read-own-secret.js';

type Create = z.infer<typeof ControlOwnKeyCreate.request>;
type Update = z.infer<typeof ControlOwnKeyUpdate.request>;
type One = z.infer<typeof ControlOwnKeyGet.request>;
type List = z.infer<typeof ControlOwnKeyList.request>;
type Told = Promise<{ ownKey: OwnKey }>;

/** Of one workspace. */
const OWN_KEYS_MAX = 500;
/** Of one workspace at one provider: each may be tried with every request there. */
const OWN_KEYS_PER_PROVIDER_MAX = 16;

@Controller()
export class OwnKeysHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
    @Inject(WORKER_PUBLIC_KEY) private readonly publicKey: string,
  ) {}

  @Handles(ControlOwnKeyCreate)
  async create({ principal, workspaceId, provider, secret, settings }: Create): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      const { runner } = change;
      await adminOf(runner, principal);
      await requireRoom(runner, workspaceId, provider);
      const kept = understand(secret, await placeOf(runner, provider));
      const last = await lastPlace(runner, workspaceId, provider);
      const row = changed(newRow(randomUUID(), workspaceId, provider, kept.understood.label, last + 1), settings);
      await requireFilters(runner, workspaceId, settings);
      await this.#storeSecret(change, row, kept);
      const ownKey = await writeRow(change, row);
      const fact = { workspaceId, actor: actorOf(principal), action: 'own-key.created', subject: row.id };
      return { result: { ownKey }, fact: { ...fact, detail: { after: ownKey } } };
    });
  }

  @Handles(ControlOwnKeyUpdate)
  async update({ principal, workspaceId, id, secret, settings }: Update): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      const { runner } = change;
      await adminOf(runner, principal);
      const before = await findOwnKey(runner, workspaceId, id);
      const kept = secret === undefined ? undefined : understand(secret, await placeOf(runner, before.provider));
      await requireFilters(runner, workspaceId, settings);
      const row = changed({ ...before, label: kept?.understood.label ?? before.label }, settings);
      if (kept !== undefined) await this.#storeSecret(change, row, kept);
      const ownKey = await writeRow(change, row);
      const fact = { workspaceId, actor: actorOf(principal), action: 'own-key.updated', subject: id };
      const detail = { before: ownKeyOf(before), after: ownKey, rotated: kept !== undefined };
      return { result: { ownKey }, fact: { ...fact, detail } };
    });
  }

  @Handles(ControlOwnKeyDelete)
  async delete({ principal, workspaceId, id }: One): Promise<{ deleted: true }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async ({ runner, touch }) => {
      await adminOf(runner, principal);
      const row = await findOwnKey(runner, workspaceId, id);
      await runner.query('delete from credentials where id = $1 and workspace_id = $2', [id, workspaceId]);
      await runner.query('delete from own_keys where id = $1', [id]);
      touch('credential', id);
      touch('own-key', id);
      const fact = { workspaceId, actor: actorOf(principal), action: 'own-key.deleted', subject: id };
      return { result: { deleted: true as const }, fact: { ...fact, detail: { before: ownKeyOf(row) } } };
    });
  }

  @Handles(ControlOwnKeyGet)
  async get({ principal, workspaceId, id }: One): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    const row = await this.reader.asWorkspace(workspaceId, (runner) => findOwnKey(runner, workspaceId, id));
    return { ownKey: ownKeyOf(row) };
  }

  @Handles(ControlOwnKeyList)
  async list({ principal, workspaceId, provider, offset, limit }: List): Promise<{ ownKeys: OwnKey[]; total: number }> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => {
      const meant = 'workspace_id = $1 and ($2::text is null or provider = $2)';
      const rows = await queryRows<OwnKeyRow>(
        runner,
        `select ${OWN_KEY_COLUMNS} from own_keys where ${meant} order by provider, sort_order, created_at, id limit $3 offset $4`,
        [workspaceId, provider ?? null, limit, offset],
      );
      const [counted] = await queryRows<{ total: string }>(
        runner,
        `select count(*) as total from own_keys where ${meant}`,
        [workspaceId, provider ?? null],
      );
      return { ownKeys: rows.map(ownKeyOf), total: Number(counted?.total) };
    });
  }

  /** No fingerprint: whether a customer's secret is the same as before is nobody's business. */
  async #storeSecret({ runner, version, touch }: Change, row: OwnKeyRow, { understood, origin }: Kept): Promise<void> {
    const { kind, name, baseUrl, secret } = understood;
    const sealed = JSON.stringify(sealSecret(this.publicKey, secret, row.id));
    await runner.query(
      `insert into credentials (id, provider, workspace_id, kind, name, base_url, origin, sealed, fingerprint, version) values ($1, $2, $3, $4, $5, $6, $7, $8, '', $9)
       on conflict (id) do update set kind = $4, name = $5, base_url = $6, origin = $7, sealed = $8, version = $9`,
      [row.id, row.provider, row.workspace_id, kind, name ?? null, baseUrl ?? null, origin, sealed, version],
    );
    touch('credential', row.id);
  }
}

const refuse = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

/** A secret, and the one origin that it is kept for. */
interface Kept {
  readonly understood: OwnSecret;
  readonly origin: string;
}

const understand = (secret: string, place: ProviderPlace): Kept => {
  const reading = readOwnSecret(secret, place);
  return 'fault' in reading
    ? refuse('key', `It ${reading.fault}`)
    : { understood: reading, origin: new URL(reading.baseUrl ?? place.baseUrl).origin };
};

/** The provider as it is published, with how the station's own key is presented there. */
const placeOf = async (runner: QueryRunner, provider: string): Promise<ProviderPlace> => {
  const [found] = await queryRows<{ body: object; kind: CredentialEntry['kind'] | null; name: string | null }>(
    runner,
    `select catalog.body, credentials.kind, credentials.name from catalog
       left join credentials on credentials.id = catalog.body ->> 'credentialId' and credentials.workspace_id is null
      where catalog.kind = 'provider' and catalog.id = $1`,
    [provider],
  );
  const entry = providerEntry.safeParse({ ...found?.body, v: 1, version: 0 }).data;
  if (entry === undefined)
    return refuse('provider', `This station offers no provider "${provider}"; GET /providers lists those it does`);
  const { dialect, baseUrl } = entry;
  return { dialect, baseUrl, kind: found?.kind ?? 'none', name: found?.name ?? undefined };
};

const requireRoom = async (runner: QueryRunner, workspaceId: string, provider: string): Promise<void> => {
  const [found] = await queryRows<{ known: boolean; all: string; there: string }>(
    runner,
    `select exists(select 1 from workspaces where id = $1) as known, count(*) as all, count(*) filter (where provider = $2) as there
       from own_keys where workspace_id = $1`,
    [workspaceId, provider],
  );
  if (found?.known !== true) throw notFound(`workspace "${workspaceId}"`);
  if (Number(found.all) >= OWN_KEYS_MAX || Number(found.there) >= OWN_KEYS_PER_PROVIDER_MAX)
    throw new WaystationError(
      'unprocessable',
      `A workspace has at most ${OWN_KEYS_MAX} keys of its own, and ${OWN_KEYS_PER_PROVIDER_MAX} for one provider; delete one that is not needed.`,
    );
};

const lastPlace = async (runner: QueryRunner, workspaceId: string, provider: string): Promise<number> => {
  const [found] = await queryRows<{ last: number | null }>(
    runner,
    'select max(sort_order) as last from own_keys where workspace_id = $1 and provider = $2',
    [workspaceId, provider],
  );
  return found?.last ?? -1;
};

/** A filter that names nobody of the workspace would be a key that is never used, without a word. */
const requireFilters = async (
  runner: QueryRunner,
  workspaceId: string,
  { allowedKeyHashes, allowedMemberIds }: OwnKeySettings,
): Promise<void> => {
  const strangers = async (named: readonly string[], known: string): Promise<string | undefined> =>
    (
      await queryRows<{ id: string }>(
        runner,
        `select id from unnest($2::text[]) as named (id) where not exists(select 1 from ${known} and workspace_id = $1) limit 1`,
        [workspaceId, named],
      )
    )[0]?.id;
  const key = await strangers(allowedKeyHashes ?? [], 'keys where hash = named.id and deleted_at is null');
  if (key !== undefined) refuse('allowed_api_key_hashes', `There is no key ${key} in this workspace`);
  const member = await strangers(allowedMemberIds ?? [], 'members where id = named.id and removed_at is null');
  if (member !== undefined)
    refuse('allowed_user_ids', `There is no member ${JSON.stringify(member)} in this workspace`);
};

const newRow = (id: string, workspaceId: string, provider: string, label: string, sortOrder: number): OwnKeyRow => ({
  ...{ id, workspace_id: workspaceId, provider, name: null, label },
  ...{ disabled: false, is_fallback: false, always_use: false, sort_order: sortOrder },
  ...{ allowed_models: null, allowed_key_hashes: null, allowed_member_ids: null, capacity: null },
  ...{ created_at: new Date(), version: '0' },
});

const kept = <Value>(before: Value | null, to: Value | null | undefined): Value | null =>
  to === undefined ? before : to;

const changed = (row: OwnKeyRow, settings: OwnKeySettings): OwnKeyRow => {
  const after: OwnKeyRow = {
    ...row,
    name: kept(row.name, settings.name),
    disabled: settings.disabled ?? row.disabled,
    is_fallback: settings.isFallback ?? row.is_fallback,
    always_use: settings.alwaysUse ?? row.always_use,
    sort_order: settings.sortOrder ?? row.sort_order,
    allowed_models: kept(row.allowed_models, settings.allowedModels),
    allowed_key_hashes: kept(row.allowed_key_hashes, settings.allowedKeyHashes),
    allowed_member_ids: kept(row.allowed_member_ids, settings.allowedMemberIds),
    capacity: kept(row.capacity, settings.capacity),
  };
  if (after.always_use && after.is_fallback)
    refuse(
      'always_use',
      'A key that is a fallback cannot be one that is always used: choose one of is_fallback and always_use',
    );
  return after;
};

const writeRow = async ({ runner, version, touch }: Change, row: OwnKeyRow): Promise<OwnKey> => {
  const [written] = await queryRows<OwnKeyRow>(
    runner,
    `insert into own_keys (id, workspace_id, provider, name, label, disabled, is_fallback, always_use, sort_order, allowed_models, allowed_key_hashes, allowed_member_ids, capacity, version)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (id) do update set name = $4, label = $5, disabled = $6, is_fallback = $7, always_use = $8, sort_order = $9, allowed_models = $10,
       allowed_key_hashes = $11, allowed_member_ids = $12, capacity = $13, version = $14
     returning ${OWN_KEY_COLUMNS}`,
    [
      ...[row.id, row.workspace_id, row.provider, row.name, row.label],
      ...[row.disabled, row.is_fallback, row.always_use, row.sort_order],
      ...[row.allowed_models, row.allowed_key_hashes, row.allowed_member_ids],
      ...[row.capacity === null ? null : JSON.stringify(row.capacity), version],
    ],
  );
  touch('own-key', row.id);
  return ownKeyOf(written as OwnKeyRow); // an insert that returns always returns its row
};

/** @throws WaystationError `not_found` */
const findOwnKey = async (runner: QueryRunner, workspaceId: string, id: string): Promise<OwnKeyRow> => {
  const [row] = await queryRows<OwnKeyRow>(
    runner,
    `select ${OWN_KEY_COLUMNS} from own_keys where id = $2 and workspace_id = $1`,
    [workspaceId, id],
  );
  if (row === undefined) throw notFound(`key ${JSON.stringify(id)} of its own in workspace "${workspaceId}"`);
  return row;
};
