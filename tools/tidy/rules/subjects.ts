// A subject is spelled in libs/contracts and nowhere else, so that renaming one is one edit and no stream can be made to catch an rpc by accident.
import ts from 'typescript';
import { isCode, lineOf, nodesOf } from '../tree.ts';
import type { Rule } from '../tree.ts';

const SUBJECT = /\bway\.(rpc|ctl|fact)\b/;
const HOME = /^libs\/contracts\//;

export const subjects: Rule = (tree) =>
  tree.files
    .filter(
      (file) =>
        isCode(file) &&
        /^(apps|libs|tools|e2e|bench)\//.test(file) &&
        !HOME.test(file) &&
        !file.startsWith('tools/tidy/'),
    )
    .flatMap((file) => {
      const source = tree.parse(file);
      return [...nodesOf(source)]
        .filter(
          (node) =>
            ts.isStringLiteralLike(node) ||
            ts.isTemplateHead(node) ||
            ts.isTemplateMiddle(node) ||
            ts.isTemplateTail(node),
        )
        .filter((node) => SUBJECT.test(node.getText()))
        .map((node) => ({
          rule: 'subjects',
          file,
          line: lineOf(source, node),
          message: 'a subject is spelled here: take it from SUBJECTS in libs/contracts',
        }));
    });
