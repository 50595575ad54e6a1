// Each container of ours gets the variables that its program reads, with values that the program itself takes, and no others. Secrets that are not rendered are given
// values of the right form: it is their presence that is looked at.
import type { IContainer } from 'kubernetes-models/v1/Container';
import { ofKind, podsOf, type Finding, type KubernetesObject } from '../objects.ts';
import { programOf } from '../programs.ts';

/** By the end of the name; the first that fits. */
const EXAMPLES: readonly (readonly [RegExp, string])[] = [
  [/(_URL|_URI)$/, 'postgres://user:password@postgres:5432/waystation'],
  [/_KEY_HASHES$/, 'a'.repeat(64)],
  [/WORKER_(PRIVATE|PUBLIC)_KEY$/, `${'A'.repeat(42)}E`],
  [/./, 'secret'],
];

export const checkEnvironment = (objects: readonly KubernetesObject[]): Finding[] =>
  podsOf(objects).flatMap(({ owner, spec }) =>
    [...(spec.initContainers ?? []), ...spec.containers].flatMap((container) => {
      const program = programOf(container.args);
      if (program === undefined) return [];
      const environment = environmentOf(container, objects);
      const own = (container.env ?? []).map(({ name }) => name);
      const told = `container ${container.name}`;
      return [
        ...Object.keys(environment)
          .filter((name) => !program.knows(name) && !isPartOfAnother(name, container))
          .map((name) => `${told} is given ${name}, which its program does not read`),
        ...own.filter((name, index) => own.indexOf(name) !== index).map((name) => `${told} is given ${name} twice`),
        ...program.faultsOf(environment).map(({ variable, problem }) => `${told} cannot start: ${variable} ${problem}`),
      ].map((message) => ({ object: owner, message }));
    }),
  );

const isPartOfAnother = (name: string, { env = [] }: IContainer): boolean =>
  env.some(({ value }) => value?.includes(`$(${name})`) === true);

/** As the kubelet would make it; a later one goes before an earlier one. */
export const environmentOf = (
  { env = [], envFrom = [] }: IContainer,
  objects: readonly KubernetesObject[],
): Record<string, string> => {
  const made: Record<string, string> = {};
  for (const { configMapRef, secretRef } of envFrom)
    Object.assign(made, dataOf(objects, 'ConfigMap', configMapRef?.name), dataOf(objects, 'Secret', secretRef?.name));
  for (const { name, value, valueFrom } of env) {
    const secret = valueFrom?.secretKeyRef;
    const held = dataOf(objects, 'Secret', secret?.name)[secret?.key ?? ''];
    if (value !== undefined)
      made[name] = value.replaceAll(/\$\((\w+)\)/g, (whole, part: string) => made[part] ?? whole);
    else if (held !== undefined) made[name] = held;
    else if (secret !== undefined && secret.optional !== true)
      made[name] = EXAMPLES.find(([pattern]) => pattern.test(name))?.[1] ?? '';
  }
  return made;
};

const dataOf = (
  objects: readonly KubernetesObject[],
  kind: string,
  name: string | undefined,
): Record<string, string> => {
  const object = ofKind(objects, kind).find(({ metadata }) => metadata.name === name);
  const data = (object?.['data'] ?? {}) as Record<string, string>;
  return kind === 'ConfigMap'
    ? data
    : Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
      );
};
