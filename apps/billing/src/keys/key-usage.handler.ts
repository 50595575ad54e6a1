// Key usage over the bus. A key sees its own usage; whoever may read keys sees those of the workspace.
import { Controller, Inject } from '@nestjs/common';
import { BillingKeyUsage, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER } from '../tokens.js';
import { readKeyUsage, type UsageByWindow } from './key-usage.js';

interface KeyUsageGet {
  readonly principal: Principal;
  readonly workspaceId: string;
  readonly hashes: readonly string[];
}

const asText = ({ total, daily, weekly, monthly }: UsageByWindow) => ({
  total: total.toString(),
  daily: daily.toString(),
  weekly: weekly.toString(),
  monthly: monthly.toString(),
});

@Controller()
export class KeyUsageHandler {
  constructor(@Inject(BILLING_READER) private readonly reader: Database) {}

  @Handles(BillingKeyUsage)
  async get({ principal, workspaceId, hashes }: KeyUsageGet) {
    mustBeOwn(principal, workspaceId);
    const keys = await this.reader.asWorkspace(workspaceId, (runner) =>
      readKeyUsage(runner, workspaceId, hashes, Date.now()),
    );
    return {
      keys: keys.map(({ hash, usage, byokUsage, limitRemaining }) => ({
        hash,
        usage: asText(usage),
        byokUsage: asText(byokUsage),
        ...(limitRemaining === undefined ? {} : { limitRemaining: limitRemaining.toString() }),
      })),
    };
  }
}
