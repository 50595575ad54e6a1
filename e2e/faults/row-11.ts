// Row 11: facts that come ten times over, in any order, as the same messages or as others, and long after their leases are closed: the ledger is as after the first.
import type { RunningSystem } from '@waystation/testing';
import { invariants } from '@waystation/testing';
import { SUBJECTS } from '@waystation/contracts';
import { headers } from '@nats-io/transport-node';
import { openAccount } from '../support/account.ts';
import { complete, say } from '../support/ask.ts';
import { creditsUsed } from '../support/audit.ts';
import { factsSettled, withNats } from '../support/jetstream.ts';
import { leaveAtChunk } from '../support/leave.ts';
import { asOperator, type Charge } from '../support/operator.ts';
import { metric } from '../support/metrics.ts';
import { story, type Random } from '../support/story.ts';

const REQUESTS = 12;
const COPIES = 10;
const SETTLED_WITHIN_MS = 20_000;
/** By which JetStream knows a message that it has stored before. */
const MESSAGE_ID = 'Nats-Msg-Id';

interface Fact {
  readonly subject: string;
  readonly messageId: string;
  readonly data: Uint8Array;
}

const shuffled = <Item>(items: readonly Item[], random: Random): Item[] => {
  const result = [...items];
  for (let at = result.length - 1; at > 0; at -= 1) {
    const other = random.whole(0, at);
    const [a, b] = [result[at], result[other]];
    if (a !== undefined && b !== undefined) [result[at], result[other]] = [b, a];
  }
  return result;
};

export const row11 = (system: () => RunningSystem): void => {
  describe('row 11', () => {
    const chargesOf = (ids: Iterable<string>): Promise<Charge[]> =>
      asOperator(system(), async (operator) => (await Promise.all([...ids].map((id) => operator.charges(id)))).flat());

    story('facts ten times over, out of order and late change nothing', system, async (random) => {
      const facts: Fact[] = [];
      await withNats(system(), async (nats) => {
        const listening = nats.subscribe(SUBJECTS.moneyFactAny, {
          callback: (_error, { subject, headers: head, data }) =>
            void facts.push({ subject, messageId: head?.get(MESSAGE_ID) ?? '', data: Uint8Array.from(data) }),
        });
        await nats.flush();
        const account = await openAccount(system());
        const slow = { outputTokens: 150, tokenDelayMs: 10 };
        await Promise.all(
          Array.from({ length: REQUESTS }, async (_, index) => {
            const label = `row-11-${index}`;
            if (index % 3 === 0) {
              const { options } = leaveAtChunk(5);
              await account.stream(label, { ...say(label), sandbox: slow }, options);
            } else if (index % 3 === 1) await account.stream(label, { ...say(label), sandbox: slow });
            else await account.complete(label, { ...say(label, 'sandbox/empty'), models: ['sandbox/echo-b'] });
          }),
        );
        const { records } = await account.audit();
        listening.unsubscribe();
        const lines = facts.map(({ data }) => Buffer.from(data).toString());
        for (const kind of ['attempt.started', 'attempt.finished', 'generation.finished'])
          expect(lines.some((line) => line.includes(`"${kind}"`))).toBe(true);
        expect(facts.every(({ messageId }) => messageId !== '')).toBe(true);

        const before = {
          charges: await chargesOf(records.keys()),
          used: await creditsUsed(system()),
          letters: await metric(system(), 'billing', 'waystation_billing_dead_letters_total'),
          report: await invariants(system(), { withoutLeases: true }),
        };
        expect(before.charges.length).toBeGreaterThan(REQUESTS);
        for (let copy = 0; copy < COPIES; copy += 1) {
          for (const { subject, messageId, data } of shuffled(facts, random)) {
            const head = headers();
            head.set(MESSAGE_ID, copy % 2 === 0 ? messageId : `again-${copy}-${messageId}`);
            // A line is what it says, whoever brings it.
            nats.publish(copy % 3 === 2 ? SUBJECTS.moneyFact('operator-x') : subject, data, { headers: head });
          }
        }
        await nats.flush();
        await factsSettled(system(), SETTLED_WITHIN_MS);
        expect({
          charges: await chargesOf(records.keys()),
          used: await creditsUsed(system()),
          letters: await metric(system(), 'billing', 'waystation_billing_dead_letters_total'),
          report: await invariants(system(), { withoutLeases: true, withinMs: SETTLED_WITHIN_MS }),
        }).toEqual(before);
        await account.audit();
        expect((await complete(system(), say('it goes on'))).status).toBe(200);
      });
    });
  });
};
