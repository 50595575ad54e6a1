// The id that ties a client's request to our log lines: the client's own where it is a harmless token, one of ours otherwise.
import { randomBytes } from 'node:crypto';

const HARMLESS = /^[\w.-]{8,64}$/;
/** One random prefix per process and a counter: unique, and a tenth of the price of a random id per request. */
const PREFIX = `req-${randomBytes(6).toString('hex')}`;
let count = 0;

export const newRequestId = (): string => {
  count += 1;
  return `${PREFIX}-${count.toString(36)}`;
};

export const requestIdOf = (header: string | string[] | undefined): string =>
  typeof header === 'string' && HARMLESS.test(header) ? header : newRequestId();
