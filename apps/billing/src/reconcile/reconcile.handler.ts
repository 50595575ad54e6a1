// Reconciliation over the bus, for the operator.
import { Controller, Inject } from '@nestjs/common';
import { BillingReconcileImport, BillingReconcileReport } from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { BILLING_WRITER } from '../tokens.js';
import { importExport, reportDifferences, type ImportRequest, type ReportRequest } from './reconcile.js';

const ROWS_MAX = 3_000;

@Controller()
export class ReconcileHandler {
  constructor(@Inject(BILLING_WRITER) private readonly database: Database) {}

  @Handles(BillingReconcileImport)
  async import(request: Omit<ImportRequest, 'models'> & Partial<Pick<ImportRequest, 'models'>>) {
    const report = await importExport(this.database, { ...request, models: request.models ?? [] });
    const { unassigned, ...counts } = report;
    return {
      ...counts,
      unassigned: unassigned.map(({ day, upstreamModel, amount }) => ({
        day,
        upstreamModel,
        amount: amount.toString(),
      })),
    };
  }

  @Handles(BillingReconcileReport)
  async report(request: ReportRequest) {
    const rows = await reportDifferences(this.database, request);
    const sum = (column: 'ours' | 'theirs' | 'booked'): string =>
      rows.reduce((total, row) => total + row[column], 0n).toString();
    return {
      rows: rows.slice(0, ROWS_MAX).map(({ ours, theirs, booked, difference, ...row }) => ({
        ...row,
        ours: ours.toString(),
        theirs: theirs.toString(),
        booked: booked.toString(),
        difference: difference.toString(),
      })),
      ours: sum('ours'),
      theirs: sum('theirs'),
      booked: sum('booked'),
      truncated: rows.length > ROWS_MAX,
    };
  }
}
