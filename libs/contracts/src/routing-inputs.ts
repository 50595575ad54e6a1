// Everything that a plan was made from besides its request, as the router held it at that moment: with it the plan can be made again. Nothing of it is secret:
// policies hold an own key's filters, never the key.
import { z } from 'zod';
import { count, endpointId, modelId, unixMs } from './scalars.js';
import { endpointEntry, modelEntry, ownKeyEntry, policyEntry, providerEntry } from './snapshot.js';

/** Of the JSON of one decision's inputs; what is larger is not kept, and such a decision can be shown but not planned again as it was. */
export const ROUTING_INPUT_BYTES_MAX = 256 * 1024;

/** What a router says of an endpoint's health. */
export const ENDPOINT_STATES = ['stable', 'recent-outage', 'degraded', 'down', 'resting', 'out', 'trial'] as const;

const byPercentile = z.partialRecord(z.enum(['p50', 'p75', 'p90', 'p99']), z.number());

const endpointHealth = z.object({
  endpointId,
  /** Whatever key it would have been asked with: `refused` says more of that. */
  state: z.enum(ENDPOINT_STATES),
  /** Of the last five minutes, as planning goes by them. Absent: nobody gathered any. */
  figures: z.object({ latencyMs: byPercentile, throughput: byPercentile }).optional(),
});

export const routingInputs = z.object({
  nowMs: unixMs,
  /** Of the catalog. */
  revision: count,
  providers: z.array(providerEntry).max(4096),
  models: z.array(modelEntry).max(4096),
  /** Every endpoint that the plan names, taken or excluded. */
  endpoints: z.array(endpointEntry).max(4096),
  /** That applied, each with its id and version, in their order. */
  policies: z.array(policyEntry).max(16),
  /** Of the workspace. */
  ownKeys: z.array(ownKeyEntry).max(4096),
  health: z.array(endpointHealth).max(4096),
  /** Credentials (the station's, by provider, and the workspace's own) that their providers refused again and again. */
  refused: z.array(z.string().max(64)).max(8192),
  /** Credentials whose configured capacity had no room for the call. */
  full: z
    .array(
      z.object({
        credentialId: z.string().max(64),
        by: z.enum(['requests_per_minute', 'tokens_per_minute', 'in_flight']),
        retryAfterMs: count,
      }),
    )
    .max(8192),
  /** Where the conversation was served of late, by model, other than where its hash leads. */
  overrides: z.array(z.object({ model: modelId, endpointId, at: unixMs })).max(32),
});
export type RoutingInputs = z.infer<typeof routingInputs>;
