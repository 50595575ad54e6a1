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

/** A catalog of thousands of endpoints is written in a few statements. */
const ROWS_PER_STATEMENT = 1_000;

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
  const news = rowsOf(catalog).filter(({ kind, id, body }) => {
    const name = `${kind} ${id}`;
    const known = stored.get(name);
    stored.delete(name);
    return known === undefined || canonicalJson(known.body) !== canonicalJson(body);
  });
  for (let at = 0; at < news.length; at += ROWS_PER_STATEMENT) {
    const rows = news.slice(at, at + ROWS_PER_STATEMENT);
    await runner.query(
      `insert into catalog (kind, id, body, version)
         select kind, id, body::jsonb, $4 from unnest($1::text[], $2::text[], $3::text[]) as row (kind, id, body)
         on conflict (kind, id) do update set body = excluded.body, version = excluded.version`,
      [rows.map(({ kind }) => kind), rows.map(({ id }) => id), rows.map(({ body }) => JSON.stringify(body)), version],
    );
  }
  const gone = [...stored.values()];
  if (gone.length > 0)
    await runner.query(
      'delete from catalog using unnest($1::text[], $2::text[]) as gone (kind, id) where catalog.kind = gone.kind and catalog.id = gone.id',
      [gone.map(({ kind }) => kind), gone.map(({ id }) => id)],
    );
  for (const { kind, id } of [...news, ...gone]) touch(kind, id);
  return { written: news.map(({ kind, id }) => `${kind} ${id}`), removed: [...stored.keys()] };
};
