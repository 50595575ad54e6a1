// The folder docs/contracts says what the code says; a change on either side alone is noticed.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const tool = path.resolve('tools/contracts/main.ts');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'waystation-contracts-'));
  run('--folder', folder);
});
afterAll(() => rm(folder, { recursive: true }));

const run = (...options: string[]): string => {
  try {
    return execFileSync(process.execPath, ['--no-warnings', tool, ...options], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return `failed: ${(error as { stderr: string }).stderr}`;
  }
};

test('what was just written is without drift', () => {
  expect(run('--check', '--folder', folder)).not.toContain('failed');
});

test('a description names subject, version, permission and both schemas', async () => {
  const plan = JSON.parse(await readFile(path.join(folder, 'route.plan.json'), 'utf8')) as Record<string, unknown>;
  expect(plan).toMatchObject({ kind: 'rpc', version: 1, permission: 'service', idempotent: true });
  expect(plan['request']).toMatchObject({
    type: 'object',
    required: expect.arrayContaining(['v', 'models']) as unknown,
  });
  expect(plan['reply']).toMatchObject({ type: 'object' });
});

test.each([
  ['a changed schema', 'alive.json', '{}\n', 'alive.json is not what the code says'],
  ['a file of no contract', 'planted.json', '{}\n', 'planted.json describes no contract'],
])('%s is drift', async (_what, file, text, message) => {
  await writeFile(path.join(folder, file), text);
  expect(run('--check', '--folder', folder)).toContain(message);
  run('--folder', folder);
  expect(run('--check', '--folder', folder)).not.toContain('failed');
});
