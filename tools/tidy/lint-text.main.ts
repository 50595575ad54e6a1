// Lints texts as if they stood at the given paths, with the repository's own configuration: JSON in ([{ path, text }]), JSON out (rule ids of each).
// A process of its own, because ESLint loads its configuration in ways that a test's sandbox does not allow.
import { text } from 'node:stream/consumers';
import { ESLint } from 'eslint';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';

const cases = JSON.parse(await text(process.stdin)) as { path: string; text: string }[];
const eslint = new ESLint({ cwd: repositoryRoot });
const results: (string | null)[][] = [];
for (const { path, text: code } of cases) {
  const [result] = await eslint.lintText(code, { filePath: path });
  results.push((result?.messages ?? []).map((message) => message.ruleId));
}
process.stdout.write(`${JSON.stringify(results)}\n`);
