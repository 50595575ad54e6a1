// The caller that the guard admitted.
import { WaystationError } from '@waystation/contracts';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';

/** @throws WaystationError `missing_credentials` on a route that the guard let pass without a key */
export const callerOf = (request: Pick<FastifyRequest, 'caller'>): Caller => {
  if (request.caller === undefined) throw new WaystationError('missing_credentials', 'Missing Authentication header');
  return request.caller;
};
