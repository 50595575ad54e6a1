// A throw-away copy of what tests need of the checkout, so that no fault is ever planted in the checkout itself.
import { cp, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';

const COPIED = ['apps', 'libs', 'tools', 'package.json', 'jest.config.mjs', '.swcrc', 'tsconfig.base.json'];
const LEFT_OUT = new Set(['node_modules', 'dist', '.waystation', '.nx', '.swc']);

/** `node_modules` is shared: Jest maps our own packages to the sources of the copy. */
export async function copyTree(root: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const name of COPIED) {
    await cp(path.join(root, name), path.join(target, name), {
      recursive: true,
      filter: (source) => !LEFT_OUT.has(path.basename(source)),
    });
  }
  await symlink(path.join(root, 'node_modules'), path.join(target, 'node_modules'));
}
