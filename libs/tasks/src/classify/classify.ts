// What a text asks for, and how hard that is: two linear models over its marks, trained on the project's own labelled prompts (data/prompts.tsv) by tools/tasks. A guess
// and no more, whose accuracy is measured on prompts that it was not trained on. Pure: microseconds, whatever the text.
import { DIFFICULTY_WEIGHTS, TASK_WEIGHTS } from './weights.js';
import { marksOf } from './tokens.js';

export const TASKS = ['title', 'long-text', 'analysis', 'classification', 'code', 'agent', 'chat'] as const;
export type Task = (typeof TASKS)[number];
export const DIFFICULTIES = ['easy', 'medium', 'hard'] as const;
export type Difficulty = (typeof DIFFICULTIES)[number];

/** Of each mark, hundredths by class in the order of the classes; `` is what each class starts with. */
export type Weights = Readonly<Record<string, readonly number[]>>;

export const scoresOf = (weights: Weights, classes: number, marks: ReadonlySet<string>): number[] => {
  const scores = [...(weights[''] ?? new Array<number>(classes).fill(0))];
  for (const mark of marks) {
    const own = Object.hasOwn(weights, mark) ? weights[mark] : undefined;
    if (own === undefined) continue;
    for (let index = 0; index < classes; index += 1) scores[index] = (scores[index] ?? 0) + (own[index] ?? 0);
  }
  return scores;
};

const best = <Class>(classes: readonly [Class, ...Class[]], scores: readonly number[]): Class => {
  let found = 0;
  for (let index = 1; index < classes.length; index += 1)
    if ((scores[index] ?? 0) > (scores[found] ?? 0)) found = index;
  return classes[found] ?? classes[0];
};

export const classify = (text: string): { task: Task; difficulty: Difficulty } => {
  const marks = marksOf(text);
  return {
    task: best(TASKS, scoresOf(TASK_WEIGHTS, TASKS.length, marks)),
    difficulty: best(DIFFICULTIES, scoresOf(DIFFICULTY_WEIGHTS, DIFFICULTIES.length, marks)),
  };
};
