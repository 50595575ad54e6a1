// What docker-compose.yml and the Dockerfile point at is there; neither can be run in every place where the tests run.
import path from 'node:path';
import { parse } from 'yaml';
import type { Finding, Rule, Tree } from '../tree.ts';

interface ComposeService {
  readonly build?: { readonly context?: string; readonly dockerfile?: string };
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>> | readonly string[];
}

const FILE = 'docker-compose.yml';

export const compose: Rule = (tree) => {
  if (!tree.exists(FILE)) return [];
  const found = (message: string): Finding => ({ rule: 'compose', file: FILE, message });
  let services: Record<string, ComposeService>;
  try {
    services = (parse(tree.read(FILE), { merge: true }) as { services: Record<string, ComposeService> }).services;
  } catch (error) {
    return [found(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))];
  }
  return Object.entries(services).flatMap(([name, service]) => [
    ...pathsOf(service)
      .filter((file) => !tree.exists(file))
      .map((file) => found(`${name} points at ${file}, which is not there`)),
    ...neededBy(service)
      .filter((other) => services[other] === undefined)
      .map((other) => found(`${name} depends on ${other}, which is not there`)),
    ...(service.build === undefined ? [] : missingCopies(tree, dockerfileOf(service))),
  ]);
};

const neededBy = ({ depends_on: needs = [] }: ComposeService): readonly string[] =>
  Array.isArray(needs) ? (needs as string[]) : Object.keys(needs);

const dockerfileOf = ({ build }: ComposeService): string =>
  path.posix.normalize(path.posix.join(build?.context ?? '.', build?.dockerfile ?? 'Dockerfile'));

const pathsOf = (service: ComposeService): string[] => [
  ...(service.build === undefined ? [] : [dockerfileOf(service)]),
  ...(service.volumes ?? [])
    .map((volume) => volume.split(':')[0] ?? '')
    .filter((source) => source.startsWith('.'))
    .map((source) => path.posix.normalize(source)),
];

function missingCopies(tree: Tree, dockerfile: string): Finding[] {
  if (!tree.exists(dockerfile)) return [];
  return tree
    .read(dockerfile)
    .split('\n')
    .flatMap((line, index) => {
      const words = /^COPY\s+(.*)$/.exec(line)?.[1]?.split(/\s+/) ?? [];
      if (words.some((word) => word.startsWith('--from='))) return [];
      return words
        .filter((word) => !word.startsWith('--'))
        .slice(0, -1)
        .map((source) => source.replace(/\/$/, ''))
        .filter((source) => source !== '.' && !tree.exists(source))
        .map((source) => ({
          rule: 'compose',
          file: dockerfile,
          line: index + 1,
          message: `COPY ${source}: not there`,
        }));
    });
}
