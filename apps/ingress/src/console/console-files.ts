// The status page's files, read once at start and served from memory.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export interface ConsoleFile {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

export const CONSOLE_FILES = Symbol('waystation.console-files');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing from elsewhere, nothing inline, in nobody's frame: the page handles a management key. */
const SAFETY: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-cache',
};

/** Empty where the console was not built. */
export const readConsoleFiles = async (folder: string): Promise<ConsoleFiles> => {
  const names = await readdir(folder).catch(() => []);
  const served = names.filter((name) => TYPES[path.extname(name)] !== undefined);
  const files = served.map(async (name) => {
    const bytes = await readFile(path.join(folder, name));
    return [name, { bytes, headers: { ...SAFETY, 'content-type': TYPES[path.extname(name)] ?? '' } }] as const;
  });
  return new Map(await Promise.all(files));
};
