// What control has to be told, written in the transaction that makes it true and delivered afterwards, so that neither is without the other.
import type { QueryRunner } from 'typeorm';
import type { Principal } from '@waystation/contracts';
import { queryRows } from '@waystation/postgres';

/** Who did it, as the audit names people: a key, or one of our own processes and what it was doing. */
export interface Actor {
  readonly kind: 'key' | 'service';
  readonly keyHash?: string;
  readonly memberId?: string;
  readonly reason?: string;
}

export const actorOf = ({ kind, keyHash, memberId }: Principal): Actor => ({
  kind,
  ...(keyHash === undefined ? {} : { keyHash }),
  ...(memberId === undefined ? {} : { memberId }),
});

/** What the payment service told us. */
export const PAYMENT_SERVICE: Actor = { kind: 'service', reason: 'payment-service' };

export type Notice =
  | {
      readonly kind: 'audit';
      readonly workspaceId: string;
      readonly actor: Actor;
      /** Past tense: `topup.paid`. */
      readonly action: string;
      readonly subject: string;
      readonly detail: Readonly<Record<string, string | number | boolean>>;
    }
  | {
      readonly kind: 'suspension';
      readonly workspaceId: string;
      readonly suspended: boolean;
      readonly reason: string;
    };

export const appendNotice = async (runner: QueryRunner, notice: Notice): Promise<void> => {
  await queryRows(runner, `insert into notice (body) values ($1)`, [JSON.stringify(notice)]);
};

export interface StoredNotice {
  readonly id: string;
  readonly body: Notice;
}

/** One deliverer at a time in the whole system, or order would be lost. */
const DELIVERY_LOCK = 7_116_304_221;

/** The oldest notices, for the one who may deliver now; none for anybody else. */
export const claimNotices = async (runner: QueryRunner, most: number): Promise<StoredNotice[]> => {
  const [lock] = await queryRows<{ mine: boolean }>(runner, `select pg_try_advisory_xact_lock($1) as mine`, [
    DELIVERY_LOCK,
  ]);
  if (lock?.mine !== true) return [];
  return queryRows<StoredNotice>(runner, `select id, body from notice order by id limit $1`, [most]);
};

export const removeNotice = async (runner: QueryRunner, id: string): Promise<void> => {
  await queryRows(runner, `delete from notice where id = $1`, [id]);
};
