// Usage by dimensions over the bus.
import { Controller, Inject } from '@nestjs/common';
import { BillingUsageQuery, WaystationError, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER, BILLING_WRITER } from '../tokens.js';
import { readUsage, type UsageQuery, type UsageRow } from './read-usage.js';

interface UsageRequest extends Omit<UsageQuery, 'fromMs' | 'toMs'> {
  readonly principal: Principal;
  readonly from: number;
  readonly to: number;
}

@Controller()
export class UsageHandler {
  constructor(
    @Inject(BILLING_READER) private readonly reader: Database,
    @Inject(BILLING_WRITER) private readonly writer: Database,
  ) {}

  @Handles(BillingUsageQuery)
  async query({ principal, from, to, ...query }: UsageRequest) {
    const { limit } = query;
    const rows = await this.#read(principal, { ...query, fromMs: from, toMs: to });
    return {
      rows: rows.slice(0, limit).map(({ group, usage, byokUsage, ...counts }) => ({
        ...counts,
        group: [...group],
        usage: usage.toString(),
        byokUsage: byokUsage.toString(),
      })),
      truncated: rows.length > limit,
    };
  }

  #read(principal: Principal, query: UsageQuery): Promise<UsageRow[]> {
    const { workspaceId } = query;
    if (workspaceId !== undefined) {
      mustBeOwn(principal, workspaceId);
      return this.reader.asWorkspace(workspaceId, (runner) => readUsage(runner, query));
    }
    if (principal.kind !== 'service' || !principal.permissions.includes('operator'))
      throw new WaystationError('permission_denied', 'Only the operator may ask for the usage of all workspaces.');
    return this.writer.transaction((runner) => readUsage(runner, query));
  }
}
