// The checks see what is wrong: one good app, and one fault planted at a time.
import { checkEnvironment } from './checks/environment.ts';
import { checkLifeCycle } from './checks/life-cycle.ts';
import { checkPodSecurity } from './checks/pod-security.ts';
import { checkReferences } from './checks/references.ts';
import { checkSchema } from './checks/schema.ts';
import { connectionsOf, type Party } from './connections.ts';
import type { Finding, KubernetesObject } from './objects.ts';

/** As deep as the tests change it. */
interface Draft {
  [member: string]: unknown;
}
type Change = (drafts: ReturnType<typeof goodDrafts>) => void;

const goodDrafts = () => {
  const container = {
    name: 'ingress',
    image: 'waystation',
    args: ['--enable-source-maps', '--max-semi-space-size=32', 'apps/ingress/dist/main.js'],
    envFrom: [{ configMapRef: { name: 'told' } }] as Draft[],
    env: [
      { name: 'WAYSTATION_SHUTDOWN_GRACE_MS', value: '860000' },
      { name: 'WAYSTATION_PORT', value: '8080' },
      { name: 'WAYSTATION_NATS_PASSWORD', valueFrom: { secretKeyRef: { name: 'made', key: 'password' } } },
    ] as Draft[],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'internal', containerPort: 9090 },
    ] as Draft[],
    startupProbe: { httpGet: { path: '/healthz', port: 'internal' } } as Draft,
    readinessProbe: { httpGet: { path: '/readyz', port: 'internal' } } as Draft,
    livenessProbe: { httpGet: { path: '/healthz', port: 'internal' } } as Draft,
    lifecycle: { preStop: { sleep: { seconds: 15 } } } as Draft,
    resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } } as Draft,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    } as Draft,
  };
  const pod = {
    serviceAccountName: 'ingress',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 890,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } as Draft,
    containers: [container],
    volumes: [{ name: 'tmp', emptyDir: {} }] as Draft[],
  };
  const labels = { app: 'ingress' } as Record<string, string>;
  const deployment = { selector: { matchLabels: { app: 'ingress' } }, template: { metadata: { labels }, spec: pod } };
  const told: Record<string, string> = { WAYSTATION_INTERNAL_HOST: '0.0.0.0', WAYSTATION_INTERNAL_PORT: '9090' };
  const service = { selector: { app: 'ingress' } as Draft, ports: [{ port: 80, targetPort: 'http' }] as Draft[] };
  const budget = { maxUnavailable: 1, selector: { matchLabels: { app: 'ingress' } } as Draft };
  const scaler = {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'ingress' },
    maxReplicas: 4,
  };
  const route = {
    http: {
      paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'ingress', port: { number: 80 } } } }],
    },
  };
  return {
    container,
    pod,
    labels,
    deployment: deployment as typeof deployment & Draft,
    told,
    service,
    budget,
    scaler,
    route,
    more: [] as KubernetesObject[],
  };
};

const objectsWith = (change: Change = () => undefined): KubernetesObject[] => {
  const drafts = goodDrafts();
  change(drafts);
  const object = (apiVersion: string, kind: string, members: Draft, name = 'ingress'): KubernetesObject => ({
    apiVersion,
    kind,
    metadata: { name },
    ...members,
  });
  return [
    object('apps/v1', 'Deployment', { spec: drafts.deployment }),
    object('v1', 'Service', { spec: drafts.service }),
    object('v1', 'ServiceAccount', {}),
    object('v1', 'ConfigMap', { data: drafts.told }, 'told'),
    object('v1', 'Secret', { data: { password: 'c2VjcmV0' } }, 'made'),
    object('policy/v1', 'PodDisruptionBudget', { spec: drafts.budget }),
    object('autoscaling/v2', 'HorizontalPodAutoscaler', { spec: drafts.scaler }),
    object('networking.k8s.io/v1', 'Ingress', { spec: { rules: [drafts.route] } }),
    ...drafts.more,
  ];
};
const told = (findings: readonly Finding[]): string =>
  findings.map(({ object, message }) => `${object} ${message}`).join('\n');

test('nothing is found in what is right', async () => {
  const objects = objectsWith();
  expect([
    ...(await checkSchema(objects)),
    ...checkPodSecurity(objects),
    ...checkReferences(objects),
    ...checkEnvironment(objects),
    ...checkLifeCycle(objects),
  ]).toEqual([]);
}, 60_000);

test.each<[string, Change, RegExp]>([
  ['a member that nobody knows', ({ deployment }) => Object.assign(deployment, { replica: 2 }), /replica/],
  [
    'a member that nobody knows, deep inside',
    ({ container }) => Object.assign(container.readinessProbe, { periodSecond: 2 }),
    /periodSecond/,
  ],
  ['a number as text', ({ deployment }) => Object.assign(deployment, { replicas: '2' }), /replicas/],
  ['a required member that is missing', ({ scaler }) => Reflect.deleteProperty(scaler, 'maxReplicas'), /maxReplicas/],
  [
    'a word that is none of those there are',
    ({ deployment }) => Object.assign(deployment, { strategy: { type: 'Slow' } }),
    /strategy|Slow/,
  ],
  [
    'a kind that nobody knows',
    ({ more }) => more.push({ apiVersion: 'apps/v1', kind: 'Deploymint', metadata: { name: 'x' } }),
    /Deploymint .*nobody knows/,
  ],
  [
    'a version that is gone',
    ({ more }) => more.push({ apiVersion: 'policy/v0', kind: 'PodDisruptionBudget', metadata: { name: 'x' } }),
    /nobody knows/,
  ],
  [
    'an unknown member of an operator’s kind',
    ({ more }) =>
      more.push({
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name: 'x' },
        spec: { scaleTargetRef: { name: 'ingress' }, triggers: [], maxReplicas: 3 },
      }),
    /maxReplicas/,
  ],
])(
  'the schemas refuse %s',
  async (_fault, change, message) => {
    expect(told(await checkSchema(objectsWith(change)))).toMatch(message);
  },
  60_000,
);

test.each<[string, Change, string]>([
  ['a shared network', ({ pod }) => Object.assign(pod, { hostNetwork: true }), 'shares a host namespace'],
  [
    'a folder of the host',
    ({ pod }) => pod.volumes.push({ name: 'h', hostPath: { path: '/' } }),
    'of the kind hostPath',
  ],
  ['root by its number', ({ pod }) => Object.assign(pod.securityContext, { runAsUser: 0 }), 'runs as root'],
  ['root by default', ({ pod }) => Reflect.deleteProperty(pod.securityContext, 'runAsNonRoot'), 'runAsNonRoot'],
  ['no seccomp profile', ({ pod }) => Reflect.deleteProperty(pod.securityContext, 'seccompProfile'), 'seccompProfile'],
  [
    'an unconfined profile',
    ({ container }) => Object.assign(container.securityContext, { seccompProfile: { type: 'Unconfined' } }),
    'seccompProfile',
  ],
  ['a token', ({ pod }) => Reflect.deleteProperty(pod, 'automountServiceAccountToken'), 'mounts a token'],
  ['sysctls', ({ pod }) => Object.assign(pod.securityContext, { sysctls: [{ name: 'a', value: '1' }] }), 'sysctls'],
  ['privilege', ({ container }) => Object.assign(container.securityContext, { privileged: true }), 'privileged'],
  [
    'escalation',
    ({ container }) => Reflect.deleteProperty(container.securityContext, 'allowPrivilegeEscalation'),
    'allowPrivilegeEscalation',
  ],
  [
    'capabilities that are kept',
    ({ container }) => Object.assign(container.securityContext, { capabilities: {} }),
    'drop ALL',
  ],
  [
    'a capability more',
    ({ container }) =>
      Object.assign(container.securityContext, { capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }),
    'adds capabilities',
  ],
  [
    'a root that can be written',
    ({ container }) => Object.assign(container.securityContext, { readOnlyRootFilesystem: false }),
    'readOnlyRootFilesystem',
  ],
  [
    'a port of the host',
    ({ container }) => container.ports.push({ containerPort: 1, hostPort: 1 }),
    'port of the host',
  ],
  ['another proc', ({ container }) => Object.assign(container.securityContext, { procMount: 'Unmasked' }), 'procMount'],
  ['no limit of memory', ({ container }) => Object.assign(container.resources, { limits: {} }), 'limit memory'],
])('the restricted profile refuses %s', (_fault, change, message) => {
  expect(told(checkPodSecurity(objectsWith(change)))).toContain(message);
});

test('init containers are held to the profile as well', () => {
  const change: Change = ({ pod }) => Object.assign(pod, { initContainers: [{ name: 'first', image: 'x' }] });
  expect(told(checkPodSecurity(objectsWith(change)))).toContain('container first: allowPrivilegeEscalation');
});

test.each<[string, Change, string]>([
  [
    'a service of no pods',
    ({ service }) => Object.assign(service.selector, { app: 'ingres' }),
    'Service/ingress selects no pod',
  ],
  [
    'a port that no container has',
    ({ service }) => Object.assign(service.ports[0] ?? {}, { targetPort: 'https' }),
    'points at port https',
  ],
  [
    'a budget of nobody',
    ({ budget }) => Object.assign(budget, { selector: { matchLabels: { app: 'x' } } }),
    '0 workloads',
  ],
  [
    'a deployment that does not select its pods',
    ({ labels }) => Object.assign(labels, { app: 'x' }),
    'does not select its own pods',
  ],
  [
    'an autoscaler of nothing',
    ({ scaler }) => Object.assign(scaler.scaleTargetRef, { name: 'x' }),
    'scales x, which is not there',
  ],
  ['replicas beside an autoscaler', ({ deployment }) => Object.assign(deployment, { replicas: 2 }), 'is scaled'],
  [
    'two autoscalers',
    ({ more }) =>
      more.push({
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name: 'x' },
        spec: { scaleTargetRef: { name: 'ingress' } },
      }),
    'not the only one',
  ],
  [
    'a way in to a service that is not there',
    ({ route }) => Object.assign(route.http.paths[0]?.backend.service ?? {}, { name: 'front' }),
    'leads to port 80 of the service front',
  ],
  [
    'an account that nobody makes',
    ({ pod }) => Object.assign(pod, { serviceAccountName: 'x' }),
    'needs the ServiceAccount x',
  ],
  [
    'a Secret that nobody makes',
    ({ container }) => container.env.push({ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } }),
    'needs the Secret x',
  ],
  [
    'a ConfigMap that nobody makes',
    ({ container }) => container.envFrom.push({ configMapRef: { name: 'x' } }),
    'needs the ConfigMap x',
  ],
  [
    'a volume of a Secret that nobody makes',
    ({ pod }) => pod.volumes.push({ name: 'v', secret: { secretName: 'x' } }),
    'needs the Secret x',
  ],
])('references: %s is found', (_fault, change, message) => {
  expect(told(checkReferences(objectsWith(change)))).toContain(message);
});

test('references: a deployment that also selects the pods of another is found', () => {
  const change: Change = ({ more, deployment }) =>
    more.push({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'pool' },
      spec: {
        ...deployment,
        template: { ...deployment.template, metadata: { labels: { app: 'ingress', pool: 'a' } } },
      },
    });
  expect(told(checkReferences(objectsWith(change)))).toContain(
    'Deployment/ingress selects the pods of Deployment/pool as well',
  );
});

test.each<[string, Change, string]>([
  [
    'a variable that nobody reads',
    ({ container }) => container.env.push({ name: 'WAYSTATION_PROT', value: '1' }),
    'WAYSTATION_PROT, which its program does not read',
  ],
  [
    'a variable of another app',
    ({ told: data }) => Object.assign(data, { WAYSTATION_WORKER_ATTEMPTS_MAX: '1' }),
    'WAYSTATION_WORKER_ATTEMPTS_MAX, which its program does not read',
  ],
  [
    'a value that the program refuses',
    ({ told: data }) => Object.assign(data, { WAYSTATION_LOG_LEVEL: 'loud' }),
    'cannot start: WAYSTATION_LOG_LEVEL',
  ],
  [
    'a required variable that is missing',
    ({ container }) => Object.assign(container, { args: ['apps/worker/dist/main.js'] }),
    'cannot start: WAYSTATION_WORKER_PRIVATE_KEY is required',
  ],
  [
    'a variable that is given twice',
    ({ container }) => container.env.push({ name: 'WAYSTATION_PORT', value: '1' }),
    'WAYSTATION_PORT twice',
  ],
  [
    'a command without its databases',
    ({ container }) => Object.assign(container, { args: ['apps/fused/dist/migrate.main.js'], env: [], envFrom: [] }),
    'cannot start: WAYSTATION_BILLING_OWNER_URL',
  ],
])('the environment: %s is found', (_fault, change, message) => {
  expect(told(checkEnvironment(objectsWith(change)))).toContain(message);
});

test.each<[string, Change, string]>([
  [
    'a path that the code does not have',
    ({ container }) => Object.assign(container.livenessProbe, { httpGet: { path: '/livez', port: 'internal' } }),
    'livenessProbe asks /livez',
  ],
  [
    'a liveness that waits for NATS',
    ({ container }) => Object.assign(container.livenessProbe, { httpGet: { path: '/readyz', port: 'internal' } }),
    'it must be /healthz',
  ],
  [
    'another port',
    ({ container }) => Object.assign(container.readinessProbe, { httpGet: { path: '/readyz', port: 8080 } }),
    'listens on 9090',
  ],
  ['no readiness', ({ container }) => Reflect.deleteProperty(container, 'readinessProbe'), 'no readinessProbe'],
  [
    'an internal port on loopback',
    ({ told: data }) => Object.assign(data, { WAYSTATION_INTERNAL_HOST: '127.0.0.1' }),
    'cannot reach its internal port',
  ],
  [
    'a public port that is another',
    ({ container }) => Object.assign(container.env[1] ?? {}, { value: '8081' }),
    'listens on 8081',
  ],
  [
    'a port for management that nobody listens at',
    ({ container }) => container.ports.push({ name: 'management', containerPort: 8081 }),
    'its port management is 8081, and the program listens on no such port',
  ],
  [
    'management that no port leads to',
    ({ container }) => container.env.push({ name: 'WAYSTATION_MANAGEMENT_PORT', value: '8081' }),
    'its port management is missing, and the program listens on 8081',
  ],
  [
    'an end before the grace is over',
    ({ pod }) => Object.assign(pod, { terminationGracePeriodSeconds: 870 }),
    'ends it after 870000 ms',
  ],
  [
    'a grace shorter than a generation',
    ({ container }) => Object.assign(container.env[0] ?? {}, { value: '600000' }),
    'a generation may last 600000 ms',
  ],
  ['no time for balancers', ({ container }) => Reflect.deleteProperty(container, 'lifecycle'), 'preStop.sleep'],
  ['other flags than the image’s', ({ container }) => container.args.shift(), 'the image'],
])('the life of a pod: %s is found', (_fault, change, message) => {
  expect(told(checkLifeCycle(objectsWith(change)))).toContain(message);
});

describe('connections', () => {
  const OURS = { name: 'ours' };
  const party = (name: string, ...ports: number[]): Party => ({
    name,
    labels: { app: name },
    ports: ports.map((port) => ({ port })),
  });
  const outside = (name: string, address: string): Party => ({ name, address, ports: [{ port: 443 }] });
  const parties = [
    party('a', 1),
    { ...party('b'), ports: [{ port: 2, name: 'two' }] },
    { ...party('far', 3), namespace: { name: 'theirs' } },
    outside('web', '203.0.113.7'),
    outside('web6', '2001:db8::7'),
    outside('lan', '10.0.0.7'),
  ];
  const policy = (spec: Draft): KubernetesObject => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p' },
    spec,
  });
  const deny = policy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  const of = (...policies: KubernetesObject[]): string[] => connectionsOf(policies, OURS, parties);
  const from = (name: string, ...egress: Draft[]): KubernetesObject =>
    policy({ podSelector: { matchLabels: { app: name } }, policyTypes: ['Egress'], egress });
  const to = (name: string, ...ingress: Draft[]): KubernetesObject =>
    policy({ podSelector: { matchLabels: { app: name } }, policyTypes: ['Ingress'], ingress });

  test('without policies everything passes, with a denial of all nothing', () => {
    expect(of()).toEqual(
      [
        'a → b:2',
        'a → far:3',
        'a → lan:443',
        'a → web6:443',
        'a → web:443',
        'b → a:1',
        'b → far:3',
        'b → lan:443',
        'b → web6:443',
        'b → web:443',
        'far → a:1',
        'far → b:2',
        'lan → a:1',
        'lan → b:2',
        'web → a:1',
        'web → b:2',
        'web6 → a:1',
        'web6 → b:2',
      ].sort(),
    );
    expect(of(deny)).toEqual([]);
  });

  test('both ends must let it pass', () => {
    const out = from('a', { to: [{ podSelector: { matchLabels: { app: 'b' } } }], ports: [{ port: 2 }] });
    const into = to('b', { from: [{ podSelector: { matchLabels: { app: 'a' } } }], ports: [{ port: 'two' }] });
    expect(of(deny, out)).toEqual([]);
    expect(of(deny, into)).toEqual([]);
    expect(of(deny, out, into)).toEqual(['a → b:2']);
  });

  test('a pod selector without a namespace is of ours, an address block of none', () => {
    expect(of(deny, from('a', { to: [{ podSelector: {} }] }))).toEqual([]);
    expect(of(deny, from('a', { to: [{ namespaceSelector: { matchLabels: { name: 'theirs' } } }] }))).toEqual([
      'a → far:3',
    ]);
    const web = { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } };
    expect(of(deny, from('a', { to: [web] }))).toEqual(['a → web:443']);
    expect(of(deny, from('a', { to: [web, { ipBlock: { cidr: '::/0' } }], ports: [{ port: 443 }] }))).toEqual([
      'a → web6:443',
      'a → web:443',
    ]);
  });

  test('another protocol or port does not pass, a rule without peers lets everybody in', () => {
    expect(of(deny, from('a', { ports: [{ port: 443, protocol: 'UDP' }] }))).toEqual([]);
    expect(of(deny, from('a', { ports: [{ port: 444 }] }))).toEqual([]);
    expect(of(deny, to('a', {}))).toEqual(['far → a:1', 'lan → a:1', 'web → a:1', 'web6 → a:1']);
  });
});
