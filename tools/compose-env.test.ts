// docker-compose.yml asks for nothing that tools/compose-env.mjs does not make, and its keys are keys.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isWellFormedApiKey } from '@waystation/contracts';
import { parse } from 'yaml';
import { repositoryRoot } from '../libs/testing/src/servers/paths.ts';

const script = path.join(repositoryRoot, 'tools/compose-env.mjs');
const made = (...args: string[]): Map<string, string> =>
  new Map(
    execFileSync(process.execPath, [script, ...args], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

test('every variable that the compose file requires is made', () => {
  const compose = readFileSync(path.join(repositoryRoot, 'docker-compose.yml'), 'utf8');
  const required = new Set([...compose.matchAll(/\$\{(\w+):\?/g)].map((match) => match[1]));
  expect([...required].filter((name) => !made().has(name ?? ''))).toEqual([]);
});

test('a demo has well-formed keys, and nothing else seeds any', () => {
  const demo = made('--demo');
  expect(
    [demo.get('WAYSTATION_SEED_API_KEY'), demo.get('WAYSTATION_SEED_MANAGEMENT_KEY')].map((key) =>
      isWellFormedApiKey(key ?? ''),
    ),
  ).toEqual([true, true]);
  expect([...made().keys()].filter((name) => /SEED|SANDBOX|MODE/.test(name))).toEqual([]);
});

test('what is brought up besides is what was asked for', () => {
  expect(made().has('COMPOSE_PROFILES')).toBe(false);
  expect(made('--demo').get('COMPOSE_PROFILES')).toBe('demo');
  const all = made('--demo', '--observe', '--load');
  expect(all.get('COMPOSE_PROFILES')).toBe('demo,observe,load');
  expect(all.get('OTEL_EXPORTER_OTLP_ENDPOINT')).toBe('http://otel-collector:4318');
  expect(all.get('GRAFANA_PASSWORD')).toMatch(/^p[0-9a-f]{36}$/);
});

interface ComposeService {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
}

const services = (): Readonly<Record<string, ComposeService>> =>
  (
    parse(readFileSync(path.join(repositoryRoot, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
      services: Record<string, ComposeService>;
    }
  ).services;

test('every foreign image is pinned to a release', () => {
  const images = Object.values(services()).flatMap(({ image }) => image ?? []);
  expect(images.length).toBeGreaterThan(8);
  expect(images.filter((image) => !/:v?\d[\w.-]*$/.test(image))).toEqual([]);
});

test('without a profile nothing of the demo, of the observability stack or of the load is there', () => {
  const plain = Object.entries(services()).filter(([, { profiles }]) => profiles === undefined);
  expect(plain.map(([name]) => name).sort()).toEqual(
    ['billing', 'control', 'ingress', 'logging', 'migrate', 'nats', 'postgres', 'router', 'worker'].sort(),
  );
});

test('every variable of ours that a service is given is one that some configuration reads', () => {
  const configs = [
    'libs/runtime',
    'apps/ingress',
    'apps/worker',
    'apps/billing',
    'apps/logging',
    'apps/control',
    'apps/sandbox',
  ]
    .map((folder) => readFileSync(path.join(repositoryRoot, folder, 'src/config.ts'), 'utf8'))
    .concat(
      readFileSync(path.join(repositoryRoot, 'apps/fused/src/config.ts'), 'utf8'),
      readFileSync(path.join(repositoryRoot, 'deploy/load/generate-load.mjs'), 'utf8'),
    )
    .join('\n');
  const given = Object.entries(services()).flatMap(([service, { environment = {} }]) =>
    Object.keys(environment)
      .filter((name) => /^(WAYSTATION|OTEL|LOAD)_/.test(name))
      .map((name) => [service, name] as const),
  );
  // URLs of a schema's roles are spelled by their parts.
  const isRead = (name: string): boolean =>
    configs.includes(name) || /^WAYSTATION_(BILLING|LOGGING|CONTROL)_(OWNER|WRITER|READER)_URL$/.test(name);
  expect(given.filter(([, name]) => !isRead(name))).toEqual([]);
});
