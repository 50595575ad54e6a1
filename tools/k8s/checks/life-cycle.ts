// Pods of ours start, are asked how they are, and end, as the code does: probes at the port and paths that it has, and a grace in which every generation can end.
import { podsOf, type Finding, type KubernetesObject, type Pod } from '../objects.ts';
import { generationMs, graceReserve, imageFlags, internalPaths, programOf, type Program } from '../programs.ts';
import { environmentOf } from './environment.ts';

/** From the end of the program's grace until the kubelet kills it. */
const MARGIN_MS = 5_000;
/** Those that hold what clients wait for. */
const HOLD_STREAMS = new Set(['ingress', 'worker']);

export const checkLifeCycle = (objects: readonly KubernetesObject[]): Finding[] =>
  podsOf(objects).flatMap((pod) =>
    pod.spec.containers.flatMap((container) => {
      const program = programOf(container.args);
      if (program === undefined || program.command) return [];
      const environment = environmentOf(container, objects);
      return [
        ...probes(container, environment, program),
        ...ending(pod, container, environment, program),
        ...start(container),
      ].map((message) => ({ object: pod.owner, message }));
    }),
  );

type Container = Pod['spec']['containers'][number];
type Environment = Readonly<Record<string, string>>;

const EXPECTED = { startupProbe: '/healthz', livenessProbe: '/healthz', readinessProbe: '/readyz' } as const;

const probes = (container: Container, environment: Environment, { apps }: Program): string[] => {
  const paths = internalPaths();
  const portOf = (port: string | number | undefined): number | undefined =>
    typeof port === 'number' ? port : container.ports?.find(({ name }) => name === port)?.containerPort;
  const internal = Number(environment['WAYSTATION_INTERNAL_PORT']);
  return [
    ...(['startupProbe', 'livenessProbe', 'readinessProbe'] as const).flatMap((kind) => {
      const asked = container[kind]?.httpGet;
      if (asked === undefined) return [`it has no ${kind}`];
      return [
        ...(asked.path === EXPECTED[kind] && paths.includes(EXPECTED[kind])
          ? []
          : [`${kind} asks ${asked.path}; it must be ${EXPECTED[kind]}, of ${paths.join(', ')}`]),
        ...(portOf(asked.port) === internal
          ? []
          : [`${kind} asks port ${asked.port}, and the program listens on ${internal}`]),
      ];
    }),
    ...(environment['WAYSTATION_INTERNAL_HOST'] === '0.0.0.0' ? [] : ['the kubelet cannot reach its internal port']),
    ...(!apps.includes('ingress') || portOf('http') === Number(environment['WAYSTATION_PORT'])
      ? []
      : [`its port http is ${portOf('http')}, and the program listens on ${environment['WAYSTATION_PORT']}`]),
    ...(String(portOf('management') ?? '') === (environment['WAYSTATION_MANAGEMENT_PORT'] ?? '')
      ? []
      : [
          `its port management is ${portOf('management') ?? 'missing'}, and the program listens on ${environment['WAYSTATION_MANAGEMENT_PORT'] ?? 'no such port'}`,
        ]),
  ];
};

const ending = ({ spec }: Pod, { lifecycle }: Container, environment: Environment, { apps }: Program): string[] => {
  const graceMs = Number(environment['WAYSTATION_SHUTDOWN_GRACE_MS'] ?? '25000');
  const sleepMs = (lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000;
  const waitsMs = (spec.terminationGracePeriodSeconds ?? 30) * 1000;
  const workMs = graceMs * (1 - graceReserve());
  const production = environment['WAYSTATION_MODE'] !== 'development';
  return [
    ...(waitsMs >= sleepMs + graceMs + MARGIN_MS
      ? []
      : [
          `terminationGracePeriodSeconds ends it after ${waitsMs} ms, and it needs ${sleepMs + graceMs + MARGIN_MS} ms`,
        ]),
    ...(production && apps.some((app) => HOLD_STREAMS.has(app)) && workMs < generationMs()
      ? [`its grace leaves ${workMs} ms for running work, and a generation may last ${generationMs()} ms`]
      : []),
    ...(apps.includes('ingress') && sleepMs === 0 ? ['balancers need a preStop.sleep to learn that it goes'] : []),
  ];
};

const start = ({ args = [] }: Container): string[] => {
  const flags = imageFlags();
  const given = args.slice(0, -1);
  return given.join(' ') === flags.join(' ')
    ? []
    : [`its arguments before the program are ${given.join(' ')}, and the image's are ${flags.join(' ')}`];
};
