// Presets over the bus. Each change of what one says is a version of its own, which stays; the designated one is published.
// Invariant: the same settings said twice in a row make one version, so that a call that is repeated changes nothing.
import { randomUUID } from 'node:crypto';
import { Controller, Inject } from '@nestjs/common';
import {
  ControlPresetGet,
  ControlPresetList,
  ControlPresetPut,
  ControlPresetUpdate,
  ControlPresetVersions,
  PRESET_BYTES_MAX,
  WaystationError,
  type Preset,
} from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import { canonicalJson } from '../audit/audit-chain.js';
import type { Change, Changes } from '../changes/changes.js';
import { actorOf, adminOf, notFound, requireScope } from '../keys/principal-scope.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';
import { PRESETS, presetOf, VERSION_COLUMNS, versionOf, type PresetRow, type VersionRow } from './preset-rows.js';

type Put = z.infer<typeof ControlPresetPut.request>;
type Update = z.infer<typeof ControlPresetUpdate.request>;
type One = z.infer<typeof ControlPresetGet.request>;
type List = z.infer<typeof ControlPresetList.request>;
type Versions = z.infer<typeof ControlPresetVersions.request>;
type Told = Promise<{ preset: Preset }>;

/** Of one workspace. */
const PRESETS_MAX = 200;
/** Of one preset. */
const VERSIONS_MAX = 1_000;

@Controller()
export class PresetsHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  @Handles(ControlPresetPut)
  async put({ principal, workspaceId, slug, config, systemPrompt }: Put): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    const said = { config, ...(systemPrompt === undefined ? {} : { systemPrompt }) };
    requireSmall(said);
    return this.changes.commit(async (change) => {
      await adminOf(change.runner, principal);
      const known = await find(change.runner, workspaceId, slug);
      if (known !== undefined && saysAlready(known, said)) return { result: { preset: presetOf(known) } };
      const id = known?.id ?? randomUUID();
      const number = known === undefined ? 1 : await nextNumber(change.runner, id);
      if (known === undefined) await insertPreset(change, { id, workspaceId, slug, creator: principal.memberId });
      await change.runner.query(
        'insert into preset_versions (id, workspace_id, preset_id, number, config, system_prompt, creator) values ($1, $2, $3, $4, $5, $6, $7)',
        [
          randomUUID(),
          workspaceId,
          id,
          number,
          JSON.stringify(config),
          systemPrompt ?? null,
          principal.memberId ?? principal.keyHash ?? principal.kind,
        ],
      );
      await change.runner.query('update presets set designated = $2, updated_at = now(), version = $3 where id = $1', [
        id,
        number,
        change.version,
      ]);
      const preset = await published(change, workspaceId, slug);
      const action = known === undefined ? 'preset.created' : 'preset.version-added';
      // What it says may be a prompt; the version keeps it, and the audit says which.
      const fact = { workspaceId, actor: actorOf(principal), action, subject: id };
      return { result: { preset }, fact: { ...fact, detail: { slug, version: number } } };
    });
  }

  @Handles(ControlPresetUpdate)
  async update({ principal, workspaceId, slug, changes }: Update): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.changes.commit(async (change) => {
      await adminOf(change.runner, principal);
      const known = await find(change.runner, workspaceId, slug);
      if (known === undefined) throw noSuch(slug);
      if (changes.designated !== undefined) await requireVersion(change.runner, known, changes.designated);
      const description = changes.description === undefined ? known.description : changes.description;
      const status = changes.status ?? known.status;
      await change.runner.query(
        `update presets set name = $2, description = $3, designated = $4, status = $5,
                status_updated_at = case when status = $5 then status_updated_at else now() end, updated_at = now(), version = $6 where id = $1`,
        [known.id, changes.name ?? known.name, description, changes.designated ?? known.number, status, change.version],
      );
      const preset = await published(change, workspaceId, slug);
      const fact = { workspaceId, actor: actorOf(principal), action: 'preset.updated', subject: known.id };
      return { result: { preset }, fact: { ...fact, detail: { slug, after: changes } } };
    });
  }

  @Handles(ControlPresetGet)
  async get({ principal, workspaceId, slug }: One): Told {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => {
      const row = await find(runner, workspaceId, slug);
      if (row === undefined) throw noSuch(slug);
      return { preset: presetOf(row) };
    });
  }

  @Handles(ControlPresetList)
  async list({ principal, workspaceId, offset, limit }: List): Promise<z.infer<typeof ControlPresetList.reply>> {
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => {
      const rows = await queryRows<PresetRow>(
        runner,
        `${PRESETS} where p.workspace_id = $1 order by p.updated_at desc, p.id limit $2 offset $3`,
        [workspaceId, limit, offset],
      );
      const [counted] = await queryRows<{ total: string }>(
        runner,
        'select count(*) as total from presets where workspace_id = $1',
        [workspaceId],
      );
      const presets = rows.map((row) => {
        const { designated, ...preset } = presetOf(row);
        return { ...preset, designatedId: designated.id };
      });
      return { presets, total: Number(counted?.total) };
    });
  }

  @Handles(ControlPresetVersions)
  async versions(request: Versions): Promise<z.infer<typeof ControlPresetVersions.reply>> {
    const { principal, workspaceId, slug, number, offset, limit } = request;
    requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, async (runner) => {
      const preset = await find(runner, workspaceId, slug);
      if (preset === undefined) throw noSuch(slug);
      const rows = await queryRows<VersionRow & { total: string }>(
        runner,
        `select ${VERSION_COLUMNS}, count(*) over () as total from preset_versions as v
          where v.preset_id = $1 and ($2::integer is null or v.number = $2) order by v.number desc limit $3 offset $4`,
        [preset.id, number ?? null, limit, offset],
      );
      if (number !== undefined && rows.length === 0) throw notFound(`version ${number} of the preset "${slug}"`);
      return {
        versions: rows.map(versionOf),
        total: rows[0] === undefined ? await lastNumber(runner, preset.id) : Number(rows[0].total),
      };
    });
  }
}

const noSuch = (slug: string): WaystationError => notFound(`preset "${slug}"`);

const requireSmall = (said: object): void => {
  const bytes = Buffer.byteLength(JSON.stringify(said));
  if (bytes > PRESET_BYTES_MAX)
    throw new WaystationError(
      'invalid_request',
      `A preset holds at most ${PRESET_BYTES_MAX} bytes of JSON; this one would have ${bytes}. Shorten its system prompt or its tools.`,
    );
};

const find = async (runner: QueryRunner, workspaceId: string, slug: string): Promise<PresetRow | undefined> =>
  (await queryRows<PresetRow>(runner, `${PRESETS} where p.workspace_id = $1 and p.slug = $2`, [workspaceId, slug]))[0];

const saysAlready = (row: PresetRow, said: { config: object; systemPrompt?: string }): boolean =>
  canonicalJson({ config: row.config, systemPrompt: row.system_prompt }) ===
  canonicalJson({ config: said.config, systemPrompt: said.systemPrompt ?? null });

const lastNumber = async (runner: QueryRunner, presetId: string): Promise<number> => {
  const [last] = await queryRows<{ number: number }>(
    runner,
    'select coalesce(max(number), 0) as number from preset_versions where preset_id = $1',
    [presetId],
  );
  return last?.number ?? 0;
};

const nextNumber = async (runner: QueryRunner, presetId: string): Promise<number> => {
  const next = (await lastNumber(runner, presetId)) + 1;
  if (next > VERSIONS_MAX)
    throw new WaystationError('conflict', `A preset has at most ${VERSIONS_MAX} versions; go on under another slug.`);
  return next;
};

const requireVersion = async (runner: QueryRunner, { id, slug }: PresetRow, number: number): Promise<void> => {
  const [there] = await queryRows(runner, 'select 1 from preset_versions where preset_id = $1 and number = $2', [
    id,
    number,
  ]);
  if (there === undefined) throw notFound(`version ${number} of the preset "${slug}"`);
};

const insertPreset = async (
  { runner, version }: Change,
  { id, workspaceId, slug, creator }: { id: string; workspaceId: string; slug: string; creator: string | undefined },
): Promise<void> => {
  const [counted] = await queryRows<{ there: string }>(
    runner,
    'select count(*) as there from presets where workspace_id = $1',
    [workspaceId],
  );
  if (Number(counted?.there) >= PRESETS_MAX)
    throw new WaystationError(
      'conflict',
      `A workspace has at most ${PRESETS_MAX} presets; give an old one a new version instead.`,
    );
  await runner.query(
    'insert into presets (id, workspace_id, slug, name, designated, creator_member_id, version) values ($1, $2, $3, $3, 1, $4, $5)',
    [id, workspaceId, slug, creator ?? null, version],
  );
};

const published = async ({ runner, touch }: Change, workspaceId: string, slug: string): Promise<Preset> => {
  const row = await find(runner, workspaceId, slug);
  if (row === undefined) throw noSuch(slug);
  touch('preset', row.id);
  return presetOf(row);
};
