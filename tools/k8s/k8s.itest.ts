// Every overlay and component, rendered by the tool that people use, is what the API server takes, what the restricted profile allows, and what the code expects.
import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import { checkEnvironment } from './checks/environment.ts';
import { checkLifeCycle } from './checks/life-cycle.ts';
import { checkPodSecurity } from './checks/pod-security.ts';
import { checkReferences } from './checks/references.ts';
import { checkSchema } from './checks/schema.ts';
import { STREAMS } from '../../libs/contracts/src/subjects.ts';
import { connectionsOf } from './connections.ts';
import { allowedConnections, OUR_NAMESPACE, partiesOf } from './expected-connections.ts';
import { nameOf, ofKind, podsOf, specOf, type KubernetesObject } from './objects.ts';
import { findRenderer } from './render.ts';
import { copySite, type Overlays } from './site.ts';

const KUSTOMIZATION = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: waystation\n';

/** Components that no overlay of ours takes, and the pool of k8s/README.md. */
const USES: Overlays = {
  'every-other-component': {
    'kustomization.yaml': `${KUSTOMIZATION}resources: [../prod, anthropic]
components:
  - ../../components/gateway-api
  - ../../components/tracing
  - ../../components/payments
  - ../../components/in-cluster-providers
`,
    'anthropic/kustomization.yaml': `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../../components/worker-pool]
nameSuffix: -anthropic
labels:
  - { pairs: { waystation.dev/pool: anthropic }, includeSelectors: true, includeTemplates: true }
patches:
  - target: { kind: Deployment, name: worker }
    patch: |
      - { op: replace, path: /spec/template/spec/containers/0/env/0/value, value: anthropic }
`,
  },
  'fused-everything': {
    'kustomization.yaml': `${KUSTOMIZATION}resources: [../fused]
components:
  - ../../components/gateway-api
  - ../../components/tracing
  - ../../components/payments
  - ../../components/in-cluster-providers
`,
  },
  'fused-cloudnative-pg': {
    'kustomization.yaml': `${KUSTOMIZATION}resources: [../../base/fused]
components:
  - ../../components/cloudnative-pg
  - ../../components/transport-security
  - ../../components/external-secrets
`,
  },
  'split-external-postgres': {
    'kustomization.yaml': `${KUSTOMIZATION}resources: [../../base]
components:
  - ../../components/external-postgres
  - ../../components/transport-security
  - ../../components/external-secrets
  - ../../components/public-ingress
`,
  },
};
const OVERLAYS = ['dev', 'prod', 'fused', ...Object.keys(USES)];

const render = findRenderer(process.env['PATH'] ?? '');

if (render === undefined) {
  test('there is no kubectl and no kustomize on the path: the manifests are not rendered, and not checked', () => {
    process.stderr.write('k8s: install kubectl or kustomize to have the manifests checked\n');
    expect(render).toBeUndefined();
  });
} else {
  const site = copySite(USES);
  afterAll(() => site.remove());
  const rendered = new Map(OVERLAYS.map((overlay) => [overlay, render(site.folderOf(overlay))]));
  const objectsOf = (overlay: string): KubernetesObject[] => rendered.get(overlay) ?? [];
  const podOf = (overlay: string, owner: string) => podsOf(objectsOf(overlay)).find((pod) => pod.owner === owner);

  test('every object of every overlay fits the schema of its kind, without a member too many', async () => {
    const all = new Map([...rendered.values()].flat().map((object) => [JSON.stringify(object), object]));
    expect(await checkSchema([...all.values()])).toEqual([]);
  }, 120_000);

  describe.each(OVERLAYS)('%s', (overlay) => {
    test('all pods are allowed by the restricted profile, and say what they need', () => {
      expect(checkPodSecurity(objectsOf(overlay))).toEqual([]);
    });

    test('the namespace enforces the restricted profile', () => {
      expect(ofKind(objectsOf(overlay), 'Namespace').map(({ metadata }) => metadata)).toMatchObject([
        { name: 'waystation', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      ]);
    });

    test('every name leads to something, and every selector to the pods that are meant', () => {
      expect(checkReferences(objectsOf(overlay))).toEqual([]);
    });

    test('each program gets the variables that it reads, and can start with them', () => {
      expect(checkEnvironment(objectsOf(overlay))).toEqual([]);
    });

    test('probes ask what the code answers, and every generation can end before its pod is killed', () => {
      expect(checkLifeCycle(objectsOf(overlay))).toEqual([]);
    });

    test('all of it is in one namespace', () => {
      const elsewhere = objectsOf(overlay).filter(
        ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'waystation',
      );
      expect(elsewhere.map(nameOf)).toEqual([]);
    });

    test('no Secret stands in it but the random ones of the development overlay', () => {
      expect(ofKind(objectsOf(overlay), 'Secret').length > 0).toBe(overlay === 'dev');
    });

    test('whoever needs a connection may open it, and nobody else', () => {
      const objects = objectsOf(overlay);
      expect(connectionsOf(objects, OUR_NAMESPACE, partiesOf(objects))).toEqual(allowedConnections(objects));
    });
  });

  test('services of the back office wait for their own schemas, and for no others', () => {
    const waitsFor = (overlay: string, owner: string): string[] =>
      (podOf(overlay, owner)?.spec.initContainers ?? []).flatMap(({ args = [], env = [] }) => [
        ...args,
        ...env.map(({ name }) => name),
      ]);
    const gate = 'apps/fused/dist/await-schema.main.js';
    expect(waitsFor('prod', 'Deployment/billing')).toEqual([gate, 'WAYSTATION_BILLING_READER_URL']);
    expect(waitsFor('prod', 'Deployment/logging')).toEqual([gate, 'WAYSTATION_LOGGING_READER_URL']);
    expect(waitsFor('prod', 'Deployment/control')).toEqual([gate, 'WAYSTATION_CONTROL_READER_URL']);
    expect(waitsFor('fused', 'Deployment/back-office')).toEqual([
      gate,
      'WAYSTATION_BILLING_READER_URL',
      'WAYSTATION_LOGGING_READER_URL',
      'WAYSTATION_CONTROL_READER_URL',
    ]);
    expect(waitsFor('prod', 'Deployment/ingress')).toEqual([]);
  });

  test.each(['prod', 'fused'])('%s runs one release everywhere, and nothing of development', (overlay) => {
    const images = podsOf(objectsOf(overlay)).flatMap(({ spec }) =>
      [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => image),
    );
    expect(new Set(images)).toEqual(new Set(['registry.example.com/waystation:0.1.0']));
    expect(JSON.stringify(objectsOf(overlay))).not.toMatch(/sandbox|WAYSTATION_SEED|"development"/);
  });

  test('keys of providers reach control and nobody else, the private key workers and nobody else', () => {
    const holders = (overlay: string, text: string): string[] =>
      podsOf(objectsOf(overlay))
        .filter(({ spec }) => JSON.stringify(spec).includes(text))
        .map(({ owner }) => owner);
    expect(holders('every-other-component', 'waystation-provider-keys')).toEqual(['Deployment/control']);
    expect(holders('every-other-component', 'WAYSTATION_WORKER_PRIVATE_KEY')).toEqual([
      'Deployment/worker',
      'Deployment/worker-anthropic',
    ]);
    expect(holders('every-other-component', 'waystation-postgres-owners')).toEqual(['Job/migrate']);
    expect(holders('every-other-component', 'waystation-payments')).toEqual(['Deployment/billing']);
    expect(holders('every-other-component', 'POSTGRES_APP_URI')).toEqual(['Job/migrate']);
  });

  test('in production every way to NATS and Postgres is TLS with an authority', () => {
    for (const overlay of ['prod', 'fused']) {
      const [told] = ofKind(objectsOf(overlay), 'ConfigMap').filter(({ metadata }) =>
        /^waystation-\w{10}$/.test(metadata.name),
      );
      expect(told?.['data']).toMatchObject({
        WAYSTATION_NATS_URL: 'tls://nats:4222',
        WAYSTATION_NATS_CA_FILE: '/etc/waystation/nats-ca/ca.crt',
      });
      const urls = JSON.stringify(ofKind(objectsOf(overlay), 'ExternalSecret')).match(/postgres:[^"]*/g) ?? [];
      expect(urls).toHaveLength(9);
      for (const url of urls)
        expect(url).toMatch(/\?sslmode=verify-full&sslrootcert=\/etc\/waystation\/postgres-ca\/ca\.crt$/);
    }
    expect(JSON.stringify(podOf('prod', 'Job/migrate')?.spec)).toContain(
      '$(POSTGRES_APP_URI)?sslmode=verify-full&sslrootcert=/etc/waystation/postgres-ca/ca.crt',
    );
  });

  test('a pool of workers serves its providers, beside the pool for all', () => {
    const providersOf = (owner: string) =>
      podOf('every-other-component', owner)?.spec.containers[0]?.env?.find(
        ({ name }) => name === 'WAYSTATION_WORKER_PROVIDERS',
      )?.value;
    expect(providersOf('Deployment/worker-anthropic')).toBe('anthropic');
    expect(providersOf('Deployment/worker')).toBeUndefined();
    expect(podOf('every-other-component', 'Deployment/worker-anthropic')?.labels).toMatchObject({
      'waystation.dev/pool': 'anthropic',
    });
  });

  test('the Ingress does not buffer, and waits longer than a generation may last', () => {
    const [ingress] = ofKind(objectsOf('prod'), 'Ingress');
    const annotations = ingress?.metadata.annotations ?? {};
    expect(annotations).toMatchObject({
      'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
      'nginx.ingress.kubernetes.io/proxy-request-buffering': 'off',
      'nginx.ingress.kubernetes.io/proxy-next-upstream': 'off',
    });
    expect(Number(annotations['nginx.ingress.kubernetes.io/proxy-read-timeout'])).toBeGreaterThan(600);
  });

  test.each(['prod', 'fused', 'every-other-component', 'fused-everything'])(
    'the way in from outside %s leads to inference, and management has a service that no way in names',
    (overlay) => {
      const objects = objectsOf(overlay);
      const [pod] = podsOf(objects).filter(({ labels }) => labels['waystation.dev/management'] === 'true');
      expect(pod?.spec.containers[0]?.env).toEqual(
        expect.arrayContaining([
          { name: 'WAYSTATION_MANAGEMENT_HOST', value: '0.0.0.0' },
          { name: 'WAYSTATION_MANAGEMENT_PORT', value: '8081' },
        ]),
      );
      const services = new Map(
        ofKind(objects, 'Service').map((service) => [service.metadata.name, specOf<object>(service)]),
      );
      expect(services.get('ingress')).toMatchObject({ ports: [{ name: 'http', targetPort: 'http' }] });
      expect(services.get('ingress-management')).toMatchObject({
        selector: { 'waystation.dev/management': 'true' },
        ports: [{ port: 8081, targetPort: 'management' }],
      });
      const waysIn = [...ofKind(objects, 'Ingress'), ...ofKind(objects, 'HTTPRoute')];
      expect(waysIn.length).toBeGreaterThan(0);
      for (const way of waysIn) {
        expect(JSON.stringify(way)).toContain('"name":"ingress"');
        expect(JSON.stringify(way)).not.toContain('management');
      }
    },
  );

  test('scalers ask for metrics and consumers that the code has', () => {
    const triggers = ofKind(objectsOf('prod'), 'ScaledObject').flatMap(
      (object) => specOf<{ triggers: { type: string; metadata: Record<string, string> }[] }>(object).triggers,
    );
    const metrics = triggers.flatMap(({ metadata }) => metadata['query']?.match(/waystation_\w+/g) ?? []);
    const code = ['ingress/src/metrics.ts', 'router/src/plan.handler.ts', 'worker/src/worker-metrics.ts']
      .map((file) => readFileSync(`apps/${file}`, 'utf8'))
      .join('');
    expect(metrics).toHaveLength(3);
    for (const metric of metrics) expect(code).toContain(`'${metric}'`);
    const consumers = triggers
      .filter(({ type }) => type === 'nats-jetstream')
      .map(({ metadata }) => `${metadata['account']} ${metadata['stream']} ${metadata['consumer']}`);
    expect(consumers).toEqual([STREAMS.FACTS, STREAMS.TRAIL].map(({ name, durable }) => `WAY ${name} ${durable}`));
    expect(readFileSync('deploy/nats/accounts.conf', 'utf8')).toMatch(/^ {2}WAY \{/m);
  });

  test.each(['prod', 'fused'])('the NATS servers of %s know all users, by the Secret, and have TLS', (overlay) => {
    const values = parse(readFileSync(`k8s/overlays/${overlay}/nats-values.yaml`, 'utf8')) as NatsValues;
    const accounts = readFileSync('deploy/nats/accounts.conf', 'utf8');
    const passwords = [...new Set([...accounts.matchAll(/password: \$(\w+)/g)].map((match) => match[1] ?? ''))];
    expect(passwords).toHaveLength(9);
    for (const name of passwords)
      expect(values.container.env[name]).toEqual({
        valueFrom: { secretKeyRef: { name: 'waystation-nats', key: name } },
      });
    expect(values.config.merge).toMatchObject({ $include: '../nats-accounts/accounts.conf' });
    expect(values.config.nats.tls).toMatchObject({ enabled: true, secretName: 'nats-tls' });
    expect(values.fullnameOverride).toBe('nats');
  });

  test('there are as many copies of each stream as NATS servers', () => {
    const values = parse(readFileSync('k8s/overlays/prod/nats-values.yaml', 'utf8')) as NatsValues;
    const [told] = ofKind(objectsOf('prod'), 'ConfigMap').filter(({ metadata }) =>
      /^waystation-\w{10}$/.test(metadata.name),
    );
    expect(values.config.cluster).toMatchObject({ enabled: true, replicas: 3 });
    expect(told?.['data']).toMatchObject({ WAYSTATION_STREAM_REPLICAS: '3' });
  });

  interface NatsValues {
    readonly fullnameOverride: string;
    readonly config: {
      readonly cluster?: unknown;
      readonly merge: unknown;
      readonly nats: { readonly tls: unknown };
    };
    readonly container: { readonly env: Readonly<Record<string, unknown>> };
  }
}
