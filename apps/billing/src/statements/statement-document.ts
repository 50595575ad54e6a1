// The one spelling of a statement: JSON in a fixed order, amounts as exact decimal USD. What is hashed and kept for a closed month, and what CSV and HTML are made of.
import { createHash } from 'node:crypto';
import { formatUsd } from '@waystation/contracts';
import { z } from 'zod';
import { boundsOfMonth, type Statement, type UsageLine } from './compute-statement.js';

const amountUsd = z.string();
const usageLine = z.object({
  name: z.string().nullable(),
  requests: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  amountUsd,
  ownKeysUsd: amountUsd,
});

export const statementDocument = z.object({
  v: z.literal(1),
  workspaceId: z.string(),
  month: z.string(),
  from: z.string(),
  to: z.string(),
  currency: z.literal('USD'),
  openingUsd: amountUsd,
  movements: z.array(z.object({ kind: z.string(), amountUsd })),
  closingUsd: amountUsd,
  usageByModel: z.array(usageLine),
  usageByKey: z.array(usageLine),
  /** A call with several tags is in the lines of each, one without in none. Statements that were kept before charges had tags have none. */
  usageByTag: z.array(usageLine).default([]),
  corrections: z.array(z.object({ ofMonth: z.string(), count: z.number(), amountUsd })),
  /** Paid on top of credits: not part of the balance. */
  feesPaidUsd: amountUsd,
});
export type StatementDocument = z.infer<typeof statementDocument>;
export type DocumentUsageLine = StatementDocument['usageByModel'][number];

const lineOf = ({ name, amount, byok, requests, promptTokens, completionTokens }: UsageLine): DocumentUsageLine => ({
  name: name ?? null,
  requests,
  promptTokens,
  completionTokens,
  amountUsd: formatUsd(amount),
  ownKeysUsd: formatUsd(byok),
});

export const documentOf = (statement: Statement): StatementDocument => {
  const { from, to } = boundsOfMonth(statement.month);
  return {
    v: 1,
    workspaceId: statement.workspaceId,
    month: statement.month,
    from,
    to,
    currency: 'USD',
    openingUsd: formatUsd(statement.opening),
    movements: statement.movements.map(({ kind, amount }) => ({ kind, amountUsd: formatUsd(amount) })),
    closingUsd: formatUsd(statement.closing),
    usageByModel: statement.usageByModel.map(lineOf),
    usageByKey: statement.usageByKey.map(lineOf),
    usageByTag: statement.usageByTag.map(lineOf),
    corrections: statement.corrections.map(({ month, count, amount }) => ({
      ofMonth: month,
      count,
      amountUsd: formatUsd(amount),
    })),
    feesPaidUsd: formatUsd(statement.feesPaid),
  };
};

export const bodyOf = (document: StatementDocument): string => JSON.stringify(document);

export const hashOfBody = (body: string): string => createHash('sha256').update(body, 'utf8').digest('hex');
