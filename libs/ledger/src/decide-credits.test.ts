// Grants of credits, one line a case.
import { emptyBook, entriesOf, evolve } from './book.js';
import { decideCreditGrant } from './decide-credits.js';

const grant = { grantId: 'g-1', workspaceId: 'w', amount: 500n };

test('a grant raises the wallet and moves the amount from granted to credits', () => {
  const book = emptyBook();
  const { events } = decideCreditGrant(book, grant);
  for (const event of events) evolve(book, event);
  expect(book.quotas.get('wallet:w')).toMatchObject({ limit: 500n, posted: 0n, held: 0n });
  expect(events.flatMap(entriesOf)).toEqual([
    { kind: 'credit-grant', debit: 'granted', credit: 'credits:w', amount: 500n, workspaceId: 'w' },
  ]);
});

test.each([
  ['the same grant again is the same grant', grant, undefined],
  ['another amount under its id is a conflict', { ...grant, amount: 501n }, 'conflict'],
  ['another workspace under its id is a conflict', { ...grant, workspaceId: 'v' }, 'conflict'],
  ['nothing is no grant', { ...grant, grantId: 'g-2', amount: 0n }, 'invalid_request'],
])('%s', (_name, command, code) => {
  const book = emptyBook();
  for (const event of decideCreditGrant(book, grant).events) evolve(book, event);
  const { events, answer } = decideCreditGrant(book, command);
  expect(events).toEqual([]);
  expect(answer.rejected?.code).toBe(code);
});
