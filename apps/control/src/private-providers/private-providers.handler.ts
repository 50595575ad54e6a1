// Providers that operators add, change, try and delete while the station runs. Each change is read by the schema of the operator's file and tried by a worker before it
// is stored; what is refused changes nothing. The catalog keeper of every replica brings what is stored into the catalog.
import { Controller, Inject } from '@nestjs/common';
import { normaliseCatalog, type NormalisedCatalog } from '@waystation/catalog';
import {
  ControlProviderCreate,
  ControlProviderDelete,
  ControlProviderDeleteEndpoint,
  ControlProviderGet,
  ControlProviderList,
  ControlProviderProbe,
  ControlProviderPutEndpoint,
  ControlProviderUpdate,
  WaystationError,
  type Principal,
  type PrivateProvider,
} from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, Handles, type AppContext } from '@waystation/runtime';
import type { QueryRunner } from 'typeorm';
import type { z } from 'zod';
import { sha256hex } from '../catalog/catalog-keeper.js';
import type { CatalogFiles } from '../catalog/catalog-files.js';
import { credentialOf, resolveOverlaid } from '../catalog/gather-sources.js';
import type { Changes } from '../changes/changes.js';
import type { ControlConfig } from '../config.js';
import type { CredentialSource } from '../credentials/credential-rows.js';
import { actorOf, makerOf } from '../keys/principal-scope.js';
import { CATALOG_FILES, CHANGES, CONTROL_WRITER } from '../tokens.js';
import { describeProvider } from './describe-provider.js';
import { overlaidOf, probeDigest } from './overlay.js';
import {
  addProbes,
  keyPlaceOf,
  markDeleted,
  probeName,
  readProbes,
  readProviders,
  touchProvider,
  writeProvider,
  type KnownProbe,
  type NewProbe,
  type StoredProvider,
} from './provider-rows.js';
import { applyChanges, putEndpoint, readSaid, removeEndpoint, type Reading, type SaidOptions } from './read-said.js';
import { refusedBy, tryEndpoints } from './try-endpoints.js';

type Request<Contract extends { readonly request: z.ZodType }> = z.infer<Contract['request']>;
type Reply = { provider: PrivateProvider };
type Candidate = Pick<StoredProvider, 'slug' | 'said' | 'meaning' | 'key'>;

interface Merged {
  readonly catalog: NormalisedCatalog;
  readonly credential: CredentialSource;
}

/** A message of the bus may have 1 MiB. */
const LIST_BYTES_MAX = 512 * 1024;

const NOTHING_KNOWN: ReadonlyMap<string, KnownProbe> = new Map();

const invalid = (faults: readonly string[]): WaystationError =>
  new WaystationError('invalid_request', faults.join('; '), { details: { faults } });

const gone = ({ slug, deletedAt }: StoredProvider): WaystationError =>
  new WaystationError(
    'not_found',
    `The private provider "${slug}" was deleted at ${new Date(deletedAt ?? 0).toISOString()}.`,
  );

const absent = (slug: string): WaystationError =>
  new WaystationError(
    'not_found',
    `There is no private provider "${slug}". Providers of the catalog and of the operator's file are not changed here; make one of the same slug to replace one.`,
  );

const changedMeanwhile = (slug: string): WaystationError =>
  new WaystationError(
    'conflict',
    `The private provider "${slug}" was changed meanwhile. Read it again, and try again.`,
  );

@Controller()
export class PrivateProvidersHandler {
  constructor(
    @Inject(APP_CONTEXT) private readonly context: Pick<AppContext<ControlConfig>, 'bus' | 'config' | 'log'>,
    @Inject(CONTROL_WRITER) private readonly writer: Database,
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CATALOG_FILES) private readonly catalogFiles: CatalogFiles,
  ) {}

  @Handles(ControlProviderCreate)
  async create({ principal, provider, force }: Request<typeof ControlProviderCreate>): Promise<Reply> {
    const candidate = this.#accept(readSaid(provider, this.#options()));
    const known = await this.#find(candidate.slug);
    if (known !== undefined && known.deletedAt === undefined)
      throw new WaystationError('conflict', `The private provider "${candidate.slug}" is there already; change it.`);
    return this.#store(principal, candidate, { before: known, action: 'provider.created', force });
  }

  @Handles(ControlProviderUpdate)
  async update({ principal, slug, changes, force }: Request<typeof ControlProviderUpdate>): Promise<Reply> {
    const before = await this.#one(slug);
    const candidate = this.#accept(applyChanges(before, changes, this.#options()));
    return this.#store(principal, candidate, { before, action: 'provider.changed', force });
  }

  @Handles(ControlProviderPutEndpoint)
  async putEndpoint({ principal, slug, endpoint, force }: Request<typeof ControlProviderPutEndpoint>): Promise<Reply> {
    const before = await this.#one(slug);
    const candidate = this.#accept(putEndpoint(before, endpoint, this.#options()));
    return this.#store(principal, candidate, { before, action: 'provider.changed', force });
  }

  @Handles(ControlProviderDeleteEndpoint)
  async deleteEndpoint({ principal, slug, ...named }: Request<typeof ControlProviderDeleteEndpoint>): Promise<Reply> {
    const before = await this.#one(slug);
    const reading = removeEndpoint(before, named, this.#options());
    if (reading === undefined)
      throw new WaystationError(
        'not_found',
        `The private provider "${slug}" names no endpoint of "${named.model}"${named.tag === undefined ? '' : ` with the tag "${named.tag}"`}.`,
      );
    return this.#store(principal, this.#accept(reading), { before, action: 'provider.changed', force: undefined });
  }

  /** What comes of it is kept, whatever it is: an endpoint that fails serves no more, until it passes. */
  @Handles(ControlProviderProbe)
  async probe({ principal, slug, model, force }: Request<typeof ControlProviderProbe>): Promise<Reply> {
    const stored = await this.#one(slug);
    const merged = await this.#merge(stored);
    const asked = merged.catalog.endpoints.filter(
      (endpoint) => endpoint.enabled && (model === undefined || endpoint.model === model),
    );
    if (asked.length === 0)
      throw new WaystationError(
        'not_found',
        `The private provider "${slug}" has no endpoint${model === undefined ? '' : ` of "${model}"`} that is not disabled.`,
      );
    const probes = await this.#try(stored, merged, asked, force);
    return this.changes.commit(async (change) => {
      await makerOf(change.runner, principal);
      await this.#requireSame(change.runner, stored);
      await addProbes(change, slug, probes);
      await touchProvider(change, slug);
      return {
        result: await this.#described(change.runner, slug),
        fact: {
          ...{ actor: actorOf(principal), action: 'provider.probed', subject: slug },
          detail: { probes: probes.map(toldOf), ...(force === undefined ? {} : { force }) },
        },
      };
    });
  }

  @Handles(ControlProviderDelete)
  async delete({ principal, slug }: Request<typeof ControlProviderDelete>): Promise<{ deletedAt: number }> {
    const before = await this.#one(slug);
    return this.changes.commit(async (change) => {
      await makerOf(change.runner, principal);
      await this.#requireSame(change.runner, before);
      const deletedAt = await markDeleted(change, slug, principal.keyHash);
      return {
        result: { deletedAt },
        fact: {
          ...{ actor: actorOf(principal), action: 'provider.deleted', subject: slug, detail: { before: before.said } },
        },
      };
    });
  }

  @Handles(ControlProviderGet)
  async get({ slug }: Request<typeof ControlProviderGet>): Promise<Reply> {
    await this.#one(slug);
    return this.writer.transaction((runner) => this.#described(runner, slug));
  }

  @Handles(ControlProviderList)
  async list({
    offset,
    limit,
  }: Request<typeof ControlProviderList>): Promise<{ providers: PrivateProvider[]; total: number }> {
    return this.writer.transaction(async (runner) => {
      const live = (await readProviders(runner)).filter(({ deletedAt }) => deletedAt === undefined);
      const page = await Promise.all(await this.#describeAll(runner, live.slice(offset, offset + limit)));
      return { providers: withinMessage(page), total: live.length };
    });
  }

  /** Tries what has to be tried, and stores it in one transaction with what came of that. */
  async #store(
    principal: Principal,
    candidate: Candidate,
    how: {
      readonly before: StoredProvider | undefined;
      readonly action: string;
      readonly force: string | undefined;
    },
  ): Promise<Reply> {
    const { slug } = candidate;
    const { before, action, force } = how;
    const merged = await this.#merge(candidate);
    const known = await this.writer.transaction((runner) => readProbes(runner, [slug]));
    const isLive = before !== undefined && before.deletedAt === undefined;
    const probeOf = (id: string) => known.get(probeName(id, probeDigest(candidate, id)));
    /** Is asked as it was before; what came of that is known. */
    const isAsBefore = (id: string): boolean =>
      isLive && probeOf(id) !== undefined && probeDigest(before, id) === probeDigest(candidate, id);
    const doubtful = merged.catalog.endpoints.filter(({ id, enabled }) => {
      const probe = probeOf(id);
      const stands = probe?.last.status === 'passing' || (probe?.forced !== undefined && force === undefined);
      return enabled && !(isAsBefore(id) && stands);
    });
    const probes = await this.#try(candidate, merged, doubtful, force);
    // What failed before and is not changed stands in nobody's way.
    const refusal = refusedBy(
      slug,
      probes.filter(({ endpointId }) => !isAsBefore(endpointId)),
    );
    if (refusal !== undefined) throw refusal;
    return this.changes.commit(async (change) => {
      await makerOf(change.runner, principal);
      await this.#requireSame(change.runner, before ?? { slug, version: undefined });
      await writeProvider(change, candidate, principal.keyHash);
      await addProbes(change, slug, probes);
      return {
        result: await this.#described(change.runner, slug),
        fact: {
          ...{ actor: actorOf(principal), action, subject: slug },
          detail: {
            ...(isLive ? { before: before.said } : {}),
            after: candidate.said,
            key: keyPlaceOf(candidate.key),
            probes: probes.map(toldOf),
            ...(force === undefined ? {} : { force }),
          },
        },
      };
    });
  }

  #options(): SaidOptions {
    const { workerPublicKey: publicKey, environment } = this.context.config;
    return {
      ...{ publicKey, environment },
      keyVariables: new Map(this.catalogFiles.heads.map((head) => [head.slug, head.keyVariables])),
    };
  }

  #accept(reading: Reading): Candidate {
    if ('faults' in reading) throw invalid(reading.faults);
    return reading;
  }

  /** As the catalog would have it, with every endpoint that is not disabled. @throws WaystationError `invalid_request` */
  async #merge(candidate: Candidate): Promise<Merged> {
    const { environment, privateHosts } = this.context.config;
    const stored = { ...candidate, createdAt: 0, updatedAt: 0, version: 0 };
    const overlaid = { ...overlaidOf(stored, NOTHING_KNOWN, environment), refusal: () => undefined };
    const resolved = await resolveOverlaid(overlaid, this.catalogFiles, environment, privateHosts);
    if ('faults' in resolved) throw invalid(resolved.faults);
    const catalog = normaliseCatalog([resolved], sha256hex, Date.now());
    if (catalog.faults.length > 0) throw invalid(catalog.faults);
    return { catalog, credential: credentialOf(resolved) };
  }

  async #try(
    candidate: Candidate,
    { catalog, credential }: Merged,
    endpoints: NormalisedCatalog['endpoints'],
    force: string | undefined,
  ): Promise<NewProbe[]> {
    const { bus, config, log } = this.context;
    const probes = await tryEndpoints(catalog, endpoints, credential, {
      ...{ bus, publicKey: config.workerPublicKey, force },
      digestOf: (id) => probeDigest(candidate, id),
    });
    for (const { endpointId, status, costPicodollars, problem } of probes)
      log.info(
        { endpointId, status, step: problem?.step, costPicodollars: costPicodollars.toString() },
        'an endpoint was tried; what that cost is charged to nobody',
      );
    return probes;
  }

  async #find(slug: string): Promise<StoredProvider | undefined> {
    return (await this.writer.transaction((runner) => readProviders(runner, [slug])))[0];
  }

  async #one(slug: string): Promise<StoredProvider> {
    const stored = await this.#find(slug);
    if (stored === undefined) throw absent(slug);
    if (stored.deletedAt !== undefined) throw gone(stored);
    return stored;
  }

  /** Changes take turns, so that what is read here stays so until the commit. */
  async #requireSame(
    runner: QueryRunner,
    { slug, version }: { readonly slug: string; readonly version: number | undefined },
  ): Promise<void> {
    const [now] = await readProviders(runner, [slug]);
    if (now?.version !== version) throw changedMeanwhile(slug);
  }

  async #described(runner: QueryRunner, slug: string): Promise<Reply> {
    const [provider] = await this.#describeAll(runner, await readProviders(runner, [slug]));
    if (provider === undefined) throw absent(slug);
    return { provider: await provider };
  }

  async #describeAll(runner: QueryRunner, stored: readonly StoredProvider[]): Promise<Promise<PrivateProvider>[]> {
    const probes = await readProbes(
      runner,
      stored.map(({ slug }) => slug),
    );
    return stored.map((each) => describeProvider(each, probes, this.context.config, this.catalogFiles));
  }
}

/** As many as one message of the bus takes, one at least: who pages by what came gets the rest. */
const withinMessage = (providers: readonly PrivateProvider[]): PrivateProvider[] => {
  let bytes = 0;
  return providers.filter((provider, index) => {
    bytes += Buffer.byteLength(JSON.stringify(provider));
    return index === 0 || bytes <= LIST_BYTES_MAX;
  });
};

/** For the audit. */
const toldOf = ({ endpointId, status, problem, forced, costPicodollars }: NewProbe) => ({
  ...{ endpointId, status, costPicodollars: costPicodollars.toString() },
  ...(problem === undefined ? {} : { step: problem.step }),
  ...(forced === undefined ? {} : { forced }),
});
