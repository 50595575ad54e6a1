// What the checks look at: rendered objects, and the pods that they make. Shapes are those of kubernetes-models; `checks/schema.ts` holds the objects to them.
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';

type Labels = Readonly<Record<string, string>>;

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly [field: string]: unknown;
}

export interface Pod {
  /** `Deployment/ingress`. */
  readonly owner: string;
  readonly labels: Labels;
  readonly spec: IPodSpec;
}

export interface Finding {
  /** `Deployment/ingress`. */
  readonly object: string;
  readonly message: string;
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

const PODS_OF = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);

export const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind}/${metadata.name}`;

/** The `spec` as what the schema says it is: only after `checks/schema.ts` found nothing. */
export const specOf = <Spec>(object: KubernetesObject): Spec => object['spec'] as Spec;

export const ofKind = (objects: readonly KubernetesObject[], kind: string): KubernetesObject[] =>
  objects.filter((object) => object.kind === kind);

export const podsOf = (objects: readonly KubernetesObject[]): Pod[] =>
  objects
    .filter(({ kind }) => PODS_OF.has(kind))
    .map((object) => {
      const { template } = specOf<{ template: { metadata?: { labels?: Labels }; spec: IPodSpec } }>(object);
      return { owner: nameOf(object), labels: template.metadata?.labels ?? {}, spec: template.spec };
    });

export const containersOf = ({ spec }: Pod): IContainer[] => [...(spec.initContainers ?? []), ...spec.containers];

/** No selector selects nothing, an empty one everything. */
export const selects = (selector: LabelSelector | undefined, labels: Labels): boolean => {
  if (selector === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          throw new Error(`a selector has the operator ${operator}; there are In, NotIn, Exists, DoesNotExist`);
      }
    })
  );
};
