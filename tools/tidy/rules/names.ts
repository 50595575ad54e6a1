// Folders are named after subjects, and what a module offers is named one by one.
import ts from 'typescript';
import { isCode, lineOf } from '../tree.ts';
import type { Rule } from '../tree.ts';

const EMPTY_NAMES = new Set(['common', 'shared', 'core', 'utils', 'util', 'helpers', 'helper', 'misc']);

export const folderNames: Rule = (tree) => {
  const folders = new Set(tree.files.filter((file) => /^(apps|libs|tools|e2e|bench)\//.test(file)).flatMap(foldersOf));
  return [...folders]
    .filter((folder) => EMPTY_NAMES.has(folder.slice(folder.lastIndexOf('/') + 1)))
    .map((folder) => ({
      rule: 'names',
      file: folder,
      message: 'this folder name says nothing: name it after its subject',
    }));
};

const foldersOf = (file: string): string[] => {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
};

export const exportAll: Rule = (tree) =>
  tree.files
    .filter((file) => isCode(file))
    .flatMap((file) => {
      const source = tree.parse(file);
      return source.statements
        .filter(
          (node) =>
            ts.isExportDeclaration(node) &&
            (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause)),
        )
        .map((node) => ({
          rule: 'names',
          file,
          line: lineOf(source, node),
          message: 'export * hides what is offered: name it',
        }));
    });
