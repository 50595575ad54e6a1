// How good the classifier is about prompts that it was not trained on, that its weights are those of the prompts, and what else is read out of text.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { classify, DIFFICULTIES, TASKS } from './classify.js';
import { readLabelledSet } from './labelled-set.js';
import { languageOf } from './language.js';
import { readText } from './read-text.js';
import { looksSensitive } from './sensitive.js';
import { train } from './train.js';
import { TASK_WEIGHTS } from './weights.js';

const set = readLabelledSet(await readFile(path.resolve('libs/tasks/data/prompts.tsv'), 'utf8'));

describe('the classifier', () => {
  it('is measured on prompts that it was not trained on, of every kind', () => {
    const trained = new Set(set.train.map(({ prompt }) => prompt));
    expect(set.test.filter(({ prompt }) => trained.has(prompt))).toEqual([]);
    for (const task of TASKS) expect(set.test.filter((each) => each.task === task).length).toBeGreaterThanOrEqual(5);
    for (const each of [...set.train, ...set.test]) {
      expect(TASKS).toContain(each.task);
      expect(DIFFICULTIES).toContain(each.difficulty);
    }
  });

  // Chance is right in one of seven, and in one of three. The figures as they are stand in docs/guides/task-routing.md.
  it('is right about the task of seven in ten, and about the difficulty of two in three', () => {
    const right = (label: 'task' | 'difficulty'): number =>
      set.test.filter((each) => classify(each.prompt)[label] === each[label]).length / set.test.length;
    expect(right('task')).toBeGreaterThanOrEqual(0.7);
    expect(right('difficulty')).toBeGreaterThanOrEqual(0.66);
  });

  it('has the weights that training on its prompts gives', () => {
    const texts = set.train.map(({ prompt, task }) => ({ text: prompt, label: task }));
    expect(train(texts, TASKS)).toEqual(TASK_WEIGHTS);
  });

  it.each(['', ' ', 'x'.repeat(100_000), '__proto__ constructor toString', '\u0000\ud800'])(
    'answers for %j',
    (text) => {
      expect(TASKS).toContain(classify(text).task);
    },
  );
});

it.each([
  ['Please write to jane.doe@example.com', true],
  ['My card is 4111 1111 1111 1111', true],
  ['The order number is 4111 1111 1111 1112', false],
  ['IBAN DE89 3704 0044 0532 0130 00', true],
  ['SSN 078-05-1120', true],
  ['password: hunter2', true],
  ['sk-abcdefghijklmnop1234', true],
  ['How do I choose a good password?', false],
  ['What is the capital of Australia?', false],
])('%s is sensitive: %s', (text, sensitive) => {
  expect(looksSensitive(text)).toBe(sensitive);
});

it.each([
  ['What is the best way to learn this?', 'en'],
  ['Wie komme ich mit der Bahn nach Berlin, und ist das teuer?', 'de'],
  ['Quelle est la différence entre les deux pour vous ?', 'fr'],
  ['¿Cómo se dice esto en español para los niños?', 'es'],
  ['これは何ですか', 'ja'],
  ['这是什么', 'zh'],
  ['Что это такое', 'ru'],
  ['Що це таке і чому', 'uk'],
  ['12345', 'other'],
])('%s is in %s', (text, language) => {
  expect(languageOf(text)).toBe(language);
});

it.each([
  [
    'openai-chat',
    {
      messages: [
        { role: 'system', content: 'S' },
        { role: 'user', content: 'one' },
        { role: 'user', content: [{ type: 'text', text: 'two' }] },
      ],
    },
    'two',
    'S',
  ],
  ['anthropic-messages', { system: 'S', messages: [{ role: 'user', content: 'one' }] }, 'one', 'S'],
  ['openai-responses', { instructions: 'S', input: 'one' }, 'one', 'S'],
  ['openai-responses', { input: [{ role: 'user', content: [{ type: 'input_text', text: 'two' }] }] }, 'two', ''],
  ['openai-completions', { prompt: 'one' }, 'one', ''],
] as const)('of a body of %s the question and the instructions are read', (dialect, body, question, instructions) => {
  expect(readText(dialect, body)).toEqual({ question, instructions });
});
