// docker-compose.yml asks for nothing that tools/compose-env.mjs does not make, and its keys are keys.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isWellFormedApiKey } from '@waystation/contracts';
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
