// Which program a container runs, by its arguments, and what that program reads of its environment: its own schema judges the values, and the text of its
// config.ts says which names it knows at all.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { billingConfig } from '../../apps/billing/src/config.ts';
import { controlConfig } from '../../apps/control/src/config.ts';
import { awaitSchemaConfig, migrateConfig } from '../../apps/fused/src/config.ts';
import { ingressConfig } from '../../apps/ingress/src/config.ts';
import { loggingConfig } from '../../apps/logging/src/config.ts';
import { sandboxConfig } from '../../apps/sandbox/src/config.ts';
import { workerConfig } from '../../apps/worker/src/config.ts';
import { readConfig, type ConfigFault } from '../../libs/runtime/src/config.ts';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';

export interface Program {
  readonly apps: readonly string[];
  /** Runs once and ends; it has no internal port. */
  readonly command: boolean;
  knows(variable: string): boolean;
  faultsOf(environment: Readonly<Record<string, string>>): readonly ConfigFault[];
}

const textOf = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');
const NAME = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g;
const ROLE_URLS = ['BILLING', 'LOGGING', 'CONTROL'].flatMap((schema) =>
  ['OWNER', 'WRITER', 'READER'].map((role) => `WAYSTATION_${schema}_${role}_URL`),
);
const namesIn = (...files: readonly string[]): Set<string> =>
  new Set(files.flatMap((file) => textOf(file).match(NAME) ?? []));

const CONFIGS: Readonly<Record<string, z.ZodType | undefined>> = {
  ingress: ingressConfig,
  router: undefined,
  worker: workerConfig,
  billing: billingConfig,
  logging: loggingConfig,
  control: controlConfig,
  sandbox: sandboxConfig,
};

const processOf = (...apps: readonly string[]): Program => {
  const known = namesIn(
    'libs/runtime/src/config.ts',
    'libs/runtime/src/proxies.ts',
    ...apps.filter((app) => CONFIGS[app] !== undefined).map((app) => `apps/${app}/src/config.ts`),
  );
  return {
    apps,
    command: false,
    knows: (variable) => known.has(variable),
    faultsOf(environment) {
      const definitions = apps.flatMap((name) => {
        const config = CONFIGS[name];
        return config === undefined ? [] : [{ name, config, module: () => NoModule }];
      });
      const outcome = readConfig(definitions, environment);
      return 'faults' in outcome ? outcome.faults : [];
    },
  };
};
/** Stands where Nest's module would; none is built here. */
class NoModule {}

const commandOf = (config: z.ZodType, names: readonly string[]): Program => ({
  apps: [],
  command: true,
  knows: (variable) => names.includes(variable),
  faultsOf(environment) {
    const { error } = config.safeParse(environment);
    return (error?.issues ?? []).map(({ path: [variable], message }) => ({
      variable: String(variable),
      problem: message,
    }));
  },
});

const FUSED = 'apps/fused/dist';
const PROGRAMS: ReadonlyMap<string, Program> = new Map([
  ...Object.keys(CONFIGS).map((app): [string, Program] => [`apps/${app}/dist/main.js`, processOf(app)]),
  [`${FUSED}/data-plane.main.js`, processOf('ingress', 'router', 'worker')],
  [`${FUSED}/back-office.main.js`, processOf('billing', 'logging', 'control')],
  [`${FUSED}/migrate.main.js`, commandOf(migrateConfig, ['WAYSTATION_POSTGRES_ADMIN_URL', ...ROLE_URLS])],
  [
    `${FUSED}/await-schema.main.js`,
    commandOf(
      awaitSchemaConfig,
      ROLE_URLS.filter((name) => name.includes('_READER_')),
    ),
  ],
]);

/** Undefined where the container runs none of ours. */
export const programOf = (args: readonly string[] | undefined): Program | undefined => PROGRAMS.get(args?.at(-1) ?? '');

/** Numbers that the manifests must fit, as the code has them. */
const numberIn = (file: string, name: string): number => {
  const found = new RegExp(`const ${name} = ([\\d_.]+);`).exec(textOf(file))?.[1];
  if (found === undefined) throw new Error(`${file} has no constant ${name} any more: say here where it went`);
  return Number(found.replaceAll('_', ''));
};
/** How long a generation may last. */
export const generationMs = (): number => numberIn('apps/ingress/src/ingress.ts', 'DEADLINE_MS');
/** Part of the grace in which running work must have ended. */
export const graceReserve = (): number => numberIn('libs/runtime/src/shutdown.ts', 'RESERVE');
/** Paths of the internal port. */
export const internalPaths = (): string[] =>
  [...textOf('libs/runtime/src/internal-http.ts').matchAll(/^ {4}'(\/\w+)':/gm)].map((match) => match[1] ?? '');
/** What the image gives Node before the program. */
export const imageFlags = (): string[] => {
  const found = /exec node (.*) \\?"\$WAYSTATION_ENTRY/.exec(textOf('deploy/Dockerfile'))?.[1];
  if (found === undefined) throw new Error('deploy/Dockerfile starts Node in another way than it did: say here how');
  return found.split(' ');
};
