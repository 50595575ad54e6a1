// What is special about a provider is data on its endpoints: no code outside the registry and the catalog asks "which provider is this?".
import ts from 'typescript';
import { isCode, isTest, lineOf, nodesOf } from '../tree.ts';
import type { Rule } from '../tree.ts';

const HOMES = /^(libs\/providers\/src\/registry|libs\/catalog\/)/;
/** The providers of the built-in catalog and the ones people name first. */
const SLUGS = new Set(
  (
    'openai anthropic google google-vertex google-ai-studio gemini azure bedrock amazon-bedrock mistral groq deepseek together fireworks ' +
    'cohere xai perplexity cerebras sambanova deepinfra openrouter ollama vllm sandbox'
  ).split(' '),
);
const EQUALITY = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
]);

export const providers: Rule = (tree) =>
  tree.files
    .filter((file) => isCode(file) && /^(apps|libs)\/[^/]+\/src\//.test(file) && !isTest(file) && !HOMES.test(file))
    .flatMap((file) => {
      const source = tree.parse(file);
      return [...nodesOf(source)]
        .filter((node) => comparesSlug(node))
        .map((node) => ({
          rule: 'providers',
          file,
          line: lineOf(source, node),
          message: 'a provider is compared by slug: make the difference data on its endpoints',
        }));
    });

function comparesSlug(node: ts.Node): boolean {
  if (ts.isCaseClause(node)) return isSlug(node.expression);
  return (
    ts.isBinaryExpression(node) && EQUALITY.has(node.operatorToken.kind) && (isSlug(node.left) || isSlug(node.right))
  );
}

const isSlug = (node: ts.Node): boolean => ts.isStringLiteralLike(node) && SLUGS.has(node.text);
