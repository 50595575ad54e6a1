// Writes the JSON Schemas of everything that crosses a process to docs/contracts, one file each, with a table of contents.
// `--check` writes nothing and fails where the folder differs from the code: a contract never changes unseen. `--folder` names another folder.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { describeContracts } from './describe-contracts.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({ options: { check: { type: 'boolean' }, folder: { type: 'string' } } });
const folder = path.resolve(options.folder ?? path.join(root, 'docs', 'contracts'));
const prettierOptions = JSON.parse(await readFile(path.join(root, '.prettierrc.json'), 'utf8')) as object;

const wanted = new Map<string, string>();
for (const { file, text } of describeContracts()) {
  wanted.set(file, await format(text, { ...prettierOptions, parser: file.endsWith('.md') ? 'markdown' : 'json' }));
}

await mkdir(folder, { recursive: true });
const found = new Map<string, string>();
for (const file of await readdir(folder)) found.set(file, await readFile(path.join(folder, file), 'utf8'));
const drift = [...new Set([...wanted.keys(), ...found.keys()])].filter((file) => wanted.get(file) !== found.get(file));

if (options.check === true) {
  for (const file of drift) {
    const what = !found.has(file)
      ? 'is missing'
      : !wanted.has(file)
        ? 'describes no contract'
        : 'is not what the code says';
    console.error(`${path.relative(root, path.join(folder, file))} ${what}`);
  }
  if (drift.length > 0) {
    console.error(
      'Run `node tools/contracts/main.ts` and commit the result; anything but a new optional field is a new version.',
    );
    process.exitCode = 1;
  }
} else {
  for (const file of drift) {
    const text = wanted.get(file);
    if (text === undefined) await rm(path.join(folder, file));
    else await writeFile(path.join(folder, file), text);
  }
  console.log(`docs/contracts: ${wanted.size} files, ${drift.length} changed`);
}
