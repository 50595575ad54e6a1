// Under which name a provider takes the seed. https://docs.mistral.ai/api/endpoint/chat knows `random_seed`, and refuses what it does not know.
import type { Quirks } from '../spec.js';

export const seedField = (quirks: Quirks): string =>
  typeof quirks['seedField'] === 'string' ? quirks['seedField'] : 'seed';
