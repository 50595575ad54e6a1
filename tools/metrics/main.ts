// Writes docs/metrics.md. `--check` writes nothing and fails where the page differs from the code.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { describeMetrics } from './describe-metrics.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({ options: { check: { type: 'boolean' } } });
const file = path.join(root, 'docs', 'metrics.md');
const prettierOptions = JSON.parse(await readFile(path.join(root, '.prettierrc.json'), 'utf8')) as object;
const wanted = await format(describeMetrics(), { ...prettierOptions, parser: 'markdown' });
const found = await readFile(file, 'utf8').catch(() => '');

if (options.check !== true) await writeFile(file, wanted);
else if (found !== wanted) {
  console.error('docs/metrics.md is not what the code says. Run `node tools/metrics/main.ts` and commit the result.');
  process.exitCode = 1;
}
