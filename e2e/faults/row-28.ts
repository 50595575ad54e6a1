// Row 28: 429 with Retry-After, 529, a refused connection, TLS and DNS that fail. A fallback within a second, a rest as told, one charge.
import type { RunningSystem } from '@waystation/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { complete, say, type Answer } from '../support/ask.ts';
import { asOperator } from '../support/operator.ts';
import {
  STEADY_OUTPUT_TOKENS,
  STEADY_PRICE,
  answerAs,
  modelOf,
  type Faulty,
  type SteadyLabs,
} from '../support/steady-lab.ts';
import { story } from '../support/story.ts';
import { deadline, until } from '../support/wait.ts';

const REST_S = 4;
const BOOKED_WITHIN_MS = 20_000;
const CONVERGED_MS = 2_000;

export const row28 = (system: () => RunningSystem, labs: () => SteadyLabs): void => {
  describe('row 28', () => {
    const call = (faulty: Faulty): Promise<Answer> =>
      complete(system(), { ...say('hello', modelOf(faulty)), max_tokens: 10, provider: { sort: 'price' } });
    const wordOf = ({ json }: Answer): unknown => json?.choices?.[0]?.message?.content ?? json;
    const expectServedBySteady = async (answer: Answer): Promise<void> => {
      expect(wordOf(answer)).toBe('steady');
      expect(answer.ms).toBeLessThan(deadline(1_000));
      const charges = await asOperator(system(), (operator) =>
        until('it is booked', BOOKED_WITHIN_MS, async () => {
          const booked = await operator.charges(answer.headers.get('x-generation-id') ?? '');
          return booked.some(({ amount }) => BigInt(amount) > 0n) ? booked : undefined;
        }),
      );
      // What failed before it began is booked too, at nothing.
      expect(charges.map(({ amount }) => BigInt(amount)).filter((amount) => amount !== 0n)).toEqual([
        BigInt(STEADY_OUTPUT_TOKENS) * STEADY_PRICE,
      ]);
    };

    story(
      'a limited provider is passed over, left alone for as long as it told, and then asked again',
      system,
      async () => {
        const { cheap } = labs();
        cheap.script((_request, reply) =>
          reply.json(429, { error: { message: 'slow down' } }, { 'retry-after': String(REST_S) }),
        );
        const toldAt = performance.now();
        await expectServedBySteady(await call('scripted'));
        cheap.script(answerAs('cheap'));
        await sleep(CONVERGED_MS);
        const asked = cheap.requests.length;
        while (performance.now() - toldAt < REST_S * 1_000 - 700) {
          expect(wordOf(await call('scripted'))).toBe('steady');
          await sleep(100);
        }
        expect(cheap.requests).toHaveLength(asked);
        await until('it is asked again', deadline(1_000) + 1_000, async () =>
          wordOf(await call('scripted')) === 'cheap' ? true : undefined,
        );
        expect(performance.now() - toldAt).toBeGreaterThanOrEqual(REST_S * 1_000 - 10);
      },
    );

    story('an overloaded provider is passed over', system, async () => {
      labs().cheap.script((_request, reply) => reply.json(529, { error: { message: 'overloaded' } }));
      await expectServedBySteady(await call('scripted'));
      labs().cheap.script(answerAs('cheap'));
    });

    for (const faulty of ['refused', 'tls', 'dns'] as const)
      story(`a provider whose connection fails is passed over: ${faulty}`, system, async () =>
        expectServedBySteady(await call(faulty)),
      );
  });
};
