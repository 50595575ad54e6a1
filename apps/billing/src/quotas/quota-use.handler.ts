// Use of quotas over the bus, for whoever may read the workspace.
import { Controller, Inject } from '@nestjs/common';
import { BillingQuotaUse, type Principal, type QuotaRef } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER } from '../tokens.js';
import { readQuotaUse } from './quota-use.js';

interface QuotaUseGet {
  readonly principal: Principal;
  readonly workspaceId: string;
  readonly quotas: readonly QuotaRef[];
}

@Controller()
export class QuotaUseHandler {
  constructor(@Inject(BILLING_READER) private readonly reader: Database) {}

  @Handles(BillingQuotaUse)
  async get({ principal, workspaceId, quotas: asked }: QuotaUseGet) {
    mustBeOwn(principal, workspaceId);
    const quotas = await this.reader.asWorkspace(workspaceId, (runner) => readQuotaUse(runner, workspaceId, asked));
    return { quotas: quotas.map(({ id, used, held }) => ({ id, used: used.toString(), held: held.toString() })) };
  }
}
