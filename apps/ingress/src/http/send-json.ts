// JSON answers of the management routes. Money goes out as number literals that are exact to the picodollar.
import { formatUsd } from '@waystation/contracts';
import type { FastifyReply } from 'fastify';

declare global {
  interface JSON {
    /** ES2025; in Node since 22. */
    rawJSON(text: string): unknown;
  }
}

/** Picodollars as a JSON number of USD. Only for `sendJson`. */
export const usd = (picodollars: bigint | string): unknown => JSON.rawJSON(formatUsd(BigInt(picodollars)));

export const optionalUsd = (picodollars: bigint | string | undefined): unknown =>
  picodollars === undefined ? null : usd(picodollars);

export const sendJson = (reply: FastifyReply, status: number, value: unknown): void => {
  void reply
    .code(status)
    .headers({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
      'x-request-id': reply.request.id,
    })
    .send(JSON.stringify(value));
};
