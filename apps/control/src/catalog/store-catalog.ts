// Makes the stored catalog be exactly what the sources say, touching only rows that differ.
import type { NormalisedCatalog } from '@waystation/catalog';
import { queryRows } from '@waystation/postgres';
import { canonicalJson } from '../audit/audit-chain.js';
import type { Change } from '../changes/changes.js';

type CatalogKind = 'provider' | 'model' | 'endpoint';

export interface CatalogDifference {
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

const rowsOf = (catalog: NormalisedCatalog): { kind: CatalogKind; id: string; body: object }[] => [
  ...catalog.providers.map((body) => ({ kind: 'provider' as const, id: body.slug, body })),
  ...catalog.models.map((body) => ({ kind: 'model' as const, id: body.id, body })),
  ...catalog.endpoints.map((body) => ({ kind: 'endpoint' as const, id: body.id, body })),
];

export const storeCatalog = async (
  { runner, version, touch }: Change,
  catalog: NormalisedCatalog,
): Promise<CatalogDifference> => {
  const stored = new Map(
    (
      await queryRows<{ kind: CatalogKind; id: string; body: object }>(runner, 'select kind, id, body from catalog')
    ).map((row) => [`${row.kind} ${row.id}`, row]),
  );
  const written: string[] = [];
  for (const { kind, id, body } of rowsOf(catalog)) {
    const name = `${kind} ${id}`;
    const known = stored.get(name);
    stored.delete(name);
    if (known !== undefined && canonicalJson(known.body) === canonicalJson(body)) continue;
    await runner.query(
      'insert into catalog (kind, id, body, version) values ($1, $2, $3, $4) on conflict (kind, id) do update set body = $3, version = $4',
      [kind, id, JSON.stringify(body), version],
    );
    touch(kind, id);
    written.push(name);
  }
  const removed: string[] = [];
  for (const [name, { kind, id }] of stored) {
    await runner.query('delete from catalog where kind = $1 and id = $2', [kind, id]);
    touch(kind, id);
    removed.push(name);
  }
  return { written, removed };
};
