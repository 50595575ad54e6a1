// The list for people: docs/MUTATIONS.md.
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { format } from 'prettier';
import type { Mutation } from './mutations.ts';

export const DOCUMENT = 'docs/MUTATIONS.md';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const rowOf = ({ name, breaks, file, caughtBy }: Mutation, index: number): string =>
  `| ${[
    `${index + 1}`,
    cell(name),
    cell(breaks),
    `[${path.basename(file)}](../${file})`,
    `[${path.basename(caughtBy.file)}](../${caughtBy.file}): ${cell(caughtBy.test)}`,
  ].join(' | ')} |`;

/** The document as it should stand. `root`: the checkout, for Prettier's settings. */
export async function describeMutations(mutations: readonly Mutation[], root: string): Promise<string> {
  const settings = JSON.parse(await readFile(path.join(root, '.prettierrc.json'), 'utf8')) as object;
  const text = `# Mutations

Faults that a careless hand could put into the code that decides about money, and the test that catches each. \`npm run mutations\` plants them one at a time in
a throw-away copy of the tree, runs that one test, and fails where a fault survives. Without faults all of these tests pass; that is checked first.

\`npm test\` checks that each fault's text still stands in its file exactly once. The list is data, in [tools/mutations](../tools/mutations/mutations.ts); this page is made
from it by \`npm run mutations -- --document\`.

| # | fault | what it breaks | planted in | caught by |
| - | - | - | - | - |
${mutations.map(rowOf).join('\n')}
`;
  return format(text, { ...settings, parser: 'markdown' });
}
