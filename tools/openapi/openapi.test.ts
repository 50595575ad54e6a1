// docs/openapi.json and docs/compatibility.md say what the code says; a change on either side alone is noticed.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const tool = path.resolve('tools/openapi/main.ts');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'waystation-openapi-'));
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

test('what was just written is without drift, and is a document', async () => {
  expect(run('--check', '--folder', folder)).toBe('');
  expect(JSON.parse(await readFile(path.join(folder, 'openapi.json'), 'utf8'))).toMatchObject({ openapi: '3.1.1' });
});

test.each(['openapi.json', 'compatibility.md'])('a changed %s is drift, and is mended', async (file) => {
  await writeFile(path.join(folder, file), '{}\n');
  expect(run('--check', '--folder', folder)).toContain(`${file} is not what the code says`);
  run('--folder', folder);
  expect(run('--check', '--folder', folder)).toBe('');
});

test('a missing file is drift', async () => {
  await rm(path.join(folder, 'openapi.json'));
  expect(run('--check', '--folder', folder)).toContain('openapi.json is not what the code says');
  run('--folder', folder);
});
