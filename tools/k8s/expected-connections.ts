// Who must be able to reach whom, written down once more, by hand and from the design, not from the policies: what a rendered overlay opens is held against it.
// The parties are the pods of the overlay, those that charts and operators add, and strangers of every kind.
import type { Party } from './connections.ts';
import { containersOf, ofKind, podsOf, type KubernetesObject } from './objects.ts';

export const OUR_NAMESPACE = { 'kubernetes.io/metadata.name': 'waystation' };

const elsewhere = (
  name: string,
  namespace: string,
  ports: readonly number[] = [],
  more: Record<string, string> = {},
): Party => ({
  name,
  labels: {},
  namespace: { 'kubernetes.io/metadata.name': namespace, ...more },
  ports: ports.map((port) => ({ port })),
});
const outside = (name: string, address: string, ...ports: readonly number[]): Party => ({
  name,
  address,
  ports: ports.map((port) => ({ port })),
});

const STRANGERS: readonly Party[] = [
  {
    ...elsewhere('dns', 'kube-system'),
    labels: { 'k8s-app': 'kube-dns' },
    ports: [
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
    ],
  },
  elsewhere('kube-system', 'kube-system', [53, 443]),
  elsewhere('ingress-controller', 'ingress-nginx'),
  elsewhere('gateway', 'gateway'),
  elsewhere('prometheus', 'monitoring', [9090]),
  elsewhere('keda', 'keda'),
  elsewhere('cnpg-operator', 'cnpg-system', [9443]),
  elsewhere('collector', 'observability', [4318]),
  elsewhere('models', 'models', [8000], { 'waystation.dev/models': 'true' }),
  elsewhere('operators', 'operations', [], { 'waystation.dev/operators': 'true' }),
  elsewhere('other-namespace', 'default', [443, 4222, 5432, 8000, 8080]),
  { name: 'other-pod', labels: { app: 'debug' }, ports: [{ port: 8080 }] },
  { name: 'challenge', labels: { 'acme.cert-manager.io/http01-solver': 'true' }, ports: [{ port: 8089 }] },
  outside('internet', '203.0.113.7', 80, 443, 4222, 5432),
  outside('internet-6', '2001:db8::7', 80, 443),
  outside('private', '10.1.2.3', 80, 443, 5432),
  outside('private-6', 'fd00::7', 443),
  outside('metadata', '169.254.169.254', 80, 443),
];

const nats = (name: string): Party => ({
  name,
  labels: { 'app.kubernetes.io/name': 'nats', 'app.kubernetes.io/component': 'nats' },
  ports: [{ port: 4222 }, { port: 6222 }, { port: 7777 }, { port: 8222 }],
});
const postgres = (name: string): Party => ({
  name,
  labels: { 'cnpg.io/cluster': 'postgres' },
  ports: [{ port: 5432 }, { port: 8000 }],
});

const shapeOf = (objects: readonly KubernetesObject[]) => {
  const has = (kind: string, name?: string): boolean =>
    ofKind(objects, kind).some(({ metadata }) => name === undefined || metadata.name === name);
  return {
    fused: has('Deployment', 'data-plane'),
    dev: has('Deployment', 'sandbox'),
    pool: has('Deployment', 'worker-anthropic'),
    cloudNativePg: has('Cluster', 'postgres'),
    keda: has('ScaledObject'),
    prometheus: has('PodMonitor'),
    publicIngress: has('Ingress'),
    gateway: has('HTTPRoute'),
    policy: (name: string): boolean => has('NetworkPolicy', name),
  };
};

export const partiesOf = (objects: readonly KubernetesObject[]): Party[] => {
  const { dev, cloudNativePg } = shapeOf(objects);
  const rendered = podsOf(objects).map((pod): Party => ({
    name: pod.owner.slice(pod.owner.indexOf('/') + 1),
    labels: pod.labels,
    ports: containersOf(pod).flatMap(({ ports = [] }) =>
      ports.map(({ containerPort, name }) => ({ port: containerPort, ...(name === undefined ? {} : { name }) })),
    ),
  }));
  return [
    ...rendered,
    ...STRANGERS,
    ...(dev ? [] : [nats('nats'), nats('nats-1')]),
    ...(dev
      ? []
      : cloudNativePg
        ? [postgres('postgres'), postgres('postgres-1')]
        : [outside('postgres', '192.0.2.10', 5432, 443)]),
  ];
};

const each = (from: readonly string[], to: readonly string[]): string[] =>
  from.flatMap((one) => to.map((other) => `${one} → ${other}`)).filter((line) => !/^(\S+) → \1:/.test(line));

/** Sorted, as `connectionsOf` tells it. */
export const allowedConnections = (objects: readonly KubernetesObject[]): string[] => {
  const shape = shapeOf(objects);
  const { fused, dev, cloudNativePg } = shape;
  const front = fused ? 'data-plane' : 'ingress';
  const workers = fused ? ['data-plane'] : shape.pool ? ['worker', 'worker-anthropic'] : ['worker'];
  const backOffice = fused ? ['back-office'] : ['billing', 'logging', 'control'];
  const apps = fused ? ['data-plane', 'back-office'] : [front, 'router', ...workers, ...backOffice];
  const natsServers = dev ? ['nats'] : ['nats', 'nats-1'];
  const databases = cloudNativePg ? ['postgres', 'postgres-1'] : ['postgres'];
  const ours = [
    ...apps,
    'migrate',
    'other-pod',
    'challenge',
    ...natsServers,
    ...(dev ? ['postgres', 'sandbox'] : cloudNativePg ? databases : []),
  ];
  const web = ['internet:443', 'internet-6:443'];
  const ports = (names: readonly string[], port: number): string[] => names.map((name) => `${name}:${port}`);

  const allowed = [
    ...each(ours, ['dns:53']),
    ...each(apps, ports(natsServers, 4222)),
    ...(dev ? [] : each(natsServers, ports(natsServers, 6222))),
    ...each([...backOffice, 'migrate'], ports(databases, 5432)),
    ...each(workers, [...web, ...(cloudNativePg || dev ? [] : ['postgres:443'])]),
    ...each([shape.gateway ? 'gateway' : 'ingress-controller'], [`${front}:8080`]),
  ];
  if (dev) {
    const anybody = partiesOf(objects).map(({ name }) => name);
    const reached = anybody.filter((name) => !ours.includes(name));
    allowed.push(...each(reached, [`${front}:8080`]), ...each(['worker', 'control'], ['sandbox:4010']));
  }
  if (cloudNativePg) {
    allowed.push(
      ...each(databases, [...ports(databases, 5432), ...ports(databases, 8000)]),
      ...each(['cnpg-operator'], [...ports(databases, 5432), ...ports(databases, 8000)]),
      // The API server, wherever it is.
      ...each(databases, [
        ...web,
        'private:443',
        'private-6:443',
        'metadata:443',
        'kube-system:443',
        'other-namespace:443',
      ]),
    );
  }
  if (shape.keda) allowed.push(...each(['keda'], ports(natsServers, 8222)));
  if (shape.prometheus) allowed.push(...each(['prometheus'], [...ports(apps, 9090), ...ports(natsServers, 7777)]));
  if (shape.policy('management')) allowed.push(...each(['operators'], [`${front}:8081`]));
  if (shape.policy('acme-challenges')) allowed.push(...each(['ingress-controller'], ['challenge:8089']));
  if (shape.policy('tracing')) allowed.push(...each(apps, ['collector:4318']));
  if (shape.policy('in-cluster-providers')) allowed.push(...each(workers, ['models:8000']));
  if (shape.policy('payments'))
    allowed.push(...each([backOffice[0] ?? ''], [...web, ...(cloudNativePg ? [] : ['postgres:443'])]));
  return [...new Set(allowed)].sort();
};
