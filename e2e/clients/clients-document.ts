// The table of docs/clients.md, so that it says no more and no less than what is tried.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../..');

/** Of the table of clients. */
export const rowOf = (client: string): string => {
  const lines = readFileSync(path.join(ROOT, 'docs/clients.md'), 'utf8').split('\n');
  return lines.find((line) => line.startsWith(`| \`${client}\` |`)) ?? '';
};

/** As the root pins it. */
export const versionOf = (client: string): string | undefined => {
  const { devDependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  return devDependencies[client];
};
