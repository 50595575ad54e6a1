// The reference document is valid, whole, and says of each route what the table of routes says.
import { ERRORS } from '@waystation/contracts';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ROUTES } from '../http/routes.js';
import { API_ROUTES } from './api-routes.js';
import { describeApi } from './describe-api.js';
import { OPERATIONS } from './operations.js';

interface Told {
  readonly operationId?: string;
  readonly security: readonly object[];
  readonly parameters?: readonly Readonly<Record<string, unknown>>[];
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Told>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, { readonly description?: string }>>>>;
}

const document = JSON.parse(JSON.stringify(describeApi())) as Document;
const told = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => method !== 'servers')
    .map(([method, operation]) => ({ key: `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`, operation })),
);
const toldOf = (key: string): Told => {
  const found = told.find((each) => each.key === key);
  if (found === undefined) throw new Error(`the document has no ${key}`);
  return found.operation;
};

test('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate({ ...document });
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

test('a document that is not valid is told from one that is', async () => {
  const broken = { ...document, paths: { '/keys': { get: { responses: { 200: {} } } } } };
  expect((await new Validator().validate(broken)).valid).toBe(false);
});

test('every route is in it once, and nothing that is no route', () => {
  expect(told.map(({ key }) => key).sort()).toEqual(API_ROUTES.map(({ key }) => key).sort());
  expect(API_ROUTES.length + API_ROUTES.filter(({ inApi }) => inApi).length).toBe(ROUTES.length);
});

test('every route is described', () => {
  expect(API_ROUTES.map(({ key }) => key).filter((key) => OPERATIONS[key] === undefined)).toEqual([]);
});

test('nothing is described that has no route', () => {
  const keys = new Set(API_ROUTES.map(({ key }) => key));
  expect(Object.keys(OPERATIONS).filter((key) => !keys.has(key))).toEqual([]);
});

test('no two operations have one name', () => {
  const ids = told.map(({ operation }) => operation.operationId).filter((id) => id !== undefined);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toContain('createChatCompletion');
});

test('every reference leads somewhere', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
  expect(refs.length).toBeGreaterThan(100);
  expect(JSON.stringify(document).match(/"\$ref":"(?!#\/components\/)[^"]*"/g)).toBeNull();
  expect(refs.filter(([, kind = '', name = '']) => document.components[kind]?.[name] === undefined)).toEqual([]);
});

test.each(API_ROUTES.map(({ key, access }) => [key, access] as const))('%s is told to be for: %s', (key, access) => {
  expect(toldOf(key).security).toEqual(access === 'public' ? [] : [{ bearer: [] }, { apiKey: [] }]);
  expect(Object.hasOwn(toldOf(key).responses, '401')).toBe(access !== 'public');
});

test('what runs a model takes a name for the request and labels, and tells of every status that it can end with', () => {
  const { parameters = [], responses } = toldOf('POST /chat/completions');
  expect(parameters.map((each) => each['$ref'])).toEqual(
    expect.arrayContaining(['#/components/parameters/Idempotency-Key', '#/components/parameters/X-Waystation-Tags']),
  );
  expect(responses['200']).toMatchObject({
    headers: { 'X-Generation-Id': { $ref: '#/components/headers/X-Generation-Id' } },
  });
  expect(Object.keys(responses)).toEqual(
    expect.arrayContaining(['400', '402', '409', '413', '429', '502', '503', '504']),
  );
});

test('Messages speaks its own errors', () => {
  expect(toldOf('POST /messages').responses['402']).toEqual({ $ref: '#/components/responses/Status402InMessages' });
  expect(toldOf('POST /chat/completions').responses['402']).toEqual({ $ref: '#/components/responses/Status402' });
});

test('every code that a client can be told stands at its status', () => {
  const untold = ['passed_over', 'cancelled', 'client_closed_request', 'bad_message', 'unknown_version'];
  for (const [code, { status }] of Object.entries(ERRORS)) {
    const description = document.components['responses']?.[`Status${status}`]?.description ?? '';
    expect([code, description.includes(`\`${code}\``)]).toEqual([code, !untold.includes(code)]);
  }
});

test('the path parameters of an operation are those of its path', () => {
  const names = (toldOf('PUT /workspaces/:id/budgets/:interval').parameters ?? []).map(({ name }) => name);
  expect(names).toEqual(['id', 'interval']);
});
