import { WaystationError } from '@waystation/contracts';
import { createLog, withoutSecrets } from './log.js';

const logged = (
  write: (log: ReturnType<typeof createLog>['root']) => void,
): { text: string; lines: Record<string, unknown>[] } => {
  let text = '';
  const log = createLog({
    service: 'ingress',
    release: 'r1',
    level: 'debug',
    tracing: false,
    to: { write: (line) => void (text += line) },
  });
  write(log.root);
  return {
    text,
    lines: text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
};

describe('log', () => {
  test('a line is JSON with level, time, service and release', () => {
    const { lines } = logged((log) => log.child({ instance: 'ingress-1' }).info({ requestId: 'req-1' }, 'hello'));
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        service: 'ingress',
        release: 'r1',
        instance: 'ingress-1',
        requestId: 'req-1',
        msg: 'hello',
      },
    ]);
  });

  test('once the instance has a name every line tells it, from loggers made before too', () => {
    let text = '';
    const to = { write: (line: string) => void (text += line) };
    const log = createLog({ service: 'worker', release: 'r1', level: 'info', tracing: false, to });
    const child = log.root.child({ app: 'x' });
    child.info('before');
    log.named('worker-1');
    child.info('after');
    expect(text.match(/"instance":"worker-1"/g)).toHaveLength(1);
    expect(text.split('\n')[1]).toContain('"instance":"worker-1"');
  });

  test('line breaks in any value cannot forge a second line', () => {
    const evil = 'x\n{"level":"fatal","msg":"forged"}\r\u2028y';
    const { text, lines } = logged((log) => log.warn({ model: evil, [`a${evil}`]: 1, err: new Error(evil) }, evil));
    expect(lines).toHaveLength(1);
    expect(text.split('\n')).toHaveLength(2);
    expect(lines[0]?.['msg']).toBe(evil);
  });

  test('fields that hold secrets are redacted by name, wherever they hang', () => {
    const { text } = logged((log) =>
      log.info({
        authorization: 'hunter2',
        apiKey: 'hunter2',
        nats: { password: 'hunter2' },
        headers: { authorization: 'hunter2', 'x-api-key': 'hunter2', cookie: 'hunter2' },
        request: { headers: { authorization: 'hunter2' } },
      }),
    );
    expect(text).not.toContain('hunter2');
    expect(text).toContain('[redacted]');
  });

  test.each([
    ['our keys', 'the key sk-way-v1-abcdefghijklmnop was refused', 'the key [redacted] was refused'],
    [
      "providers' keys",
      '{"error":"Incorrect API key provided: sk-proj-AbC_123456789."}',
      '{"error":"Incorrect API key provided: [redacted]."}',
    ],
    ['bearer values', 'header Authorization: Bearer eyJhbGciOi.J9.x-y_z', 'header Authorization: [redacted]'],
    [
      'passwords in URLs',
      'connect postgres://billing:s3cr+et@db:5432/x and nats://u:p@n',
      'connect postgres://billing:[redacted]@db:5432/x and nats://u:[redacted]@n',
    ],
    [
      'nothing else',
      'mail ann@example.com about task-list and http://host:80/a@b',
      'mail ann@example.com about task-list and http://host:80/a@b',
    ],
  ])('cuts %s out of the finished line', (_name, line, expected) => {
    expect(withoutSecrets(line)).toBe(expected);
  });

  test('an error is told with its code and every cause', () => {
    const cause = new AggregateError([
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' }),
    ]);
    const error = new WaystationError('internal', 'outer', { cause: new Error('middle', { cause }) });
    const { lines } = logged((log) => log.error({ err: error }, 'failed'));
    expect(lines[0]?.['err']).toMatchObject({
      type: 'WaystationError',
      code: 'internal',
      message: 'outer',
      stack: expect.stringContaining('log.test'),
      cause: {
        message: 'middle',
        cause: { errors: [{ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:5432' }] },
      },
    });
  });

  test('a chain of causes that goes round in a circle is cut', () => {
    const error = new Error('round');
    error.cause = error;
    expect(logged((log) => log.error({ err: error }, 'failed')).lines).toHaveLength(1);
  });
});
