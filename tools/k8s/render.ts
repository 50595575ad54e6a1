// Renders a kustomization with the tool that people use: kubectl, or kustomize by itself. Neither comes by npm; where both are missing there is nothing to render with.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from './objects.ts';

export type Render = (folder: string) => KubernetesObject[];

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const TOOLS: readonly (readonly [string, readonly string[]])[] = [
  ['kubectl', ['kustomize']],
  ['kustomize', ['build']],
];

/** Undefined where no tool is on the path. */
export const findRenderer = (searchPath: string): Render | undefined => {
  for (const [tool, words] of TOOLS) {
    const file = searchPath
      .split(path.delimiter)
      .map((folder) => path.join(folder, tool))
      .find((each) => existsSync(each));
    if (file !== undefined) return (folder) => parse(run(file, [...words, folder]));
  }
  return undefined;
};

/** What the tool wrote, or an error with what it said. */
const run = (file: string, words: readonly string[]): string => {
  try {
    return execFileSync(file, words, { encoding: 'utf8', stdio: 'pipe', maxBuffer: OUTPUT_BYTES_MAX });
  } catch (error) {
    throw new Error(`${words.join(' ')}: ${String((error as { stderr?: string }).stderr ?? error)}`, { cause: error });
  }
};

const parse = (text: string): KubernetesObject[] =>
  parseAllDocuments(text).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return withWholeBase64(document.toJS() as KubernetesObject);
  });

/** The tools break long base64 into lines, which the API server reads over. */
const withWholeBase64 = (object: KubernetesObject): KubernetesObject =>
  object.kind !== 'Secret'
    ? object
    : {
        ...object,
        data: Object.fromEntries(
          Object.entries((object['data'] ?? {}) as Record<string, string>).map(([key, value]) => [
            key,
            value.replaceAll(/\s/g, ''),
          ]),
        ),
      };
