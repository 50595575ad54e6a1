// Providers that operators add while the station runs, over those of the catalog and of the operator's file. What a provider says is in the words of that file and
// is read by its schema, in control; here it is plain JSON.
import { z } from 'zod';
import { call, define } from './management.js';
import { PROBE_STATUSES, probeProblem } from './probe.js';
import { count, endpointId, keyHash, modelId, picodollarsUnsigned, unixMs } from './scalars.js';

/** Of the body that says a provider: it crosses the bus in one message. */
export const PRIVATE_PROVIDER_BYTES_MAX = 256 * 1024;
/** Of one provider. */
export const PRIVATE_ENDPOINTS_MAX = 5_000;
/** Endpoints that one change may have to try. */
export const PROBES_PER_CALL_MAX = 32;
/** How long a change waits for the endpoints that it tries, at most. */
export const PROBES_WAIT_MS_MAX = 150_000;
export const FORCE_CHARACTERS_MAX = 256;

const slug = z.string().min(1).max(48);
const said = z.record(z.string().max(128), z.unknown());
/** Why an endpoint is to serve although its probe fails. */
const force = z.string().min(1).max(FORCE_CHARACTERS_MAX).optional();

export const endpointProbe = z.object({
  status: z.enum(PROBE_STATUSES),
  at: unixMs,
  latencyMs: count,
  /** What it cost at the endpoint's price. Nobody is charged for it. */
  costPicodollars: picodollarsUnsigned,
  problem: probeProblem.optional(),
});
export type EndpointProbe = z.infer<typeof endpointProbe>;

export const privateEndpoint = z.object({
  id: endpointId,
  model: modelId,
  tag: z.string().max(160),
  upstreamModel: z.string().max(256),
  serving: z.boolean(),
  /** Why it does not serve. */
  note: z.string().max(256).optional(),
  /** Why it serves although no probe passed. */
  forced: z.string().max(FORCE_CHARACTERS_MAX).optional(),
  /** The last one of the endpoint as it is now; absent: it was never tried. */
  probe: endpointProbe.optional(),
});
export type PrivateEndpoint = z.infer<typeof privateEndpoint>;

export const privateProvider = z.object({
  slug,
  /** In the words of the operator's file, without any secret. */
  provider: said,
  /** Where its key is: sealed here, in a variable of control, or nowhere. */
  key: z.enum(['sealed', 'variable', 'none']),
  endpoints: z.array(privateEndpoint).max(PRIVATE_ENDPOINTS_MAX),
  /** Why nothing of it is served now, e.g. a variable that is not set any more. */
  fault: z.string().max(4_096).optional(),
  createdAt: unixMs,
  updatedAt: unixMs,
  /** Of the key that made it or changed it last. */
  changedBy: keyHash.optional(),
});
export type PrivateProvider = z.infer<typeof privateProvider>;

const one = { ...call, slug };
const reply = z.object({ provider: privateProvider });
const NOUN = 'private-provider';

/**
 * Each of these that changes what is asked of a provider tries its endpoints first and changes nothing where one fails (`unprocessable`, with the problems),
 * unless it is forced. `invalid_request`: what is said is not what the schema of the operator's file takes; `conflict`: it is there, or was changed meanwhile.
 */
export const ControlProviderCreate = define(
  'control',
  NOUN,
  'create',
  'operator',
  false,
  z.object({ ...call, provider: said, force }),
  reply,
);
/** What is named is replaced; null takes it away. Endpoints have calls of their own. */
export const ControlProviderUpdate = define(
  'control',
  NOUN,
  'update',
  'operator',
  true,
  z.object({ ...one, changes: said, force }),
  reply,
);
/** Adds an endpoint, or replaces the one of the same model and tag. */
export const ControlProviderPutEndpoint = define(
  'control',
  NOUN,
  'put-endpoint',
  'operator',
  true,
  z.object({ ...one, endpoint: said, force }),
  reply,
);
export const ControlProviderDeleteEndpoint = define(
  'control',
  NOUN,
  'delete-endpoint',
  'operator',
  true,
  z.object({ ...one, model: modelId, tag: z.string().max(64).optional() }),
  reply,
);
/** Tries all endpoints that are not disabled, or those of one model, and keeps what came of it, whatever it is. */
export const ControlProviderProbe = define(
  'control',
  NOUN,
  'probe',
  'operator',
  false,
  z.object({ ...one, model: modelId.optional(), force }),
  reply,
);
export const ControlProviderGet = define('control', NOUN, 'get', 'operator', true, z.object(one), reply);
export const ControlProviderList = define(
  'control',
  NOUN,
  'list',
  'operator',
  true,
  z.object({ ...call, offset: count, limit: z.number().int().min(1).max(100) }),
  z.object({ providers: z.array(privateProvider).max(100), total: count }),
);
export const ControlProviderDelete = define(
  'control',
  NOUN,
  'delete',
  'operator',
  true,
  z.object(one),
  z.object({ deletedAt: unixMs }),
);
