// Usage by dimensions over the bus.
import { Controller, Inject } from '@nestjs/common';
import { BillingUsageQuery, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER } from '../tokens.js';
import { readUsage, type UsageQuery } from './read-usage.js';

interface UsageRequest extends Omit<UsageQuery, 'fromMs' | 'toMs'> {
  readonly principal: Principal;
  readonly from: number;
  readonly to: number;
}

@Controller()
export class UsageHandler {
  constructor(@Inject(BILLING_READER) private readonly reader: Database) {}

  @Handles(BillingUsageQuery)
  async query({ principal, from, to, ...query }: UsageRequest) {
    const { workspaceId, limit } = query;
    mustBeOwn(principal, workspaceId);
    const rows = await this.reader.asWorkspace(workspaceId, (runner) =>
      readUsage(runner, { ...query, fromMs: from, toMs: to }),
    );
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
}
