// Which price an endpoint had from when on. Only ever added to: what was in force once stays told, whatever comes after.
import type { DatedPrice } from '@waystation/contracts';
import { WaystationError, priceVector } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

export interface EndpointAtVersion {
  readonly endpointId: string;
  readonly version: string;
  /** Unix ms. */
  readonly effectiveAt: number;
}

/** An endpoint that is at this version already stays as it is; another version is never in force before the last one. */
export const recordEndpointPrices = async (
  runner: QueryRunner,
  endpoints: readonly EndpointAtVersion[],
): Promise<void> => {
  if (endpoints.length === 0) return;
  const [unknown] = await queryRows<{ version: string }>(
    runner,
    `select version from unnest($1::text[]) as v (version) where not exists (select 1 from price_version p where p.id = version collate "C") limit 1`,
    [endpoints.map(({ version }) => version)],
  );
  if (unknown !== undefined)
    throw new WaystationError(
      'invalid_request',
      `Price version ${unknown.version} is not stored; put it together with the endpoints that are to have it.`,
    );
  await queryRows(
    runner,
    `insert into endpoint_price (endpoint_id, effective_at_ms, price_version)
     select e.endpoint_id, greatest(e.effective_at_ms, last.effective_at_ms + 1), e.version
       from unnest($1::text[], $2::bigint[], $3::text[]) as e (endpoint_id, effective_at_ms, version)
       left join lateral (select effective_at_ms, price_version from endpoint_price p
                           where p.endpoint_id = e.endpoint_id collate "C" order by effective_at_ms desc limit 1) last on true
      where last.price_version is distinct from e.version collate "C"
     on conflict do nothing`,
    [
      endpoints.map(({ endpointId }) => endpointId),
      endpoints.map(({ effectiveAt }) => effectiveAt),
      endpoints.map(({ version }) => version),
    ],
  );
};

export interface PriceFilter {
  readonly endpointId?: string | undefined;
  /** An endpoint's id is its model's, with the routing tag behind an @. */
  readonly model?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

interface PriceRow {
  readonly endpoint_id: string;
  readonly price_version: string;
  readonly price: unknown;
  readonly effective_at_ms: string;
  readonly ended_at_ms: string | null;
}

/** The newest first; of one time, by endpoint. */
export const listEndpointPrices = async (
  runner: QueryRunner,
  { endpointId, model, limit, offset }: PriceFilter,
): Promise<{ readonly prices: DatedPrice[]; readonly total: number }> => {
  const meant = `($1::text is null or endpoint_id = $1 collate "C") and ($2::text is null or starts_with(endpoint_id, $2 || '@'))`;
  const filter = [endpointId ?? null, model ?? null];
  const rows = await queryRows<PriceRow>(
    runner,
    `select p.*, v.price
       from (select endpoint_id, price_version, effective_at_ms,
                    lead(effective_at_ms) over (partition by endpoint_id order by effective_at_ms) as ended_at_ms
               from endpoint_price where ${meant}) p
       join price_version v on v.id = p.price_version
      order by effective_at_ms desc, endpoint_id limit $3 offset $4`,
    [...filter, limit, offset],
  );
  const [counted] = await queryRows<{ total: string }>(
    runner,
    `select count(*) as total from endpoint_price where ${meant}`,
    filter,
  );
  return {
    prices: rows.map((row) => ({
      endpointId: row.endpoint_id,
      version: row.price_version,
      price: priceVector.parse(row.price),
      effectiveAt: Number(row.effective_at_ms),
      ...(row.ended_at_ms === null ? {} : { endedAt: Number(row.ended_at_ms) }),
    })),
    total: Number(counted?.total ?? 0),
  };
};
