// What every Responses request has beside its body, and what it asks for in any case: nothing is kept there, and thoughts come sealed so that they can go back.
// https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items
import type { Quirks } from '../spec.js';

export const ENCRYPTED_REASONING = 'reasoning.encrypted_content';

export const responsesPath = (quirks: Quirks): string =>
  typeof quirks['responsesPath'] === 'string' ? quirks['responsesPath'] : '/responses';

/** Name, value, name, value, … */
export const responsesHeaders = (stream: boolean): readonly string[] => [
  'content-type',
  'application/json',
  'accept',
  stream ? 'text/event-stream' : 'application/json',
];

/** Models that do not reason refuse to be asked for it: only the endpoint's quirk or the client's own wish says that one does. */
export const wantsEncrypted = (asksForReasoning: boolean, quirks: Quirks): boolean =>
  typeof quirks['encryptedReasoning'] === 'boolean' ? quirks['encryptedReasoning'] : asksForReasoning;

/** Where the stand-in of the end user goes. https://platform.openai.com/docs/guides/safety-best-practices#implement-safety-identifiers */
export const userField = (quirks: Quirks): string | undefined => {
  if (quirks['sendsUser'] === false) return undefined;
  return quirks['userField'] === 'user' ? 'user' : 'safety_identifier';
};
