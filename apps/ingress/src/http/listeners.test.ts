// Two listeners over real sockets: each route is answered where the table says and nowhere else, whatever key comes with it; limits are the same at both.
import { once } from 'node:events';
import { connect } from 'node:net';
import { LISTENERS, ROUTES, listenersOf, type Listener, type Route } from './routes.js';
import { inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let two: TestIngress;
let one: TestIngress;
/** Two listeners that do not wait for long. */
let hasty: TestIngress;
beforeAll(async () => {
  two = await startIngress({ management: true });
  one = await startIngress();
  hasty = await startIngress({ management: true, requestMs: 500, looksEveryMs: 50 });
});
afterAll(() => Promise.all([two, one, hasty].map((each) => each.close())));

const portOf = (listener: Listener, ingress = two): number =>
  listener === 'inference' ? ingress.port : ingress.managementPort;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly allow: string | null;
}
const call = async (port: number, method: string, path: string, key?: string): Promise<Answer> => {
  const concrete = path
    .replace(':hash', '0'.repeat(64))
    .replace(':author', 'lab')
    .replace(':slug', 'small')
    .replace(':file', 'console.css');
  const response = await fetch(`http://127.0.0.1:${port}${concrete}`, {
    method,
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    ...(method === 'GET' || method === 'DELETE' ? {} : { body: '{}' }),
  });
  return { status: response.status, text: await response.text(), allow: response.headers.get('allow') };
};
const messageOf = ({ text }: Answer): string =>
  /^\{"(?:error|type)"/.test(text) ? (JSON.parse(text) as { error: { message: string } }).error.message : '';

const ELSEWHERE: Readonly<Record<Listener, string>> = {
  inference: 'Not Found: this address serves inference; what manages the station is served at another one',
  management: 'Not Found: this address serves what manages the station; inference is served at another one',
};

const NOT_FOUND = /^Not Found: (this address|there is nothing)/;

/** Where each route that is not for one kind of key alone is, said once more, by hand. */
const PUBLIC_OR_ANY: readonly (readonly [RegExp, readonly Listener[]])[] = [
  [/^POST \S*\/webhooks\/stripe$/, ['inference']],
  [/^GET \/console(\/:file)?$/, ['management']],
  [/^GET (\/docs|\S*\/openapi\.json)$/, LISTENERS],
  [/^GET (\/api)?\/v1\/(models?|embeddings\/models|images\/models|endpoints\/zdr|providers)(\/|$)/, LISTENERS],
  [/^GET \S*\/(key|auth\/key|generation|generation\/decision)$/, LISTENERS],
  [/^GET \S*\/presets(\/:slug(\/versions(\/:version)?)?)?$/, LISTENERS],
];
const expected = ({ method, path, access }: Route): readonly Listener[] =>
  access === 'inference' || access === 'management'
    ? [access]
    : (PUBLIC_OR_ANY.find(([pattern]) => pattern.test(`${method} ${path}`))?.[1] ?? []);

const KEYS = [undefined, inferenceKey, managementKey, 'sk-way-v1-nobody'];

test.each(ROUTES.map((route) => ({ ...route, route })))(
  '$method $path ($access) is answered where the table says, and elsewhere alike for every key and for none',
  async ({ method, path, route }) => {
    expect(listenersOf(route)).toEqual(expected(route));
    expect(listenersOf(route)).not.toEqual([]);
    for (const listener of LISTENERS) {
      if (listenersOf(route).includes(listener)) {
        expect(messageOf(await call(portOf(listener), method, path, managementKey))).not.toMatch(NOT_FOUND);
        continue;
      }
      const answers = await Promise.all(KEYS.map((key) => call(portOf(listener), method, path, key)));
      for (const answer of answers)
        expect({ status: answer.status, message: messageOf(answer) }).toEqual({
          status: 404,
          message: ELSEWHERE[listener],
        });
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    }
    expect(messageOf(await call(one.port, method, path, managementKey))).not.toMatch(NOT_FOUND);
  },
);

describe('what has no route', () => {
  it('is told apart from what is elsewhere, and methods are those of this listener', async () => {
    expect(messageOf(await call(two.port, 'DELETE', '/api/v1/keys'))).toBe(ELSEWHERE.inference);
    expect(messageOf(await call(two.managementPort, 'DELETE', '/api/v1/chat/completions'))).toBe(ELSEWHERE.management);
    expect(messageOf(await call(two.port, 'GET', '/api/v1/nothing'))).toBe('Not Found: there is nothing at this path');
    // PATCH is management's, GET both's.
    expect(await call(two.port, 'DELETE', '/api/v1/presets/mine')).toMatchObject({ status: 405, allow: 'GET' });
    expect(await call(two.managementPort, 'DELETE', '/api/v1/presets/mine')).toMatchObject({
      status: 405,
      allow: 'GET, PATCH',
    });
  });

  it('speaks the dialect of the path', async () => {
    const { status, text } = await call(two.managementPort, 'POST', '/api/v1/messages', inferenceKey);
    expect({ status, body: JSON.parse(text) as unknown }).toMatchObject({
      status: 404,
      body: { type: 'error', error: { type: 'not_found_error', message: ELSEWHERE.management } },
    });
  });
});

const raw = async (port: number, text: string): Promise<string> => {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let answer = '';
  socket.on('data', (chunk: string) => (answer += chunk)).on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answer;
};

describe.each(LISTENERS)('the listener of %s', (listener) => {
  it('takes headers up to the same size', async () => {
    const answer = await raw(
      portOf(listener),
      `GET /api/v1/models HTTP/1.1\r\nhost: a\r\nx-large: ${'x'.repeat(40_000)}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('larger than 32768 bytes');
  });

  it('waits for a request as long', async () => {
    const answer = await raw(portOf(listener, hasty), 'GET /api/v1/models HTTP/1.1\r\nhost: a\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('answers what is no HTTP in the shape of the API', async () => {
    const answer = await raw(portOf(listener), 'hello\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"message":"The request is not valid HTTP\."/);
  });

  it('keeps a connection for further requests, and knows it again at each', async () => {
    const path = listener === 'inference' ? '/api/v1/credits' : '/api/v1/completions';
    const ask = (connection: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: ${connection}\r\n\r\n`;
    const answer = await raw(portOf(listener), `${ask('keep-alive')}${ask('close')}`);
    expect(answer.match(/HTTP\/1\.1 404 /g)).toHaveLength(2);
    expect(answer.split(ELSEWHERE[listener])).toHaveLength(3);
  });
});
