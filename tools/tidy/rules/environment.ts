// The environment is read by config.ts files, which check it; tools and tests stand outside the product.
import ts from 'typescript';
import { isCode, isTest, lineOf, nodesOf } from '../tree.ts';
import type { Rule } from '../tree.ts';

export const environment: Rule = (tree) =>
  tree.files
    .filter((file) => isCode(file) && /^(apps|libs)\//.test(file) && !isTest(file) && !file.endsWith('/config.ts'))
    .flatMap((file) => {
      const source = tree.parse(file);
      return [...nodesOf(source)]
        .filter(
          (node) =>
            ts.isPropertyAccessExpression(node) && node.name.text === 'env' && node.expression.getText() === 'process',
        )
        .map((node) => ({
          rule: 'environment',
          file,
          line: lineOf(source, node),
          message: 'process.env is read only in a config.ts',
        }));
    });
