// Price versions are stored before they may be routed. A version is the hash of its vector; anything else under its name is refused, and none ever changes.
import { Controller, Inject } from '@nestjs/common';
import {
  BillingPricesList,
  BillingPricesPut,
  WaystationError,
  priceVector,
  type PriceVector,
} from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { Handles } from '@waystation/runtime';
import { PriceBook, storePrices } from '../settle/price-book.js';
import { BILLING_READER, BILLING_WRITER } from '../tokens.js';
import {
  listEndpointPrices,
  recordEndpointPrices,
  type EndpointAtVersion,
  type PriceFilter,
} from './endpoint-prices.js';

interface PricesPut {
  readonly prices: readonly { readonly version: string; readonly price: unknown; readonly effectiveAt: number }[];
  readonly endpoints?: readonly EndpointAtVersion[] | undefined;
}

@Controller()
export class PricesHandler {
  constructor(
    @Inject(BILLING_WRITER) private readonly writer: Database,
    @Inject(BILLING_READER) private readonly reader: Database,
    @Inject(PriceBook) private readonly priceBook: PriceBook,
  ) {}

  /** Answers how many of them are stored now: all. */
  @Handles(BillingPricesPut)
  async put({ prices, endpoints = [] }: PricesPut): Promise<{ stored: number }> {
    const checked = prices.map(({ version, price, effectiveAt }) => ({
      version,
      price: this.checked(version, price),
      effectiveAtMs: effectiveAt,
    }));
    await this.writer.transaction(async (runner) => {
      await storePrices(runner, checked);
      await recordEndpointPrices(runner, endpoints);
    });
    this.priceBook.remember(checked.map(({ version, price }) => [version, price] as const));
    return { stored: checked.length };
  }

  /** Prices are no secret of a workspace: every key that may read the catalog may read its past. */
  @Handles(BillingPricesList)
  list(filter: PriceFilter) {
    return this.reader.transaction((runner) => listEndpointPrices(runner, filter));
  }

  private checked(version: string, price: unknown): PriceVector {
    const read = priceVector.safeParse(price);
    if (!read.success) {
      const [issue] = read.error.issues;
      throw new WaystationError(
        'invalid_request',
        `Price version ${version} is no price vector: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
      );
    }
    if (!this.priceBook.isVersionOf(version, read.data)) {
      throw new WaystationError('invalid_request', `Price version ${version} is not the hash of its vector.`);
    }
    return read.data;
  }
}
