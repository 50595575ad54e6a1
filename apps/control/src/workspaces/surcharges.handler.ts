// What a workspace pays on top of prices. Set by an operator, recorded in the audit with what it was before, and carried to the data plane with its workspace.
import { Controller, Inject } from '@nestjs/common';
import { ControlSurchargesGet, ControlSurchargesPut, type Surcharges } from '@waystation/contracts';
import { queryRows, type Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import type { Changes } from '../changes/changes.js';
import { actorOf, makerOf, notFound, requireScope } from '../keys/principal-scope.js';
import { CHANGES, CONTROL_READER } from '../tokens.js';

type Put = z.infer<typeof ControlSurchargesPut.request>;
type Get = z.infer<typeof ControlSurchargesGet.request>;

@Controller()
export class SurchargesHandler {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTROL_READER) private readonly reader: Database,
  ) {}

  /** Operators act on any workspace: the contract asks for their permission. */
  @Handles(ControlSurchargesPut)
  put({ principal, workspaceId, surcharges }: Put): Promise<Surcharges> {
    return this.changes.commit(async ({ runner, version, touch }) => {
      await makerOf(runner, principal);
      const before = await readSurcharges(runner, workspaceId);
      if (before.markupPpm === surcharges.markupPpm && before.byokFeePpm === surcharges.byokFeePpm)
        return { result: before };
      await runner.query('update workspaces set markup_ppm = $2, byok_fee_ppm = $3, version = $4 where id = $1', [
        workspaceId,
        surcharges.markupPpm,
        surcharges.byokFeePpm,
        version,
      ]);
      touch('workspace', workspaceId);
      return {
        result: surcharges,
        fact: {
          workspaceId,
          actor: actorOf(principal),
          action: 'surcharges.set',
          subject: workspaceId,
          detail: { before, after: surcharges },
        },
      };
    });
  }

  @Handles(ControlSurchargesGet)
  get({ principal, workspaceId }: Get): Promise<Surcharges> {
    if (!principal.permissions.includes('operator')) requireScope(principal, workspaceId, `workspace "${workspaceId}"`);
    return this.reader.asWorkspace(workspaceId, (runner) => readSurcharges(runner, workspaceId));
  }
}

const readSurcharges = async (runner: QueryRunner, workspaceId: string): Promise<Surcharges> => {
  const [row] = await queryRows<{ markup_ppm: number; byok_fee_ppm: number }>(
    runner,
    'select markup_ppm, byok_fee_ppm from workspaces where id = $1',
    [workspaceId],
  );
  if (row === undefined) throw notFound(`workspace "${workspaceId}"`);
  return { markupPpm: row.markup_ppm, byokFeePpm: row.byok_fee_ppm };
};
