// All operations that are described. What stands here beside its route is in the document; a route that stands nowhere is there with its path alone.
import type { Operations } from './operation.js';
import { BYOK } from './operations/byok.js';
import { CATALOG } from './operations/catalog.js';
import { CREDITS } from './operations/credits.js';
import { GENERATION } from './operations/generation.js';
import { GUARDRAILS } from './operations/guardrails.js';
import { KEYS } from './operations/keys.js';
import { LIMITS } from './operations/limits.js';
import { REPORTS } from './operations/reports.js';
import { STATION } from './operations/station.js';

export const OPERATIONS: Operations = {
  ...GENERATION,
  ...CATALOG,
  ...KEYS,
  ...CREDITS,
  ...REPORTS,
  ...LIMITS,
  ...GUARDRAILS,
  ...BYOK,
  ...STATION,
};
