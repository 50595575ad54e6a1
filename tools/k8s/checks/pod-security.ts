// The restricted profile of https://kubernetes.io/docs/concepts/security/pod-security-standards/, as far as its members can be set, and what we ask besides:
// no token of the API server, a root that is read-only, and a word on how much each container needs.
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import { podsOf, type Finding, type KubernetesObject } from '../objects.ts';

const VOLUMES = new Set([
  'name',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const PROFILES = new Set(['RuntimeDefault', 'Localhost']);

export const checkPodSecurity = (objects: readonly KubernetesObject[]): Finding[] =>
  podsOf(objects).flatMap(({ owner, spec }) =>
    [
      ...faultsOfPod(spec),
      ...[...(spec.initContainers ?? []), ...spec.containers].flatMap((container) =>
        faultsOfContainer(container, spec).map((fault) => `container ${container.name}: ${fault}`),
      ),
    ].map((message) => ({ object: owner, message })),
  );

const when = (wrong: boolean, message: string): string[] => (wrong ? [message] : []);

const faultsOfPod = (spec: IPodSpec): string[] => [
  ...when(spec.hostNetwork === true || spec.hostPID === true || spec.hostIPC === true, 'it shares a host namespace'),
  ...(spec.volumes ?? []).flatMap((volume) =>
    Object.keys(volume)
      .filter((kind) => !VOLUMES.has(kind))
      .map((kind) => `volume ${volume.name} is of the kind ${kind}`),
  ),
  ...when((spec.securityContext?.sysctls ?? []).length > 0, 'it sets sysctls'),
  ...when(spec.securityContext?.runAsUser === 0, 'it runs as root'),
  ...when(spec.automountServiceAccountToken !== false, 'it mounts a token: automountServiceAccountToken must be false'),
];

const faultsOfContainer = (container: IContainer, { securityContext: pod }: IPodSpec): string[] => {
  const own = container.securityContext;
  const profile = own?.seccompProfile ?? pod?.seccompProfile;
  const user = own?.runAsUser ?? pod?.runAsUser;
  return [
    ...when(own?.privileged === true, 'it is privileged'),
    ...when(own?.allowPrivilegeEscalation !== false, 'allowPrivilegeEscalation must be false'),
    ...when((own?.runAsNonRoot ?? pod?.runAsNonRoot) !== true, 'runAsNonRoot must be true'),
    ...when(user === 0, 'it runs as root'),
    ...when(!PROFILES.has(profile?.type ?? ''), 'seccompProfile must be RuntimeDefault or Localhost'),
    ...when(own?.capabilities?.drop?.includes('ALL') !== true, 'capabilities must drop ALL'),
    ...when(
      (own?.capabilities?.add ?? []).some((name) => name !== 'NET_BIND_SERVICE'),
      'it adds capabilities',
    ),
    ...when(own?.procMount !== undefined && own.procMount !== 'Default', 'procMount must be Default'),
    ...when(
      (container.ports ?? []).some(({ hostPort }) => hostPort !== undefined && hostPort !== 0),
      'it takes a port of the host',
    ),
    ...when(own?.readOnlyRootFilesystem !== true, 'readOnlyRootFilesystem must be true'),
    ...when(
      container.resources?.requests?.['cpu'] === undefined ||
        container.resources.requests['memory'] === undefined ||
        container.resources.limits?.['memory'] === undefined,
      'resources must request cpu and memory, and limit memory',
    ),
  ];
};
