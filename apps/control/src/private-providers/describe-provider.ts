// A private provider as it is shown to operators: as it was said, and what of it serves.
import { normaliseCatalog } from '@waystation/catalog';
import type { PrivateEndpoint, PrivateProvider } from '@waystation/contracts';
import { sha256hex } from '../catalog/catalog-keeper.js';
import type { CatalogFiles } from '../catalog/catalog-files.js';
import { resolveOverlaid } from '../catalog/gather-sources.js';
import type { ControlConfig } from '../config.js';
import { overlaidOf, probeDigest } from './overlay.js';
import { keyPlaceOf, probeName, type KnownProbe, type StoredProvider } from './provider-rows.js';

export const describeProvider = async (
  stored: StoredProvider,
  probes: ReadonlyMap<string, KnownProbe>,
  { environment, privateHosts }: Pick<ControlConfig, 'environment' | 'privateHosts'>,
  catalogFiles: CatalogFiles,
): Promise<PrivateProvider> => {
  const { slug, said, key, changedBy, createdAt, updatedAt } = stored;
  const overlaid = overlaidOf(stored, probes, environment);
  const resolved = await resolveOverlaid(overlaid, catalogFiles, environment, privateHosts);
  const catalog = 'faults' in resolved ? undefined : normaliseCatalog([resolved], sha256hex, Date.now());
  const borrows = keyPlaceOf(key) === 'none' && 'source' in resolved && resolved.secret !== undefined;
  const faults = 'faults' in resolved ? resolved.faults : (catalog?.faults ?? []);
  const endpoints = (catalog?.endpoints ?? []).map(
    ({ id, model, tag, upstreamModel, enabled, disabledBecause }): PrivateEndpoint => {
      const known = probes.get(probeName(id, probeDigest(stored, id)));
      return {
        ...{ id, model, tag, upstreamModel, serving: enabled },
        ...(enabled ? {} : { note: disabledBecause ?? 'it is disabled' }),
        ...(known?.forced === undefined || known.last.status === 'passing' ? {} : { forced: known.forced }),
        ...(known === undefined ? {} : { probe: known.last }),
      };
    },
  );
  return {
    slug,
    provider: { ...said },
    key: borrows ? 'variable' : keyPlaceOf(key),
    endpoints,
    ...(faults.length === 0 ? {} : { fault: faults.join('; ') }),
    ...{ createdAt, updatedAt },
    ...(changedBy === undefined ? {} : { changedBy }),
  };
};
