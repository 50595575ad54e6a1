// The body that sets what a workspace pays on top of prices, read strictly: both rates, in percent with at most four decimals.
import { SURCHARGE_PPM_MAX, percentOf, ppmOfPercent, type Surcharges } from '@waystation/contracts';
import { readJsonObject, refuseField, refuseUnknown, typeName } from './read-json.js';

const FIELDS = ['markup_percent', 'byok_fee_percent'] as const;

const rate = (field: string, value: unknown): number => {
  if (typeof value !== 'number' || !(value >= 0))
    return refuseField(field, `Expected a non-negative number of percent, received ${typeName(value)}`);
  if (value > Number(percentOf(SURCHARGE_PPM_MAX)))
    return refuseField(field, `Expected at most ${percentOf(SURCHARGE_PPM_MAX)} percent`);
  return ppmOfPercent(value) ?? refuseField(field, 'Expected a number of percent with at most 4 decimals');
};

/** Both are named, so that none is changed without being meant. @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readSurcharges = (body: unknown): Surcharges => {
  const value = readJsonObject(body);
  refuseUnknown(value, FIELDS);
  const [markupPpm, byokFeePpm] = FIELDS.map((field) => rate(field, value[field]));
  return { markupPpm: markupPpm ?? 0, byokFeePpm: byokFeePpm ?? 0 };
};
