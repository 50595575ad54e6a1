// https://docs.anthropic.com/en/api/versioning; beta features by name: https://docs.anthropic.com/en/api/beta-headers
import type { Quirks } from '../spec.js';

const VERSION = '2023-06-01';

/** Name, value, name, value, … */
export const messagesHeaders = (stream: boolean, quirks: Quirks): readonly string[] => [
  'content-type',
  'application/json',
  'accept',
  stream ? 'text/event-stream' : 'application/json',
  'anthropic-version',
  VERSION,
  ...(typeof quirks['beta'] === 'string' ? ['anthropic-beta', quirks['beta']] : []),
];

export const messagesPath = (quirks: Quirks): string =>
  typeof quirks['messagesPath'] === 'string' ? quirks['messagesPath'] : '/messages';
