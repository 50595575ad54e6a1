// What a re-rating may be asked for. Refused: a time that is not over, every endpoint of a provider at one price, a version that is not stored or that
// does not price what was used.
import { lacksPriceFor } from '@waystation/catalog';
import { WaystationError, type PriceVector } from '@waystation/contracts';
import type { QueryRunner } from 'typeorm';
import type { PriceBook } from '../settle/price-book.js';
import type { PricedClass, Target } from './selected-charges.js';

const refuse = (message: string, field: string): never => {
  throw new WaystationError('invalid_request', message, { details: { field } });
};

export const checkSelection = ({ selection }: Target, nowMs: number): void => {
  const { from, to, model, endpointId } = selection;
  if (from >= to) refuse(`from: ${from} is not before to: ${to}; both are Unix milliseconds.`, 'selection.from');
  if (to > nowMs)
    refuse(
      `to: ${to} is in the future; a re-rating means what is over, so let it end now (${nowMs}) at most.`,
      'selection.to',
    );
  if (model === undefined && endpointId === undefined)
    refuse('Say which model or endpoint is meant: a provider as a whole has no one price.', 'selection.model');
};

/** The vector that a re-rating prices by. */
export const mustFindPrice = async (runner: QueryRunner, prices: PriceBook, version: string): Promise<PriceVector> => {
  const price = await prices.find(runner, version);
  if (price !== undefined) return price;
  throw new WaystationError(
    'not_found',
    `Price version ${version} is not stored. GET /api/v1/prices lists those that endpoints had; a new one is stored when it stands in the catalog.`,
  );
};

/** Refuses a version that has no price for something that was used, and was priced before. */
export const checkPrices = async (
  runner: QueryRunner,
  prices: PriceBook,
  priceVersion: string,
  used: readonly PricedClass[],
): Promise<void> => {
  const priceOf = await prices.of(runner, [priceVersion, ...used.map((each) => each.priceVersion)]);
  for (const { priceVersion: before, serviceTier, usageClass } of used) {
    const lacking = lacksPriceFor(priceOf(priceVersion), priceOf(before), [usageClass], serviceTier);
    if (lacking !== undefined)
      throw new WaystationError(
        'unprocessable',
        `Price version ${priceVersion} has no price for ${lacking}, which was used and charged by ${before}. Correct the price, or narrow the selection.`,
      );
  }
};
