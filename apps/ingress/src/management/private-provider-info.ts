// A private provider as its operators see it: as it was said, and what came of trying its endpoints.
import type { EndpointProbe, PrivateEndpoint, PrivateProvider } from '@waystation/contracts';
import { usd } from '../http/send-json.js';

const probeInfo = ({ at, latencyMs, costPicodollars, problem }: EndpointProbe) => ({
  at: new Date(at).toISOString(),
  latency_ms: latencyMs,
  cost_usd: usd(costPicodollars),
  problem:
    problem === undefined
      ? null
      : {
          step: problem.step,
          message: problem.message,
          api: problem.api ?? null,
          streamed: problem.streamed ?? null,
          upstream_status: problem.upstreamStatus ?? null,
          answer: problem.answer ?? null,
        },
});

export const privateEndpointInfo = (endpoint: PrivateEndpoint) => ({
  id: endpoint.id,
  model: endpoint.model,
  tag: endpoint.tag,
  upstream_model: endpoint.upstreamModel,
  serving: endpoint.serving,
  note: endpoint.note ?? null,
  status: endpoint.probe?.status ?? 'untested',
  forced: endpoint.forced ?? null,
  probe: endpoint.probe === undefined ? null : probeInfo(endpoint.probe),
});

export const privateProviderInfo = (provider: PrivateProvider) => ({
  slug: provider.slug,
  provider: provider.provider,
  key: provider.key,
  endpoints: provider.endpoints.map(privateEndpointInfo),
  fault: provider.fault ?? null,
  created_at: new Date(provider.createdAt).toISOString(),
  updated_at: new Date(provider.updatedAt).toISOString(),
  changed_by: provider.changedBy ?? null,
});
