// Money is `bigint`: where it is counted, nothing that is named like money may be a `number`.
import ts from 'typescript';
import { isCode, isTest, lineOf, nodesOf } from '../tree.ts';
import type { Rule } from '../tree.ts';

const PLACES = /^(libs\/ledger|libs\/catalog|apps\/billing)\//;
const MONEY = /(picodollars|amount|balance|price|cost|fee|credits)$/i;

export const money: Rule = (tree) =>
  tree.files
    .filter((file) => isCode(file) && PLACES.test(file) && !isTest(file))
    .flatMap((file) => {
      const source = tree.parse(file);
      return [...nodesOf(source)].filter(isMoneyAsNumber).map((node) => ({
        rule: 'money',
        file,
        line: lineOf(source, node),
        message: 'money is bigint picodollars, never number',
      }));
    });

function isMoneyAsNumber(node: ts.Node): boolean {
  if (ts.isPropertyAssignment(node))
    return named(node.name) && /\bz\s*\.\s*(coerce\s*\.\s*)?number\(/.test(node.initializer.getText());
  const declares =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isPropertySignature(node) ||
    ts.isPropertyDeclaration(node);
  if (!declares || !named(node.name)) return false;
  if (node.type !== undefined) return holdsNumber(node.type);
  return !ts.isPropertySignature(node) && node.initializer !== undefined && ts.isNumericLiteral(node.initializer);
}

const named = (name: ts.Node): boolean => MONEY.test(name.getText().replaceAll(/['"]/g, ''));

/** `number`, `number | undefined`, `number[]`; not a function that takes one. */
function holdsNumber(type: ts.TypeNode): boolean {
  if (type.kind === ts.SyntaxKind.NumberKeyword) return true;
  if (ts.isUnionTypeNode(type)) return type.types.some(holdsNumber);
  if (ts.isArrayTypeNode(type)) return holdsNumber(type.elementType);
  if (ts.isTypeOperatorNode(type) || ts.isParenthesizedTypeNode(type)) return holdsNumber(type.type);
  return false;
}
