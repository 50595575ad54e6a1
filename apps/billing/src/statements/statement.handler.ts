// Statements over the bus.
import { Controller, Inject } from '@nestjs/common';
import { BillingStatementGet, type Principal } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { mustBeOwn } from '../own-workspace.js';
import { BILLING_READER, BILLING_WRITER } from '../tokens.js';
import { getStatement, type StatementFormat, type StatementText } from './get-statement.js';

interface StatementGet {
  readonly principal: Principal;
  readonly workspaceId: string;
  readonly month: string;
  readonly format: StatementFormat;
}

@Controller()
export class StatementHandler {
  constructor(
    @Inject(BILLING_WRITER) private readonly writer: Database,
    @Inject(BILLING_READER) private readonly reader: Database,
  ) {}

  @Handles(BillingStatementGet)
  get({ principal, workspaceId, month, format }: StatementGet): Promise<StatementText> {
    mustBeOwn(principal, workspaceId);
    return getStatement({ reader: this.reader, writer: this.writer }, workspaceId, month, format, Date.now());
  }
}
