// All operations, described. A route that stands in none of these cannot be in the document, and fails it.
import type { Operations } from './operation.js';
import { BYOK } from './operations/byok.js';
import { CATALOG } from './operations/catalog.js';
import { CREDITS } from './operations/credits.js';
import { DECISIONS } from './operations/decisions.js';
import { GENERATION } from './operations/generation.js';
import { GUARDRAILS } from './operations/guardrails.js';
import { KEYS } from './operations/keys.js';
import { LIMITS } from './operations/limits.js';
import { PRIVATE_PROVIDERS } from './operations/private-providers.js';
import { REPORTS } from './operations/reports.js';
import { TASKS } from './operations/tasks.js';
import { STATION } from './operations/station.js';

export const OPERATIONS: Operations = {
  ...GENERATION,
  ...CATALOG,
  ...KEYS,
  ...CREDITS,
  ...REPORTS,
  ...DECISIONS,
  ...LIMITS,
  ...GUARDRAILS,
  ...PRIVATE_PROVIDERS,
  ...BYOK,
  ...TASKS,
  ...STATION,
};
