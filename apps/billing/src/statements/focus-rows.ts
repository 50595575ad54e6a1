// Charges as rows of the FinOps Open Cost and Usage Specification, version 1.2 (https://focus.finops.org/focus-specification/v1-2/): one row for each day, key, member,
// app, set of tags, endpoint, price version and kind of unit. Column by column: https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec/tree/main/specification/columns
// Quantity × unit price is the list cost exactly; what was billed may be less where a hold ended it. All billed costs of a month add up to its statement.
import { itemise } from '@waystation/catalog';
import { formatUsd, type PriceVector } from '@waystation/contracts';
import { surchargeAccountOf } from '@waystation/ledger';
import { csvLine, csvText, csvValue } from '../csv.js';
import { boundsOfMonth } from './compute-statement.js';

export interface FocusCharge {
  readonly revision: number;
  readonly key_hash: string;
  readonly member_id: string | null;
  readonly app: string | null;
  readonly tags: readonly string[] | null;
  readonly provider: string;
  readonly endpoint_id: string;
  readonly model: string;
  readonly price_version: string;
  readonly service_tier: string | null;
  /** `byok`: the customer's own key paid for the usage, and what was charged is the fee. */
  readonly payer: string;
  readonly charged: string;
  readonly usage: Readonly<Record<string, number>>;
}

/** What a row adds up, and by what it is told from others. */
interface FocusRow {
  readonly of: FocusCharge;
  readonly kind: 'usage' | 'surcharge' | 'adjustment' | 'correction';
  /** Of a usage row: class of tokens, or `request`; of a surcharge its account. */
  readonly unit: string;
  readonly unitPicodollars: bigint;
  quantity: number;
  billed: bigint;
}

export type FocusRows = Map<string, FocusRow>;

/** Adds one charge to the rows of its day. A correction has an amount and no quantity: it says how far an earlier row was off. */
export const addCharge = (
  rows: FocusRows,
  charge: FocusCharge,
  price: PriceVector,
  isOfEarlierMonth: boolean,
): void => {
  const charged = BigInt(charge.charged);
  if (charge.revision > 0) {
    const kind = isOfEarlierMonth ? 'correction' : 'adjustment';
    if (charged !== 0n) addTo(rows, { of: charge, kind, unit: '', unitPicodollars: 0n, quantity: 0, billed: charged });
    return;
  }
  let left = charged;
  const isOwnKey = charge.payer === 'byok';
  const lines = isOwnKey ? [] : itemise(price, charge.usage, charge.service_tier ?? undefined);
  for (const { unit, count, unitPicodollars, amountPicodollars } of lines) {
    const billed = amountPicodollars < left ? amountPicodollars : left;
    left -= billed;
    addTo(rows, { of: charge, kind: 'usage', unit, unitPicodollars, quantity: count, billed });
  }
  // What the usage does not come to is on top of it.
  const unit = surchargeAccountOf(isOwnKey);
  if (left !== 0n) addTo(rows, { of: charge, kind: 'surcharge', unit, unitPicodollars: 0n, quantity: 0, billed: left });
};

const addTo = (rows: FocusRows, row: FocusRow): void => {
  const { key_hash, member_id, app, tags, endpoint_id, model, price_version } = row.of;
  const key = JSON.stringify([
    key_hash,
    member_id,
    app,
    tags,
    endpoint_id,
    model,
    price_version,
    row.kind,
    row.unit,
    row.unitPicodollars.toString(),
  ]);
  const known = rows.get(key);
  if (known === undefined) rows.set(key, row);
  else {
    known.quantity += row.quantity;
    known.billed += row.billed;
  }
};

const COLUMNS = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingAccountType',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingCategory',
  'PricingCurrency',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'RegionId',
  'RegionName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceCategory',
  'ServiceName',
  'ServiceSubcategory',
  'SkuId',
  'SkuMeter',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'SubAccountType',
  'Tags',
] as const;
type Column = (typeof COLUMNS)[number];

export const FOCUS_HEADER = csvLine(COLUMNS);

/** Classes that count pieces are named for them. */
const unitName = (unit: string): string => {
  if (unit === 'request') return 'Requests';
  return unit.endsWith('Images') ? 'Images' : 'Tokens';
};

/** `cacheWrite1h` → `Cache write 1h`. */
const meterName = (unit: string): string => {
  const words = unit.replace(/([a-z])([A-Z0-9])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const describe = ({ of, kind, unit }: FocusRow): string => {
  const what = `${of.model} at ${of.endpoint_id}`;
  if (kind === 'usage') return `${meterName(unit)}${unitName(unit) === 'Tokens' ? ' tokens' : ''} of ${what}`;
  if (kind === 'surcharge')
    return unit === 'markup' ? `Markup on usage of ${what}` : `Fee for usage with an own provider key of ${what}`;
  return `Better information on usage of ${what}`;
};

const lineOf = (row: FocusRow, workspaceId: string, month: string, day: string): string => {
  const { of, kind, unit } = row;
  const { from, to } = boundsOfMonth(month);
  const isUsage = kind === 'usage';
  const listed = formatUsd(isUsage ? BigInt(row.quantity) * row.unitPicodollars : row.billed);
  const unitPrice = isUsage ? formatUsd(row.unitPicodollars) : '';
  const quantity = isUsage ? row.quantity : '';
  const billed = formatUsd(row.billed);
  const tags = {
    key: of.key_hash,
    ...(of.member_id === null ? {} : { member: of.member_id }),
    ...(of.app === null ? {} : { app: of.app }),
    // A tag is a key without a value, which the specification writes as true. Behind their prefix they never meet our own keys.
    ...Object.fromEntries((of.tags ?? []).map((tag) => [`tag:${tag}`, true])),
  };
  const values: Readonly<Record<Column, string>> = {
    BilledCost: csvValue(billed),
    BillingAccountId: 'waystation',
    BillingAccountName: 'Waystation',
    BillingAccountType: 'Installation',
    BillingCurrency: 'USD',
    BillingPeriodEnd: to,
    BillingPeriodStart: from,
    ChargeCategory: kind === 'adjustment' || kind === 'surcharge' ? 'Adjustment' : 'Usage',
    ChargeClass: kind === 'correction' ? 'Correction' : '',
    ChargeDescription: csvText(describe(row)),
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString(),
    ChargePeriodStart: `${day}T00:00:00.000Z`,
    ConsumedQuantity: csvValue(quantity),
    ConsumedUnit: isUsage ? unitName(unit) : '',
    ContractedCost: csvValue(listed),
    ContractedUnitPrice: csvValue(unitPrice),
    EffectiveCost: csvValue(billed),
    InvoiceIssuerName: 'Waystation',
    ListCost: csvValue(listed),
    ListUnitPrice: csvValue(unitPrice),
    PricingCategory: isUsage ? 'Standard' : '',
    PricingCurrency: 'USD',
    PricingQuantity: csvValue(quantity),
    PricingUnit: isUsage ? unitName(unit) : '',
    ProviderName: 'Waystation',
    PublisherName: csvText(of.provider),
    RegionId: '',
    RegionName: '',
    ResourceId: csvText(of.endpoint_id),
    ResourceName: csvText(of.model),
    ResourceType: 'Endpoint',
    ServiceCategory: 'AI and Machine Learning',
    ServiceName: csvText(of.model),
    ServiceSubcategory: 'Generative AI',
    SkuId: csvText(of.endpoint_id),
    SkuMeter: isUsage ? csvText(meterName(unit)) : '',
    SkuPriceId: csvText(isUsage ? `${of.price_version}/${unit}/${row.unitPicodollars}` : of.price_version),
    SubAccountId: csvText(workspaceId),
    SubAccountName: csvText(workspaceId),
    SubAccountType: 'Workspace',
    Tags: csvValue(JSON.stringify(tags)),
  };
  return csvLine(COLUMNS.map((column) => values[column]));
};

/** In an order that does not depend on how the charges came. */
export const focusLines = (rows: FocusRows, workspaceId: string, month: string, day: string): string[] =>
  [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => lineOf(row, workspaceId, month, day));
