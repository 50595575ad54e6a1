// Price versions in memory: what is charged comes from the stored vector, never from the line that names it. Versions are immutable, so a copy is never stale.
import { createHash } from 'node:crypto';
import { priceVersionOf } from '@waystation/catalog';
import { WaystationError, priceVector, type PriceVector } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';
import type { QueryRunner } from 'typeorm';

const VERSIONS_MAX = 20_000;

const sha256hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

export class PriceBook {
  readonly #prices = new Map<string, PriceVector>();

  has(version: string): boolean {
    return this.#prices.has(version);
  }

  isVersionOf(version: string, price: PriceVector): boolean {
    return priceVersionOf(price, sha256hex) === version;
  }

  /** Only what is committed. The oldest makes room. */
  remember(prices: Iterable<readonly [version: string, price: PriceVector]>): void {
    for (const [version, price] of prices) {
      this.#prices.set(version, price);
      const [oldest] = this.#prices.keys();
      if (this.#prices.size > VERSIONS_MAX && oldest !== undefined) this.#prices.delete(oldest);
    }
  }

  /** The vector of one version; undefined where nobody stored it. */
  async find(runner: QueryRunner, version: string): Promise<PriceVector | undefined> {
    return this.#prices.get(version) ?? (await readPrices(runner, [version])).get(version);
  }

  /** The vectors of these versions, from memory or from their rows. A version that nobody stored is an error. */
  async of(runner: QueryRunner, versions: Iterable<string>): Promise<(version: string) => PriceVector> {
    const missing = [...new Set(versions)].filter((version) => !this.#prices.has(version));
    const read = missing.length === 0 ? new Map<string, PriceVector>() : await readPrices(runner, missing);
    return (version) => {
      const price = this.#prices.get(version) ?? read.get(version);
      if (price === undefined) throw new WaystationError('internal', `Price version ${version} is not stored.`);
      return price;
    };
  }
}

const readPrices = async (runner: QueryRunner, versions: readonly string[]): Promise<Map<string, PriceVector>> => {
  const rows = await queryRows<{ id: string; price: unknown }>(
    runner,
    `select id, price from price_version where id = any($1)`,
    [versions],
  );
  return new Map(rows.map(({ id, price }) => [id, priceVector.parse(price)]));
};

/** Versions are immutable: one that is there stays as it is. */
export const storePrices = async (
  runner: QueryRunner,
  prices: readonly { readonly version: string; readonly price: PriceVector; readonly effectiveAtMs: number }[],
): Promise<void> => {
  if (prices.length === 0) return;
  const sorted = [...prices].sort((a, b) => (a.version < b.version ? -1 : 1));
  await queryRows(
    runner,
    `insert into price_version (id, price, effective_at_ms)
     select id, price::jsonb, effective_at_ms from unnest($1::text[], $2::text[], $3::bigint[]) as p (id, price, effective_at_ms)
     on conflict (id) do nothing`,
    [
      sorted.map(({ version }) => version),
      sorted.map(({ price }) => JSON.stringify(price)),
      sorted.map(({ effectiveAtMs }) => effectiveAtMs),
    ],
  );
};
