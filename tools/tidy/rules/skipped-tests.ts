// A test that is there is run.
import ts from 'typescript';
import { isTest, lineOf, nodesOf } from '../tree.ts';
import type { Rule } from '../tree.ts';

const RUNNERS = new Set(['describe', 'it', 'test']);
const WAYS_OUT = new Set(['only', 'skip', 'todo', 'failing']);
const ALIASES = new Set(['fit', 'xit', 'xtest', 'fdescribe', 'xdescribe']);

export const skippedTests: Rule = (tree) =>
  tree.files.filter(isTest).flatMap((file) => {
    const source = tree.parse(file);
    return [...nodesOf(source)]
      .filter((node) => leavesOut(node))
      .map((node) => ({
        rule: 'skipped-tests',
        file,
        line: lineOf(source, node),
        message: `${node.getText().split('\n')[0]} leaves tests out`,
      }));
  });

function leavesOut(node: ts.Node): boolean {
  if (ts.isCallExpression(node)) return ts.isIdentifier(node.expression) && ALIASES.has(node.expression.text);
  return (
    ts.isPropertyAccessExpression(node) &&
    WAYS_OUT.has(node.name.text) &&
    RUNNERS.has(/^\w+/.exec(node.expression.getText())?.[0] ?? '')
  );
}
