// The files a rule looks at: the checkout, or a few lines of text in a test.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export interface Tree {
  /** Paths relative to the root, with `/`, sorted. */
  readonly files: readonly string[];
  read(file: string): string;
  /** A file or folder. */
  exists(file: string): boolean;
  /** Parsed once, however many rules ask. */
  parse(file: string): ts.SourceFile;
}

export interface Finding {
  readonly rule: string;
  readonly file: string;
  /** From 1; absent where the whole file is meant. */
  readonly line?: number;
  readonly message: string;
}

export type Rule = (tree: Tree) => Finding[];

const NOT_OURS = new Set([
  'node_modules',
  'dist',
  '.git',
  '.nx',
  '.swc',
  '.cache',
  '.waystation',
  'coverage',
  'results',
]);

export function treeOnDisk(root: string): Tree {
  const files: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const file = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!NOT_OURS.has(entry.name)) walk(file);
      } else if (entry.isFile()) files.push(file);
    }
  };
  walk('');
  return tree(
    files.sort(),
    (file) => readFileSync(path.join(root, file), 'utf8'),
    (file) => existsSync(path.join(root, file)),
  );
}

export function treeOf(texts: Readonly<Record<string, string>>): Tree {
  const files = Object.keys(texts).sort();
  return tree(
    files,
    (file) => texts[file] ?? '',
    (file) => files.some((each) => each === file || each.startsWith(`${file}/`)),
  );
}

function tree(files: readonly string[], read: Tree['read'], exists: Tree['exists']): Tree {
  const parsed = new Map<string, ts.SourceFile>();
  return {
    files,
    read,
    exists,
    parse(file) {
      const known = parsed.get(file);
      if (known !== undefined) return known;
      const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
      parsed.set(file, source);
      return source;
    },
  };
}

export const isCode = (file: string): boolean => /\.(ts|mjs)$/.test(file) && !file.endsWith('.d.ts');
export const isTest = (file: string): boolean => /\.(test|itest|e2e)\.ts$/.test(file);

/** Every node below this one. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  for (const child of node.getChildren()) {
    yield child;
    yield* nodesOf(child);
  }
}

export const lineOf = (source: ts.SourceFile, node: ts.Node): number =>
  source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
