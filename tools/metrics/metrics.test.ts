// The page says what the table says, and says all of it.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { METRIC_TABLE } from '../../libs/runtime/src/metrics/metric-table.ts';
import { describeMetrics } from './describe-metrics.ts';

test('docs/metrics.md is what the code says', () => {
  const check = (): string =>
    execFileSync(process.execPath, ['--no-warnings', path.resolve('tools/metrics/main.ts'), '--check'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  expect(check).not.toThrow();
});

test('every metric has its line, once', () => {
  const page = describeMetrics();
  for (const name of Object.keys(METRIC_TABLE)) expect(page.split(`| \`${name}\` |`)).toHaveLength(2);
});
