// How the classifier's weights come of labelled texts: softmax regression over marks that stand in at least two of them, a fixed number of full steps. Pure and without
// chance: the same texts give the same weights. Only tools/tasks and the tests use it.
import { scoresOf, type Weights } from './classify.js';
import { marksOf } from './tokens.js';

export interface Labelled {
  readonly text: string;
  readonly label: string;
}

const TEXTS_MIN = 2;
const STEPS = 150;
const RATE = 0.5;
const DECAY = 0.003;
const HUNDREDTHS = 100;

const softmax = (scores: readonly number[]): number[] => {
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};

export const train = (texts: readonly Labelled[], classes: readonly string[]): Weights => {
  const read = texts.map(({ text, label }) => ({ marks: marksOf(text), place: classes.indexOf(label) }));
  const counts = new Map<string, number>();
  for (const { marks } of read) for (const mark of marks) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  const weights: Record<string, number[]> = { '': classes.map(() => 0) };
  for (const [mark, count] of [...counts].sort()) if (count >= TEXTS_MIN) weights[mark] = classes.map(() => 0);
  for (let step = 0; step < STEPS; step += 1) {
    const slopes = new Map<string, number[]>();
    for (const { marks, place } of read) {
      const odds = softmax(scoresOf(weights, classes.length, marks));
      for (const mark of ['', ...marks]) {
        if (weights[mark] === undefined) continue;
        const slope = slopes.get(mark) ?? classes.map(() => 0);
        slopes.set(mark, slope);
        for (const [index, odd] of odds.entries()) slope[index] = (slope[index] ?? 0) + odd - (index === place ? 1 : 0);
      }
    }
    for (const [mark, own] of Object.entries(weights))
      for (const index of own.keys())
        own[index] =
          (own[index] ?? 0) * (1 - RATE * DECAY) - (RATE * (slopes.get(mark)?.[index] ?? 0)) / Math.sqrt(read.length);
  }
  return Object.fromEntries(
    Object.entries(weights).map(([mark, own]) => [mark, own.map((weight) => Math.round(weight * HUNDREDTHS) || 0)]),
  );
};
