// Writes the API's reference to docs: openapi.json, and how it compares in compatibility.md. Reads the built ingress.
// `--check` writes nothing and fails where a file differs from the code. `--folder` names another folder.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeApi, writeCompatibility } from '@waystation/app-ingress/reference';

const root = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({ options: { check: { type: 'boolean' }, folder: { type: 'string' } } });
const folder = path.resolve(options.folder ?? path.join(root, 'docs'));

const wanted = new Map([
  ['openapi.json', `${JSON.stringify(describeApi(), undefined, 2)}\n`],
  ['compatibility.md', writeCompatibility()],
]);

const drift: string[] = [];
for (const [file, text] of wanted)
  if ((await readFile(path.join(folder, file), 'utf8').catch(() => undefined)) !== text) drift.push(file);

if (options.check !== true) for (const file of drift) await writeFile(path.join(folder, file), wanted.get(file) ?? '');
else if (drift.length > 0) {
  for (const file of drift) console.error(`${path.relative(root, path.join(folder, file))} is not what the code says`);
  console.error('Run `nx run-many -t build`, then `node tools/openapi/main.ts`, and commit the result.');
  process.exitCode = 1;
}
