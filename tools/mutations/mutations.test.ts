// The list of faults keeps up with the code: each can still be planted, the test that must catch it is still there, and the document says what the list says.
// That each is caught is `npm run mutations`, which takes minutes.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { DOCUMENT, describeMutations } from './describe-mutations.ts';
import { MUTATIONS } from './mutations.ts';

const read = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');

test.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  '%s can be planted, and the test that catches it is there',
  (_, { file, text, fault, caughtBy }) => {
    expect(`${read(file).split(text).length - 1} times in ${file}`).toBe(`1 times in ${file}`);
    expect(fault).not.toBe(text);
    expect(read(caughtBy.file).includes(caughtBy.test)).toBe(true);
  },
);

test('every fault has a name of its own', () => {
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});

test('the document is what the list says', async () => {
  expect(read(DOCUMENT)).toBe(await describeMutations(MUTATIONS, repositoryRoot));
});
