// Asks workers to try endpoints before they serve. What a probe costs is told in the log and kept with its result; nobody is charged for it.
import { priceUsage, type NormalisedCatalog } from '@waystation/catalog';
import {
  PROBES_PER_CALL_MAX,
  ProbeRun,
  WaystationError,
  toWaystationError,
  type CredentialEntry,
  type ProbeResult,
} from '@waystation/contracts';
import type { Bus } from '@waystation/bus';
import { CONTROL_PRINCIPAL } from '../catalog/catalog-keeper.js';
import { sealedOf, type CredentialSource } from '../credentials/credential-rows.js';
import type { NewProbe } from './provider-rows.js';

/** Worker and network permitting, all that a probe may ask is over by then. */
const PROBE_MS = 30_000;
const AT_ONCE = 8;

/** What says that nobody is there to ask, or that nobody answered. */
const NOBODY: ReadonlySet<string> = new Set(['no_responder', 'bus_unavailable', 'deadline_exceeded', 'shutting_down']);

type Endpoint = NormalisedCatalog['endpoints'][number];

export interface TryMeans {
  readonly bus: Bus;
  readonly publicKey: string;
  /** Of an endpoint as it is said now. */
  readonly digestOf: (endpointId: string) => string;
  /** Why endpoints that do not pass are to serve all the same. */
  readonly force: string | undefined;
}

const unversioned = { v: 1 as const, version: 0 };

const credentialEntry = (publicKey: string, source: CredentialSource): CredentialEntry => {
  const { id, provider, kind, name } = source;
  const sealed = sealedOf(publicKey, source);
  return {
    ...unversioned,
    ...{ id, provider, kind },
    ...(name === undefined ? {} : { name }),
    ...(sealed === null ? {} : { sealed }),
  };
};

/** Each of them in the order of `of`, a few at the same time. */
const inTurns = async <Item, Result>(of: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> => {
  const results: Result[] = [];
  for (let at = 0; at < of.length; at += AT_ONCE)
    results.push(...(await Promise.all(of.slice(at, at + AT_ONCE).map(work))));
  return results;
};

/**
 * @param catalog one provider, with its endpoints
 * @throws WaystationError `invalid_request` where they are too many; what kept workers from being asked, unless it is forced
 */
export const tryEndpoints = async (
  catalog: Pick<NormalisedCatalog, 'providers'>,
  endpoints: readonly Endpoint[],
  credential: CredentialSource,
  { bus, publicKey, digestOf, force }: TryMeans,
): Promise<NewProbe[]> => {
  const [provider] = catalog.providers;
  if (provider === undefined || endpoints.length === 0) return [];
  if (endpoints.length > PROBES_PER_CALL_MAX)
    throw new WaystationError(
      'invalid_request',
      `${endpoints.length} endpoints would have to be tried; at most ${PROBES_PER_CALL_MAX} are at once. Name those that you want in models, or disable the others and enable them in portions.`,
    );
  const sealed = credentialEntry(publicKey, credential);
  return inTurns(endpoints, async (endpoint) => {
    const result = await bus
      .request(
        ProbeRun,
        {
          ...{ v: 1 as const, principal: CONTROL_PRINCIPAL },
          provider: { ...unversioned, ...provider },
          endpoint: { ...unversioned, ...endpoint, enabled: true },
          credential: sealed,
        },
        { timeoutMs: PROBE_MS },
      )
      .catch((thrown: unknown): ProbeResult => {
        const error = toWaystationError(thrown);
        if (force === undefined || !NOBODY.has(error.code)) throw error;
        return { status: 'failing', latencyMs: 0, used: [], problem: { step: 'worker', message: error.message } };
      });
    const { status, latencyMs, used, problem } = result;
    return {
      ...{ endpointId: endpoint.id, digest: digestOf(endpoint.id), status, latencyMs, problem },
      costPicodollars: used.reduce((total, usage) => total + priceUsage(endpoint.price, usage), 0n),
      forced: status === 'passing' ? undefined : force,
    };
  });
};

/** What a caller is told where endpoints do not pass and nothing is forced. */
export const refusedBy = (slug: string, probes: readonly NewProbe[]): WaystationError | undefined => {
  const failed = probes.filter(({ status, forced }) => status !== 'passing' && forced === undefined);
  const [first] = failed;
  if (first === undefined) return undefined;
  const more = failed.length === 1 ? '' : ` (${failed.length - 1} more do not either)`;
  return new WaystationError(
    'unprocessable',
    `Nothing was changed: ${first.endpointId} does not pass its probe${more}. ${first.problem?.step ?? 'probe'}: ${first.problem?.message ?? ''}`,
    {
      details: {
        provider: slug,
        problems: failed.map(({ endpointId, status, problem }) => ({ endpointId, status, ...problem })),
      },
    },
  );
};
