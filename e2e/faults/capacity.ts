// A credential that takes few requests a minute, cheap, beside one that takes all: what is too much for the first goes to the second, and where there is no second the client is told when to
// come again.
import type { RunningSystem } from '@waystation/testing';
import { complete, say, type Answer } from '../support/ask.ts';
import { LIMITED, LIMITED_PROVIDER, LIMITED_REQUESTS, answerAs, type SteadyLabs } from '../support/steady-lab.ts';
import { story } from '../support/story.ts';
import { deadline, scaled, until } from '../support/wait.ts';

const MINUTE_MS = 65_000;
const CALLS = 6;

export const capacity = (system: () => RunningSystem, labs: () => SteadyLabs): void => {
  describe('the capacity of a credential', () => {
    const call = (provider: Readonly<Record<string, unknown>>): Promise<Answer> =>
      complete(system(), { ...say('hello', LIMITED), max_tokens: 10, provider });
    const wordOf = ({ json }: Answer): unknown => json?.choices?.[0]?.message?.content ?? json;
    const expectTold = ({ status, headers, json }: Answer): void => {
      expect(status).toBe(429);
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(Math.ceil(scaled(MINUTE_MS) / 1_000));
      expect(json.error).toMatchObject({
        metadata: { error_type: 'rate_limit_exceeded', waystation_code: 'credential_full' },
        availability: { code: 'capacity_exhausted', retryable: true },
      });
      // The worker knows first, and refuses; once the routers have heard of it, the plan says so, and what else was in the way.
      expect([['capacity'], ['allowed_providers', 'capacity']]).toContainEqual(json.error.availability.excluded_by);
    };

    story('spills over to the next endpoint, is told where there is none, and is used again', system, async () => {
      labs().cheap.script(answerAs('cheap'));
      const asked = labs().cheap.requests.length;
      const words: unknown[] = [];
      for (let each = 0; each < CALLS; each += 1) words.push(wordOf(await call({ sort: 'price' })));
      expect(words).toEqual([
        ...Array.from({ length: LIMITED_REQUESTS }, () => 'cheap'),
        ...Array.from({ length: CALLS - LIMITED_REQUESTS }, () => 'steady'),
      ]);
      expect(labs().cheap.requests).toHaveLength(asked + LIMITED_REQUESTS);
      const told = await until('it is full for who wants no other', scaled(MINUTE_MS), async () => {
        const answer = await call({ only: [LIMITED_PROVIDER] });
        return answer.status === 429 ? answer : undefined;
      });
      expectTold(told);
      await until('it is used again', scaled(MINUTE_MS) + deadline(2_000), async () =>
        wordOf(await call({ sort: 'price' })) === 'cheap' ? true : undefined,
      );
    });
  });
};
