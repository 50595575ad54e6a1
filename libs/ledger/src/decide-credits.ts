// Credits that an admin gives, without fee. The same grant id is the same grant.
import { WaystationError } from '@waystation/contracts';
import type { Book, Decided } from './book.js';

export interface GrantCredits {
  readonly grantId: string;
  readonly workspaceId: string;
  readonly amount: bigint;
}

export const decideCreditGrant = (
  book: Book,
  { grantId, workspaceId, amount }: GrantCredits,
): Decided<{ readonly rejected?: WaystationError }> => {
  const known = book.creditGrants.get(grantId);
  if (known !== undefined) {
    const same = known.workspaceId === workspaceId && known.amount === amount;
    return {
      events: [],
      answer: same
        ? {}
        : {
            rejected: new WaystationError(
              'conflict',
              `Grant ${grantId} was made before, with another amount or workspace.`,
            ),
          },
    };
  }
  if (amount <= 0n)
    return {
      events: [],
      answer: { rejected: new WaystationError('invalid_request', 'A grant must be more than zero.') },
    };
  return { events: [{ type: 'credits-granted', grantId, workspaceId, amount }], answer: {} };
};
