// The spoiler spoils, and the same way each time.
import { diceOf, spoilBytes, spoilJson } from './mutate.ts';

const TEXT = '{"a":[1,{"b":"c"}],"d":null}';

it('does the same for the same seed, and something else for another', () => {
  const run = (seed: number): string[] => {
    const dice = diceOf(seed);
    return Array.from(
      { length: 50 },
      () => spoilBytes(Buffer.from(TEXT), dice).toString('latin1') + spoilJson(TEXT, dice),
    );
  };
  expect(run(7)).toEqual(run(7));
  expect(run(7)).not.toEqual(run(8));
});

it('changes documents in many ways, among them names that every object has', () => {
  const dice = diceOf(1);
  const spoilt = new Set(Array.from({ length: 2_000 }, () => spoilJson(TEXT, dice)));
  expect(spoilt.size).toBeGreaterThan(150);
  const all = [...spoilt].join('\n');
  for (const name of ['"__proto__":', '1e999', '"constructor":', '[[[['] as const) expect(all).toContain(name);
  expect(all).not.toContain('\\u0001');
});
