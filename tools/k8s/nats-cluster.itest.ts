// What overlays/prod asks of NATS, with three real servers: TLS that clients check, the users of accounts.conf, three copies of every stream and bucket, and work that
// goes on while one server is away.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectRaw, type NatsConnection } from '@nats-io/transport-node';
import { SUBJECTS } from '../../libs/contracts/src/subjects.ts';
import { connectBus, provisionStreams, type Bus } from '../../libs/bus/src/index.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../../libs/bus/src/connection/test-certificate.ts';
import { startChild, type Child } from '../../libs/testing/src/servers/child.ts';
import { freePort } from '../../libs/testing/src/servers/free-port.ts';
import { natsBinary } from '../../libs/testing/src/servers/nats-binary.ts';
import { ACCOUNTS_FILE } from '../../libs/testing/src/servers/nats-server.ts';
import { NATS_SERVICES } from '../../libs/testing/src/servers/nats-services.ts';

const SERVERS = 3;
const PASSWORD = 'p1';
const STREAMS = ['FACTS', 'TRAIL', 'KV_keys', 'KV_policies', 'KV_catalog', 'KV_credentials', 'KV_workspaces'];

let folder: string;
let caFile: string;
let ports: number[];
let servers: Child[] = [];
let raw: NatsConnection;
const buses: Bus[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'waystation-nats-cluster-'));
  caFile = path.join(folder, 'ca.crt');
  await Promise.all([
    writeFile(caFile, TEST_CERTIFICATE),
    writeFile(path.join(folder, 'tls.crt'), TEST_CERTIFICATE),
    writeFile(path.join(folder, 'tls.key'), TEST_KEY, { mode: 0o600 }),
  ]);
  const numbers = Array.from({ length: SERVERS }, (_, index) => index);
  ports = await Promise.all(numbers.map(() => freePort()));
  const routes = await Promise.all(numbers.map(() => freePort()));
  const binary = await natsBinary();
  servers = await Promise.all(
    numbers.map(async (index) => {
      const file = path.join(folder, `server-${index}.conf`);
      const tls = '{ cert_file: "tls.crt", key_file: "tls.key", ca_file: "ca.crt" }'.replaceAll(
        /"(tls|ca)/g,
        `"${folder}/$1`,
      );
      await writeFile(
        file,
        [
          `host: "127.0.0.1"`,
          `port: ${ports[index]}`,
          `server_name: "nats-${index}"`,
          `jetstream { store_dir: "${folder}/js-${index}" }`,
          `tls ${tls}`,
          `cluster { name: "nats", listen: "127.0.0.1:${routes[index]}", no_advertise: true, tls ${tls}, routes: [${routes.map((port) => `"tls://127.0.0.1:${port}"`).join(', ')}] }`,
          `include "${path.relative(folder, ACCOUNTS_FILE)}"`,
        ].join('\n'),
      );
      const passwords = NATS_SERVICES.map((user) => [
        `NATS_PASSWORD_${user.toUpperCase().replaceAll('-', '_')}`,
        PASSWORD,
      ]);
      return startChild(binary, ['-c', file], {
        env: { PATH: '/usr/bin:/bin', ...(Object.fromEntries(passwords) as Record<string, string>) },
        logFile: path.join(folder, `server-${index}.log`),
      });
    }),
  );
  raw = await connectRaw({
    servers: ports.map((port) => `127.0.0.1:${port}`),
    user: 'operator',
    pass: PASSWORD,
    tls: { caFile },
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
  });
}, 180_000);
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close(500)));
  await raw.close();
  await Promise.all(servers.map((server) => server.kill()));
  await rm(folder, { recursive: true, force: true });
});

/** Until it answers as wanted: elections take their time. */
const ask = async (
  subject: string,
  fits: (answer: Record<string, unknown>) => boolean,
  payload?: string,
): Promise<Record<string, unknown>> => {
  for (;;) {
    const answer = await raw
      .request(subject, payload, { timeout: 2_000 })
      .then((reply) => reply.json<Record<string, unknown>>())
      .catch(() => undefined);
    if (answer !== undefined && fits(answer)) return answer;
    await sleep(100);
  }
};
const fine = (answer: Record<string, unknown>): boolean => answer['error'] === undefined;

test('services make what is theirs in three copies, over TLS, and one server may go', async () => {
  await ask('$JS.API.INFO', fine);
  const url = ports.map((port) => `tls://127.0.0.1:${port}`).join(',');
  for (const service of ['billing', 'logging', 'control']) {
    const login = { url, user: service, password: PASSWORD, service, services: [service], release: 'test' };
    const times = { journalAckTimeoutMs: 30_000 };
    const bus = await connectBus({ ...login, tls: { caFile }, streamReplicas: SERVERS, times });
    buses.push(bus);
    await provisionStreams(bus);
  }
  for (const stream of STREAMS) {
    const { config, cluster } = await ask(`$JS.API.STREAM.INFO.${stream}`, fine);
    expect(config).toMatchObject({ num_replicas: SERVERS });
    expect((cluster as { replicas: unknown[] }).replicas).toHaveLength(SERVERS - 1);
  }

  await servers[0]?.kill();
  expect(await ask(SUBJECTS.moneyFact('test'), fine, '{}')).toMatchObject({ stream: 'FACTS' });
  for (const bus of buses) while (bus.state !== 'connected') await sleep(50);
}, 180_000);

test('a client that does not know the authority is not connected', async () => {
  const login = { user: 'billing', password: PASSWORD, service: 'billing', services: [], release: 'test' };
  await expect(
    connectBus({ ...login, url: `tls://127.0.0.1:${ports[1]}`, connectTimeoutMs: 1_000 }),
  ).rejects.toMatchObject({ code: 'bus_unavailable' });
}, 20_000);
