// What one object says of another is true: selectors find pods, names exist, and nothing is scaled or selected by two.
import type { IHorizontalPodAutoscalerSpec } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscalerSpec';
import type { IIngressSpec } from 'kubernetes-models/networking.k8s.io/v1/IngressSpec';
import type { IPodDisruptionBudgetSpec } from 'kubernetes-models/policy/v1/PodDisruptionBudgetSpec';
import type { IServiceSpec } from 'kubernetes-models/v1/ServiceSpec';
import {
  containersOf,
  nameOf,
  ofKind,
  podsOf,
  selects,
  specOf,
  type Finding,
  type KubernetesObject,
  type LabelSelector,
  type Pod,
} from '../objects.ts';

export const checkReferences = (objects: readonly KubernetesObject[]): Finding[] => [
  ...services(objects),
  ...budgets(objects),
  ...workloads(objects),
  ...scalers(objects),
  ...backends(objects),
  ...podsOf(objects).flatMap((pod) => namedBy(pod, objects)),
];

const finding = (object: KubernetesObject, message: string): Finding => ({ object: nameOf(object), message });
const has = (objects: readonly KubernetesObject[], kind: string, name: string): boolean =>
  objects.some((object) => object.kind === kind && object.metadata.name === name);

const services = (objects: readonly KubernetesObject[]): Finding[] =>
  ofKind(objects, 'Service').flatMap((service) => {
    const { selector, ports = [] } = specOf<IServiceSpec>(service);
    const pods = podsOf(objects).filter(({ labels }) => selects(selector && { matchLabels: selector }, labels));
    if (pods.length === 0) return [finding(service, 'selects no pod')];
    return ports.flatMap(({ port, targetPort = port }) =>
      pods
        .filter((pod) => !portsOf(pod).some(({ name, number }) => targetPort === name || targetPort === number))
        .map(({ owner }) => finding(service, `points at port ${targetPort}, which ${owner} does not have`)),
    );
  });

const portsOf = (pod: Pod): { name: string | undefined; number: number }[] =>
  containersOf(pod).flatMap(({ ports = [] }) =>
    ports.map(({ name, containerPort }) => ({ name, number: containerPort })),
  );

const budgets = (objects: readonly KubernetesObject[]): Finding[] =>
  ofKind(objects, 'PodDisruptionBudget').flatMap((budget) => {
    const { selector } = specOf<IPodDisruptionBudgetSpec>(budget);
    const owners = podsOf(objects).filter(({ labels }) => selects(selector as LabelSelector, labels));
    return owners.length === 1
      ? []
      : [
          finding(
            budget,
            `speaks of ${owners.length} workloads instead of one: ${owners.map(({ owner }) => owner).join(', ')}`,
          ),
        ];
  });

/** A workload selects its own pods, and no other's: autoscalers count by the selector. */
const workloads = (objects: readonly KubernetesObject[]): Finding[] =>
  [...ofKind(objects, 'Deployment'), ...ofKind(objects, 'StatefulSet')].flatMap((workload) => {
    const { selector } = specOf<{ selector: LabelSelector }>(workload);
    const selected = podsOf(objects)
      .filter(({ labels }) => selects(selector, labels))
      .map(({ owner }) => owner);
    return [
      ...(selected.includes(nameOf(workload)) ? [] : [finding(workload, 'does not select its own pods')]),
      ...selected
        .filter((owner) => owner !== nameOf(workload))
        .map((owner) => finding(workload, `selects the pods of ${owner} as well`)),
    ];
  });

const scalers = (objects: readonly KubernetesObject[]): Finding[] => {
  const targets = [
    ...ofKind(objects, 'HorizontalPodAutoscaler').map((scaler) => ({
      scaler,
      target: specOf<IHorizontalPodAutoscalerSpec>(scaler).scaleTargetRef.name,
    })),
    ...ofKind(objects, 'ScaledObject').map((scaler) => ({
      scaler,
      target: specOf<{ scaleTargetRef: { name: string } }>(scaler).scaleTargetRef.name,
    })),
  ];
  const scaled = (name: string): number => targets.filter(({ target }) => target === name).length;
  return [
    ...targets.flatMap(({ scaler, target }) => [
      ...(has(objects, 'Deployment', target) ? [] : [finding(scaler, `scales ${target}, which is not there`)]),
      ...(scaled(target) > 1 ? [finding(scaler, `is not the only one that scales ${target}`)] : []),
    ]),
    ...ofKind(objects, 'Deployment')
      .filter((deployment) => specOf<{ replicas?: number }>(deployment).replicas !== undefined)
      .filter(({ metadata }) => scaled(metadata.name) > 0)
      .map((deployment) => finding(deployment, 'says how many replicas it has, and is scaled')),
  ];
};

const backends = (objects: readonly KubernetesObject[]): Finding[] => {
  const wrong = (object: KubernetesObject, name: string, port: string | number | undefined): Finding[] => {
    const service = ofKind(objects, 'Service').find(({ metadata }) => metadata.name === name);
    const ports = service === undefined ? [] : (specOf<IServiceSpec>(service).ports ?? []);
    const there = ports.some((each) => each.name === port || each.port === port);
    return there ? [] : [finding(object, `leads to port ${port} of the service ${name}, which is not there`)];
  };
  return [
    ...ofKind(objects, 'Ingress').flatMap((ingress) =>
      (specOf<IIngressSpec>(ingress).rules ?? []).flatMap(({ http }) =>
        (http?.paths ?? []).flatMap(({ backend: { service } }) =>
          wrong(ingress, service?.name ?? '', service?.port?.name ?? service?.port?.number),
        ),
      ),
    ),
    ...ofKind(objects, 'HTTPRoute').flatMap((route) =>
      (specOf<{ rules: { backendRefs: { name: string; port: number }[] }[] }>(route).rules ?? []).flatMap(
        ({ backendRefs }) => backendRefs.flatMap(({ name, port }) => wrong(route, name, port)),
      ),
    ),
  ];
};

/** Secrets that nobody renders: operators make them. */
const madeByOperators = (objects: readonly KubernetesObject[]): Set<string> =>
  new Set([
    ...ofKind(objects, 'ExternalSecret').map((object) => specOf<{ target: { name: string } }>(object).target.name),
    ...ofKind(objects, 'Certificate').map((object) => specOf<{ secretName: string }>(object).secretName),
    ...ofKind(objects, 'Cluster').flatMap(({ metadata }) => [`${metadata.name}-ca`, `${metadata.name}-app`]),
  ]);

const namedBy = (pod: Pod, objects: readonly KubernetesObject[]): Finding[] => {
  const made = madeByOperators(objects);
  const wrong = (kind: string, name: string | undefined, optional: boolean | undefined): Finding[] =>
    name === undefined || optional === true || has(objects, kind, name) || (kind === 'Secret' && made.has(name))
      ? []
      : [{ object: pod.owner, message: `needs the ${kind} ${name}, which nobody makes` }];
  return [
    ...wrong('ServiceAccount', pod.spec.serviceAccountName, false),
    ...containersOf(pod).flatMap(({ env = [], envFrom = [] }) => [
      ...env.flatMap(({ valueFrom }) => [
        ...wrong('Secret', valueFrom?.secretKeyRef?.name, valueFrom?.secretKeyRef?.optional),
        ...wrong('ConfigMap', valueFrom?.configMapKeyRef?.name, valueFrom?.configMapKeyRef?.optional),
      ]),
      ...envFrom.flatMap(({ secretRef, configMapRef }) => [
        ...wrong('Secret', secretRef?.name, secretRef?.optional),
        ...wrong('ConfigMap', configMapRef?.name, configMapRef?.optional),
      ]),
    ]),
    ...(pod.spec.volumes ?? []).flatMap(({ secret, configMap, projected }) => [
      ...wrong('Secret', secret?.secretName, secret?.optional),
      ...wrong('ConfigMap', configMap?.name, configMap?.optional),
      ...(projected?.sources ?? []).flatMap((source) => [
        ...wrong('ConfigMap', source.configMap?.name, source.configMap?.optional),
        ...wrong('Secret', source.secret?.name, source.secret?.optional),
      ]),
    ]),
  ];
};
