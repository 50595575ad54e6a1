// `node tools/compose-env.mjs > .env`: every secret that docker-compose.yml asks for, made at random. `--demo` adds development mode, the sandbox and
// seeded keys, `--observe` the collector and Grafana, `--load` steady traffic (with `--demo`). Any Node ≥ 20 runs it; nothing needs to be installed.
import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Begins with a letter: NATS would read digits out of its configuration as a number. */
const password = () => `p${randomBytes(18).toString('hex')}`;

/** `sk-way-v1-`, 40 random letters, and the CRC-32 of both as six letters: see libs/contracts/src/api-key.ts. */
function apiKey() {
  const body = `sk-way-v1-${Array.from({ length: 40 }, () => LETTERS[randomInt(62)]).join('')}`;
  let rest = crc32(body);
  let checksum = '';
  for (let at = 0; at < 6; at += 1) {
    checksum = LETTERS[rest % 62] + checksum;
    rest = Math.floor(rest / 62);
  }
  return body + checksum;
}

const { x, d } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
const users = ['INGRESS', 'ROUTER', 'WORKER', 'BILLING', 'LOGGING', 'CONTROL', 'DATA_PLANE', 'BACK_OFFICE', 'OPERATOR'];
const roles = ['BILLING', 'LOGGING', 'CONTROL'].flatMap((service) =>
  ['OWNER', 'WRITER', 'READER'].map((role) => `${service}_${role}`),
);
const variables = {
  POSTGRES_PASSWORD: password(),
  ...Object.fromEntries(roles.map((role) => [`${role}_PASSWORD`, password()])),
  ...Object.fromEntries(users.map((user) => [`NATS_PASSWORD_${user}`, password()])),
  WAYSTATION_WORKER_PRIVATE_KEY: d,
  WAYSTATION_WORKER_PUBLIC_KEY: x,
};
const demo = {
  WAYSTATION_MODE: 'development',
  WAYSTATION_SANDBOX_URL: 'http://sandbox:4010',
  WAYSTATION_SEED_API_KEY: apiKey(),
  WAYSTATION_SEED_MANAGEMENT_KEY: apiKey(),
};
const observe = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otel-collector:4318', GRAFANA_PASSWORD: password() };
const profiles = ['demo', 'observe', 'load'].filter((profile) => process.argv.includes(`--${profile}`));
const wanted = {
  ...variables,
  ...(profiles.includes('demo') ? demo : {}),
  ...(profiles.includes('observe') ? observe : {}),
  ...(profiles.length > 0 ? { COMPOSE_PROFILES: profiles.join(',') } : {}),
};
console.log(
  Object.entries(wanted)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n'),
);
