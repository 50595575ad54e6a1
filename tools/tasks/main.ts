// Trains the classifier of tasks on libs/tasks/data/prompts.tsv, writes its weights, and says how often it is right about the prompts that it was not trained on.
// `--check` writes nothing and fails where the weights are not those of the prompts.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { classify, DIFFICULTIES, readLabelledSet, TASKS, train, type LabelledPrompt } from '@waystation/tasks';
import { format } from 'prettier';

const root = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({ options: { check: { type: 'boolean' } } });
const file = path.join(root, 'libs/tasks/src/classify/weights.ts');
const prettierOptions = JSON.parse(await readFile(path.join(root, '.prettierrc.json'), 'utf8')) as object;
const set = readLabelledSet(await readFile(path.join(root, 'libs/tasks/data/prompts.tsv'), 'utf8'));

const weightsFor = (label: 'task' | 'difficulty', classes: readonly string[]): string =>
  JSON.stringify(
    train(
      set.train.map((each) => ({ text: each.prompt, label: each[label] })),
      classes,
    ),
  );
const wanted = await format(
  `// Written by tools/tasks out of data/prompts.tsv; never by hand.
import type { Weights } from './classify.js';

export const TASK_WEIGHTS: Weights = ${weightsFor('task', TASKS)};

export const DIFFICULTY_WEIGHTS: Weights = ${weightsFor('difficulty', DIFFICULTIES)};
`,
  { ...prettierOptions, parser: 'typescript' },
);
const found = await readFile(file, 'utf8');

if (options.check === true && found !== wanted) {
  console.error(
    'libs/tasks/src/classify/weights.ts is not what the prompts say. Run `node tools/tasks/main.ts` and commit the result.',
  );
  process.exitCode = 1;
} else if (found !== wanted) {
  await writeFile(file, wanted);
  console.log('Wrote the weights. Build and run this again for their accuracy.');
} else {
  const share = (right: (each: LabelledPrompt) => boolean, of: readonly LabelledPrompt[]): string =>
    `${of.filter(right).length} of ${of.length}`;
  const isTask = ({ task, prompt }: LabelledPrompt): boolean => classify(prompt).task === task;
  console.log(`trained on ${set.train.length} prompts`);
  console.log(`task: right for ${share(isTask, set.test)} others`);
  for (const task of TASKS)
    console.log(
      `  ${task}: ${share(
        isTask,
        set.test.filter((each) => each.task === task),
      )}`,
    );
  console.log(
    `difficulty: right for ${share(({ difficulty, prompt }) => classify(prompt).difficulty === difficulty, set.test)} others`,
  );
}
