// Every object is one that the API server would take: required members, types and formats by the validators of kubernetes-models, made from the OpenAPI documents of
// Kubernetes and of the operators; members that nobody knows, which those let pass, by the compiler over the types that come with them.
import path from 'node:path';
import ts from 'typescript';
import { nameOf, type Finding, type KubernetesObject } from '../objects.ts';

/** Where the models of an API group are. */
const PACKAGES: Readonly<Record<string, string>> = {
  '': 'kubernetes-models',
  apps: 'kubernetes-models',
  autoscaling: 'kubernetes-models',
  batch: 'kubernetes-models',
  policy: 'kubernetes-models',
  'networking.k8s.io': 'kubernetes-models',
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'external-secrets.io': '@kubernetes-models/external-secrets',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'keda.sh': '@kubernetes-models/keda',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'postgresql.cnpg.io': '@kubernetes-models/cloudnative-pg',
};

const modelOf = ({ apiVersion, kind }: KubernetesObject): string | undefined => {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  const models = PACKAGES[group];
  return models === undefined || !/^\w+$/.test(kind) ? undefined : `${models}/${apiVersion}/${kind}`;
};

export const checkSchema = async (objects: readonly KubernetesObject[]): Promise<Finding[]> => {
  const found: Finding[] = [];
  for (const object of objects) {
    const message = await faultOf(object);
    if (message !== undefined) found.push({ object: nameOf(object), message });
  }
  return [...found, ...unknownMembers(objects)];
};

interface Model {
  validate(): void;
}

const faultOf = async (object: KubernetesObject): Promise<string | undefined> => {
  const model = modelOf(object);
  const models =
    model === undefined
      ? {}
      : await import(model).then(
          (all: object) => all,
          () => ({}),
        );
  const Kind = (models as Record<string, (new (data: object) => Model) | undefined>)[object.kind];
  if (Kind === undefined) return `${object.apiVersion} ${object.kind} is a kind that nobody knows`;
  try {
    new Kind(object).validate();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};

/** The types of kubernetes-models, read once however often they are asked for. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** One file for each object, with the object as a literal: there the compiler refuses every member that the type does not have. */
const unknownMembers = (objects: readonly KubernetesObject[]): Finding[] => {
  const files = new Map<string, { readonly object: string; readonly text: string }>();
  for (const [index, object] of objects.entries()) {
    const model = modelOf(object);
    if (model === undefined) continue;
    const file = path.join(import.meta.dirname, `object-${index}.ts`);
    const text = `import type { I${object.kind} } from '${model}';\nexport const object: I${object.kind} = ${JSON.stringify(object)};\n`;
    files.set(file, { object: nameOf(object), text });
  }
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (file) => files.has(file) || fileExists(file);
  host.readFile = (file) => files.get(file)?.text ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const own = files.get(file);
    if (own !== undefined) return ts.createSourceFile(file, own.text, ts.ScriptTarget.ES2022);
    if (!parsed.has(file)) parsed.set(file, getSourceFile(file, ...rest));
    return parsed.get(file);
  };
  const program = ts.createProgram([...files.keys()], OPTIONS, host);
  return [...files].flatMap(([file, { object }]) =>
    program.getSemanticDiagnostics(program.getSourceFile(file)).map(({ messageText }) => ({
      object,
      message: ts.flattenDiagnosticMessageText(messageText, ' '),
    })),
  );
};
