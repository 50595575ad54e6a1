// Builds one project with SWC: <project>/src → <project>/dist, and nothing stale left behind. Called by the `build` target of Nx.
import { cp, readdir, rm, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transformFile } from '@swc/core';

const projectRoot = process.argv[2];
if (!projectRoot) throw new Error('usage: build-project.mjs <project root>');
const source = path.join(projectRoot, 'src');
const target = path.join(projectRoot, 'dist');
const isTest = (file) => /\.i?test\.ts$/.test(file);

await rm(target, { recursive: true, force: true });
for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = path.join(entry.parentPath, entry.name);
  const out = path.join(target, path.relative(source, file));
  await mkdir(path.dirname(out), { recursive: true });
  if (!file.endsWith('.ts')) await cp(file, out);
  else if (!isTest(file) && !file.endsWith('.d.ts')) {
    const js = out.replace(/\.ts$/, '.js');
    const { code, map } = await transformFile(file, { swcrc: true, configFile: '.swcrc', sourceMaps: true });
    await writeFile(js, `${code}\n//# sourceMappingURL=${path.basename(js)}.map\n`);
    if (map) await writeFile(`${js}.map`, map);
  }
}
