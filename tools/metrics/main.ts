// Writes docs/metrics.md and the dashboards of deploy/grafana. `--check` writes nothing and fails where a file differs from the code.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { DASHBOARDS } from './dashboards/dashboards.ts';
import { dashboardJson } from './dashboards/panel.ts';
import { describeMetrics } from './describe-metrics.ts';

const root = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({ options: { check: { type: 'boolean' } } });
const prettierOptions = JSON.parse(await readFile(path.join(root, '.prettierrc.json'), 'utf8')) as object;

const written: readonly (readonly [string, 'markdown' | 'json', string])[] = [
  ['docs/metrics.md', 'markdown', describeMetrics()],
  ...Object.entries(DASHBOARDS).map(
    ([name, dashboard]) =>
      [`deploy/grafana/dashboards/${name}.json`, 'json', JSON.stringify(dashboardJson(dashboard))] as const,
  ),
];

for (const [file, parser, text] of written) {
  const wanted = await format(text, { ...prettierOptions, parser });
  const place = path.join(root, file);
  if ((await readFile(place, 'utf8').catch(() => '')) === wanted) continue;
  if (options.check !== true) await writeFile(place, wanted);
  else {
    console.error(`${file} is not what the code says. Run \`node tools/metrics/main.ts\` and commit the result.`);
    process.exitCode = 1;
  }
}
