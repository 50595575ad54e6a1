// The price book over the bus: which price an endpoint had from when on, and re-rating of what was charged by a wrong one.
import { z } from 'zod';
import { defineRpc } from './contract.js';
import { principal } from './management.js';
import { priceVector } from './price.js';
import {
  attemptId,
  count,
  endpointId,
  generationId,
  modelId,
  picodollars,
  priceVersionId,
  providerSlug,
  unixMs,
  workspaceId,
} from './scalars.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

const call = { v: z.literal(1), principal };

export const datedPrice = z.object({
  endpointId,
  version: priceVersionId,
  price: priceVector,
  /** From when on calls could be routed at it. */
  effectiveAt: unixMs,
  /** When the next one took its place; absent of the one in force. */
  endedAt: unixMs.optional(),
});
export type DatedPrice = z.infer<typeof datedPrice>;

/** Every price that an endpoint, or all endpoints of a model, had; the newest first. Without a filter, of all endpoints. */
export const BillingPricesList = defineRpc({
  name: 'billing.prices.list',
  subject: SUBJECTS.management('billing', 'prices', 'list'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  permission: 'catalog:read',
  idempotent: true,
  request: z.object({
    ...call,
    endpointId: endpointId.optional(),
    model: modelId.optional(),
    limit: z.number().int().min(1).max(500),
    offset: count,
  }),
  reply: z.object({ prices: z.array(datedPrice).max(500), total: count }),
});

/** Which charges are meant. A time is when the generation was accepted: its plan named the price. */
export const rerateSelection = z.object({
  provider: providerSlug,
  model: modelId.optional(),
  endpointId: endpointId.optional(),
  /** The first ms that is meant, and the first that is not any more; whole seconds count. */
  from: unixMs,
  to: unixMs,
  workspaceId: workspaceId.optional(),
  /** Only what was charged by this version. */
  chargedBy: priceVersionId.optional(),
});
export type RerateSelection = z.infer<typeof rerateSelection>;

/** Picodollars as one side of a difference: who bore what. */
const borne = z.object({
  /** By the customer. */
  charged: picodollars,
  waste: picodollars,
  variance: picodollars,
  /** What a customer's own key would have cost; booked nowhere. */
  byok: picodollars,
  /** Of what was charged, what is not the provider's: markup, or the fee for an own key. */
  surcharge: picodollars,
});

/** One attempt whose charge changes, or names another version from now on. */
export const rerateDifference = z.object({
  generationId,
  attemptId,
  workspaceId,
  endpointId,
  model: modelId,
  serviceTier: z.string().optional(),
  versionBefore: priceVersionId,
  versionAfter: priceVersionId,
  before: borne,
  after: borne,
  /** After less before: what the customer pays more (negative: gets back), and what we owe the provider more. */
  chargedDifference: picodollars,
  payableDifference: picodollars,
});
export type RerateDifference = z.infer<typeof rerateDifference>;

export const rerateTotals = z.object({
  /** Attempts that name another version from now on, and how many of them cost something else. */
  attempts: count,
  changed: count,
  before: borne,
  after: borne,
  chargedDifference: picodollars,
  payableDifference: picodollars,
});
export type RerateTotals = z.infer<typeof rerateTotals>;

const rerateId = z.string().regex(/^[a-z0-9][a-z0-9-]{7,63}$/, 'must be 8 to 64 lower-case letters, digits and dashes');
/** Where a page ends: the next begins behind it. */
const cursor = z.object({ generationId, attemptId });
const format = z.enum(['json', 'csv']);
const report = z.object({
  differences: z.array(rerateDifference).max(500),
  /** The same as CSV where that was asked for, its head line on the first page only: the pages together are one file. */
  csv: z.string().optional(),
  next: cursor.optional(),
});

/**
 * The difference report of a re-rating, without changing anything. The first page has the totals of all pages. What the customer would pay more
 * is what the policy asks for: `apply` takes of it what is free at that moment. The first page reads all that is meant, some ten thousand attempts a second:
 * give a large one the time.
 */
export const BillingReratePlan = defineRpc({
  name: 'billing.rerate.plan',
  subject: SUBJECTS.management('billing', 'rerate', 'plan'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  permission: 'operator',
  idempotent: true,
  request: z.object({
    ...call,
    selection: rerateSelection,
    priceVersion: priceVersionId,
    after: cursor.optional(),
    limit: z.number().int().min(1).max(500).optional(),
    format: format.optional(),
  }),
  reply: report.extend({ totals: rerateTotals.optional() }),
});

/** A re-rating and how far it has come; totals of what it has booked. */
export const rerateRun = z.object({
  rerateId,
  selection: rerateSelection,
  priceVersion: priceVersionId,
  reason: z.string().max(256),
  state: z.enum(['running', 'finished', 'stopped']),
  startedAt: unixMs,
  endedAt: unixMs.optional(),
  totals: rerateTotals,
});
export type RerateRun = z.infer<typeof rerateRun>;

/**
 * Books correcting entries for a bounded number of attempts and answers how far it is: called again with the same id until it is `finished`.
 * Idempotent on `rerateId`: whoever calls, and after whatever crash, it goes on behind the last batch that was committed.
 */
export const BillingRerateApply = defineRpc({
  name: 'billing.rerate.apply',
  subject: SUBJECTS.management('billing', 'rerate', 'apply'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  permission: 'operator',
  idempotent: true,
  request: z.object({
    ...call,
    rerateId,
    selection: rerateSelection,
    priceVersion: priceVersionId,
    reason: z.string().min(1).max(256),
  }),
  reply: z.object({ run: rerateRun }),
});

/** Ends a re-rating that shall not go on. What it has booked stays; another one may correct it. */
export const BillingRerateStop = defineRpc({
  name: 'billing.rerate.stop',
  subject: SUBJECTS.management('billing', 'rerate', 'stop'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  permission: 'operator',
  idempotent: true,
  request: z.object({ ...call, rerateId }),
  reply: z.object({ run: rerateRun }),
});

/** What a re-rating has booked, attempt by attempt. */
export const BillingRerateReport = defineRpc({
  name: 'billing.rerate.report',
  subject: SUBJECTS.management('billing', 'rerate', 'report'),
  version: 1,
  queue: QUEUE_GROUPS.billing,
  permission: 'operator',
  idempotent: true,
  request: z.object({
    ...call,
    rerateId,
    after: cursor.optional(),
    limit: z.number().int().min(1).max(500).optional(),
    format: format.optional(),
  }),
  reply: report.extend({ run: rerateRun }),
});
