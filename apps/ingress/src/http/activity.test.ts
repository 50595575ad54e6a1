// Activity, analytics, statements and exports over real HTTP: the reference's shapes, numbers exact, bad questions refused before anybody is asked.
import { expectDescribed } from '../test-edge/expect-described.js';
import { inferenceKey, managementKey } from '../test-edge/fixtures.js';
import { startIngress, type TestIngress } from '../test-edge/start-ingress.js';

let ingress: TestIngress;
beforeEach(async () => {
  ingress = await startIngress();
});
afterEach(async () => {
  await ingress.close();
});

interface Asked {
  readonly from: number;
  readonly to: number;
  readonly filters: unknown;
  readonly after?: string;
}

const get = async (path: string, key = managementKey) => {
  const response = await fetch(`${ingress.url}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  if (/^\/(activity|analytics)/.test(path)) expectDescribed('GET', response, JSON.parse(text));
  return { status: response.status, text, headers: response.headers };
};
const post = async (body: unknown) => {
  const response = await fetch(`${ingress.url}/api/v1/analytics/query`, {
    method: 'POST',
    headers: { authorization: `Bearer ${managementKey}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  expectDescribed('POST', response, JSON.parse(text));
  return { status: response.status, text };
};
const asked = (name: string): Asked[] =>
  ingress.bus.asked.filter((each) => each.name === name).map((each) => each.request as unknown as Asked);
const DAY_MS = 86_400_000;
const today = (): number => Date.now() - (Date.now() % DAY_MS);
const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10);

const row = (group: readonly (string | null)[], usage = '1234567890123') => ({
  ...{ group: [...group], usage, byokUsage: '1', requests: 3, promptTokens: 50, completionTokens: 125 },
  ...{ reasoningTokens: 25, cachedTokens: 5 },
});

describe('GET /activity', () => {
  beforeEach(() => {
    ingress.bus.rpc.set('billing.usage.query', ({ from }: Asked) => ({
      rows: [row([dayText(from), 'lab/small', 'alpha/lab/small', 'alpha'])],
      truncated: false,
    }));
  });

  it('answers the last 30 completed UTC days, exact to the picodollar', async () => {
    const { status, text } = await get('/activity');
    expect(status).toBe(200);
    const { data } = JSON.parse(text) as { data: { date: string }[] };
    expect(data.map(({ date }) => date)).toEqual(
      Array.from({ length: 30 }, (_, index) => dayText(today() - (index + 1) * DAY_MS)),
    );
    expect(data[0]).toEqual({
      date: dayText(today() - DAY_MS),
      model: 'lab/small',
      model_permaslug: 'lab/small',
      endpoint_id: 'alpha/lab/small',
      provider_name: 'ALPHA',
      usage: 1.234567890123,
      byok_usage_inference: 1e-12,
      requests: 3,
      prompt_tokens: 50,
      completion_tokens: 125,
      reasoning_tokens: 25,
    });
    expect(text).toContain('"usage":1.234567890123,"byok_usage_inference":0.000000000001,');
  });

  it('asks for one day, one key and one member, and splits by workspace', async () => {
    const date = dayText(today() - 30 * DAY_MS);
    const { text } = await get(
      `/activity?date=${date}&api_key_hash=${'a'.repeat(64)}&user_id=mem-1&group_by=workspace`,
    );
    expect(JSON.parse(text)).toMatchObject({ data: [{ date, workspace_id: 'default' }] });
    expect(asked('billing.usage.query')).toMatchObject([
      {
        from: today() - 30 * DAY_MS,
        to: today() - 29 * DAY_MS,
        filters: [
          { dimension: 'key', values: ['a'.repeat(64)] },
          { dimension: 'member', values: ['mem-1'] },
        ],
      },
    ]);
  });

  it.each([
    ['api_key_hash', 'key', 'a'.repeat(64)],
    ['user_id', 'member', 'mem-1'],
    ['app', 'app', 'https://app.example/a?b'],
    ['external_user', 'end_user', 'alice@example.com'],
    ['tag', 'tag', 'team/search@eu'],
  ])('filters by %s and splits by it', async (name, dimension, value) => {
    const date = dayText(today() - DAY_MS);
    ingress.bus.rpc.set('billing.usage.query', () => ({
      rows: [value, null].map((whom) => row([date, 'lab/small', 'alpha/lab/small', 'alpha', whom])),
      truncated: false,
    }));
    const query = new URLSearchParams({ date, group_by: name, [name]: value });
    const { data } = JSON.parse((await get(`/activity?${query.toString()}`)).text) as {
      data: Record<string, unknown>[];
    };
    expect(data.map((item) => item[name])).toEqual([value, null]);
    expect(asked('billing.usage.query')).toMatchObject([
      {
        groupBy: ['day', 'model', 'endpoint', 'provider', dimension],
        filters: [{ dimension, values: [value] }],
      },
    ]);
  });

  it('says what to ask for where there are too many rows', async () => {
    ingress.bus.rpc.set('billing.usage.query', () => ({ rows: [], truncated: true }));
    const { status, text } = await get('/activity?group_by=external_user');
    expect([status, text]).toEqual([422, expect.stringContaining('ask for one key, member, app, end user or tag')]);
  });

  it.each([
    ['today', () => `date=${dayText(today())}`, 400],
    ['a day 31 days ago', () => `date=${dayText(today() - 31 * DAY_MS)}`, 400],
    ['no day', () => 'date=2026-13-01', 400],
    ['a day that February has not', () => 'date=2026-02-30', 400],
    ['no hash', () => 'api_key_hash=abc', 400],
    ['a parameter twice', () => 'user_id=a&user_id=b', 400],
    ['another grouping', () => 'group_by=key', 400],
    ['an inherited grouping', () => 'group_by=toString', 400],
    ['a tag that no call can carry', () => 'tag=a%2C+b', 400],
    ['an app with too long a name', () => `app=${'a'.repeat(513)}`, 400],
    ["somebody else's workspace", () => 'workspace_id=other', 404],
  ])('refuses %s', async (_what, query, status) => {
    expect((await get(`/activity?${query()}`)).status).toBe(status);
    expect(asked('billing.usage.query')).toEqual([]);
  });

  it('is for management keys', async () => {
    const { status, text } = await get('/activity', inferenceKey);
    expect([status, text]).toEqual([403, expect.stringContaining('Only management keys can perform this operation')]);
  });
});

describe('POST /analytics/query', () => {
  beforeEach(() => {
    ingress.bus.rpc.set('billing.usage.query', () => ({ rows: [row(['2025-01-01', null])], truncated: true }));
  });

  it("answers rows under the reference's names", async () => {
    const { status, text } = await post({
      metrics: ['request_count', 'total_usage'],
      dimensions: ['user'],
      granularity: 'day',
      time_range: { start: '2025-01-01T00:00:00Z', end: '2025-01-08T00:00:00Z' },
      filters: [{ field: 'model', operator: 'not_in', value: ['a/b'], include_unset: true }],
      order_by: { field: 'request_count', direction: 'desc' },
      limit: 100,
    });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      data: {
        data: [{ date__day: '2025-01-01T00:00:00.000Z', user: null, request_count: 3, total_usage: 1.234567890123 }],
        metadata: { query_time_ms: expect.any(Number) as unknown, row_count: 1, truncated: true },
      },
    });
    expect(asked('billing.usage.query')).toMatchObject([
      {
        from: Date.parse('2025-01-01T00:00:00Z'),
        to: Date.parse('2025-01-08T00:00:00Z'),
        groupBy: ['day', 'member'],
        filters: [{ dimension: 'model', values: ['a/b'], not: true, unset: true }],
        orderBy: { field: 'requests', descending: true },
        limit: 100,
      },
    ]);
  });

  it.each([
    ['no JSON', '{', 'not valid JSON'],
    ['no metric', {}, 'metrics: '],
    ['an unknown metric', { metrics: ['latency'] }, 'metrics.0: Expected one of request_count'],
    ['an inherited name', { metrics: ['toString'] }, 'metrics.0: '],
    [
      'an unknown dimension',
      { metrics: ['request_count'], dimensions: ['colour'] },
      'dimensions.0: Expected one of model',
    ],
    ['three dimensions', { metrics: ['request_count'], dimensions: ['model', 'app', 'user'] }, 'dimensions: '],
    ['minutes', { metrics: ['request_count'], granularity: 'minute' }, 'granularity: '],
    ['an unknown field', { metrics: ['request_count'], classifier_filters: {} }, 'body: '],
    [
      'a list for eq',
      { metrics: ['request_count'], filters: [{ field: 'model', operator: 'eq', value: ['x'] }] },
      'filters: ',
    ],
    [
      'an order by nothing asked',
      { metrics: ['request_count'], order_by: { field: 'model', direction: 'asc' } },
      'order_by: ',
    ],
    [
      'an end before the start',
      { metrics: ['request_count'], time_range: { start: '2025-01-02T00:00:00Z', end: '2025-01-01T00:00:00Z' } },
      'time_range: ',
    ],
  ])('refuses %s', async (_what, body, message) => {
    const { status, text } = await post(body);
    expect([status, text]).toEqual([400, expect.stringContaining(message)]);
    expect(asked('billing.usage.query')).toEqual([]);
  });

  it('says what can be asked', async () => {
    const { data } = JSON.parse((await get('/analytics/meta')).text) as { data: Record<string, { name: string }[]> };
    expect(Object.keys(data)).toEqual(['metrics', 'dimensions', 'operators', 'granularities']);
    for (const { name } of data['metrics'] ?? []) expect((await post({ metrics: [name] })).status).toBe(200);
    for (const { name } of data['dimensions'] ?? [])
      expect((await post({ metrics: ['request_count'], dimensions: [name] })).status).toBe(200);
  });
});

describe('GET /statements/{month}', () => {
  it.each([
    ['', 'json', 'application/json; charset=utf-8'],
    ['?format=csv', 'csv', 'text/csv; charset=utf-8'],
    ['?format=html', 'html', 'text/html; charset=utf-8'],
  ])('%s answers %s', async (query, format, type) => {
    ingress.bus.rpc.set('billing.statement.get', (request: { format: string }) => ({
      text: `as ${request.format}`,
      closed: true,
      hash: 'ab',
    }));
    const { status, text, headers } = await get(`/statements/2026-10${query}`);
    expect([status, text, headers.get('content-type')]).toEqual([200, `as ${format}`, type]);
    expect([headers.get('x-statement-closed'), headers.get('x-statement-sha256')]).toEqual(['true', 'ab']);
  });

  it.each(['/statements/2026-13', '/statements/2026', '/statements/2026-10?format=pdf', '/exports/focus/october'])(
    '%s is refused',
    async (path) => {
      expect((await get(path)).status).toBe(400);
      expect(ingress.bus.asked).toEqual([]);
    },
  );
});

describe('GET /exports/focus/{month}', () => {
  it('sends part after part behind one header', async () => {
    ingress.bus.rpc.set('billing.focus.export', ({ after }: Asked) =>
      after === undefined
        ? { header: 'A,B\r\n', lines: '1,2\r\n', next: 'x' }
        : { header: 'A,B\r\n', lines: '3,4\r\n' },
    );
    const { status, text, headers } = await get('/exports/focus/2026-10');
    expect([status, text]).toEqual([200, 'A,B\r\n1,2\r\n3,4\r\n']);
    expect(headers.get('content-disposition')).toBe('attachment; filename="focus-2026-10.csv"');
  });

  it('ends the connection where a later part fails, so that nobody takes it for the whole', async () => {
    ingress.bus.rpc.set('billing.focus.export', ({ after }: Asked) => {
      if (after !== undefined) throw new Error('away');
      return { header: 'A\r\n', lines: '1\r\n', next: 'x' };
    });
    await expect(get('/exports/focus/2026-10')).rejects.toThrow();
  });

  it('answers an error where the first part fails', async () => {
    expect((await get('/exports/focus/2026-10')).status).toBe(503);
  });
});
