// probe.run: a worker asks an endpoint something tiny, as it would ask it for a client, before any client's call is sent there. Nothing of it is charged to
// anybody. The endpoint need not be in the catalog: all that is needed to ask it travels with the call, its secret sealed.
import { z } from 'zod';
import { defineRpc } from './contract.js';
import { principal } from './management.js';
import { count, usage } from './scalars.js';
import { credentialEntry, endpointEntry, providerEntry } from './snapshot.js';
import { QUEUE_GROUPS, SUBJECTS } from './subjects.js';

/**
 * Where a probe ended, in the order of the way: the address is not allowed; its name does not resolve; nobody takes the connection; the proxy does not let it
 * through; TLS fails; no answer in time; the credential is refused; there is no such model or path; the request is refused; too many requests; the provider
 * fails; the answer is not what its dialect says. `worker`: no worker could ask.
 */
export const PROBE_STEPS = [
  'address',
  'dns',
  'connection',
  'proxy',
  'tls',
  'timeout',
  'credential',
  'model',
  'request',
  'rate-limit',
  'provider',
  'answer',
  'worker',
] as const;
export type ProbeStep = (typeof PROBE_STEPS)[number];

/** The most of a provider's answer that is kept. */
export const PROBE_ANSWER_CHARACTERS_MAX = 500;

/** What went wrong with a probe. Only operators see it: it may quote the provider, without secrets and addresses. */
export const probeProblem = z.object({
  step: z.enum(PROBE_STEPS),
  /** In words: what was wrong, and what to do. */
  message: z.string().max(1_024),
  /** What was asked for: `chat`, `embeddings`, … */
  api: z.string().max(32).optional(),
  streamed: z.boolean().optional(),
  upstreamStatus: z.number().int().min(0).max(999).optional(),
  /** The beginning of the answer, as text. */
  answer: z.string().max(PROBE_ANSWER_CHARACTERS_MAX).optional(),
});
export type ProbeProblem = z.infer<typeof probeProblem>;

/** `untested`: it can do nothing that can be tried for next to nothing. */
export const PROBE_STATUSES = ['untested', 'passing', 'failing'] as const;

export const probeResult = z.object({
  status: z.enum(PROBE_STATUSES),
  /** Of all requests together. */
  latencyMs: count,
  /** What each request used, as the provider told it or as it is estimated. */
  used: z.array(usage).max(16),
  problem: probeProblem.optional(),
});
export type ProbeResult = z.infer<typeof probeResult>;

export const ProbeRun = defineRpc({
  name: 'probe.run',
  subject: SUBJECTS.probeRun,
  version: 1,
  queue: QUEUE_GROUPS.worker,
  permission: 'service',
  idempotent: false,
  request: z.object({
    v: z.literal(1),
    principal,
    provider: providerEntry,
    endpoint: endpointEntry,
    credential: credentialEntry,
  }),
  reply: probeResult,
});
export type ProbeRequest = z.infer<typeof ProbeRun.request>;
