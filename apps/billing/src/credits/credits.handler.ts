// Credits over the bus.
import { Controller, Inject } from '@nestjs/common';
import { BillingCreditsGet, BillingCreditsGrant, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { actorOf } from '../notices/notice-rows.js';
import { mustBeOwn } from '../own-workspace.js';
import { grantPromo } from '../promo/promo.js';
import { BILLING_READER, BILLING_WRITER } from '../tokens.js';
import { grantCredits, readCredits } from './credits.js';

interface CreditsGet {
  readonly principal: Principal;
  readonly workspaceId: string;
}
interface CreditsGrant extends CreditsGet {
  readonly grantId: string;
  readonly amount: string;
  readonly reason: string;
  readonly expiresAt?: number | undefined;
}

@Controller()
export class CreditsHandler {
  constructor(
    @Inject(BILLING_WRITER) private readonly writer: Database,
    @Inject(BILLING_READER) private readonly reader: Database,
  ) {}

  @Handles(BillingCreditsGet)
  async get({ principal, workspaceId }: CreditsGet) {
    mustBeOwn(principal, workspaceId);
    const { purchased, used, balance, held } = await this.reader.asWorkspace(workspaceId, (runner) =>
      readCredits(runner, workspaceId),
    );
    return {
      purchased: purchased.toString(),
      used: used.toString(),
      balance: balance.toString(),
      held: held.toString(),
    };
  }

  @Handles(BillingCreditsGrant)
  async grant({ principal, workspaceId, grantId, amount, reason, expiresAt }: CreditsGrant) {
    mustBeOwn(principal, workspaceId);
    const actor = principal.kind === 'key' ? actorOf(principal) : undefined;
    const grant = { workspaceId, amount: BigInt(amount), reason };
    const { balance } =
      expiresAt === undefined
        ? await grantCredits(this.writer, { ...grant, grantId }, actor)
        : await grantPromo(this.writer, { ...grant, lotId: grantId, expiresAtMs: expiresAt, nowMs: Date.now() }, actor);
    return { balance: balance.toString() };
  }
}
