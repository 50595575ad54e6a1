// The reference document: OpenAPI 3.1, generated from the table of routes, the schemas that bodies are read with, and what is written beside both.
// Pure: the same code gives the same document, byte for byte. https://spec.openapis.org/oas/v3.1.1
import { ERRORS } from '@waystation/contracts';
import { DIALECT_SCHEMAS, schemaRef } from '@waystation/dialects';
import { z } from 'zod';
import { API_PREFIXES } from '../http/routes.js';
import { API_ROUTES, type ApiRoute } from './api-routes.js';
import { TAGS, type Operation, type Schema, type SchemaData } from './operation.js';
import { OPERATIONS } from './operations.js';

const PARAMETERS: Readonly<Record<string, string>> = {
  author: 'Author of the model',
  slug: 'The model by its author’s name for it, with a variant if any',
  hash: 'SHA-256 of the key, in hexadecimal',
  id: 'Id, as lists and answers name it; of a workspace also its slug',
  month: '`YYYY-MM`, in UTC',
  interval: '`daily`, `weekly`, `monthly` or `lifetime`',
  member: 'Id of the member',
  file: 'Name of the file',
};

const REQUEST_HEADERS: Readonly<Record<string, string>> = {
  'Idempotency-Key': 'A name for this request, so that sending it twice does it once (within 24 hours)',
  'X-Waystation-Tags': 'Up to 8 labels, separated by commas, for limits and reports',
  'X-Waystation-Hedge':
    'Milliseconds (1 to 60000) without a first byte after which a second endpoint of the model is asked, too; the quicker one serves, and is the only one that is charged. Where the operator allows it; text only',
  'X-Session-Id': 'The conversation, where the body does not name it',
  'X-OpenRouter-Cache':
    '`true`: where the same request was answered before, give that answer again, without a charge; and let this one be kept. At chat completions, responses, messages and embeddings; never under zero data retention',
  'X-OpenRouter-Cache-TTL': 'Seconds for which the answer may be kept: 1 to 86400, 300 where nothing is said',
  'X-OpenRouter-Cache-Clear': '`true`: forget what is kept for this request, and make it anew',
  'HTTP-Referer': 'Address of the calling application',
  'X-OpenRouter-Title': 'Name of the calling application; also `X-Title`',
  'X-Request-Id': 'An id of your own for logs; one is made where it is absent',
};
const HEADERS_OF = {
  generation: Object.keys(REQUEST_HEADERS),
  idempotent: ['Idempotency-Key'],
  other: [],
} as const;

const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  'X-Generation-Id': 'Id of the generation, for `GET /generation`',
  'X-Request-Id': 'Id of the request, for logs',
  'X-Waystation-Output-Cap': 'Output tokens that the hold of this call allows for, where it set the cap',
  'X-OpenRouter-Cache-Status': '`HIT` or `MISS`, where the cache was asked for and nothing forbids it',
  'X-OpenRouter-Cache-TTL': 'Seconds for which the answer is kept, or still is',
  'X-OpenRouter-Cache-Age': 'Seconds since an answer that was given again was made',
  'X-OpenRouter-Cache-Source-Id': 'The generation that it was made for',
  'Retry-After': 'Seconds after which it is worth asking again',
  'X-RateLimit-Limit': 'What the quota that refused allows',
  'X-RateLimit-Remaining': 'What is left of it',
  'X-RateLimit-Reset': 'When it starts anew, in Unix milliseconds',
};

const CACHE_HEADERS = Object.keys(ANSWER_HEADERS).filter((name) => name.startsWith('X-OpenRouter-Cache'));

const KEYS_OF = {
  public: undefined,
  'any-key': 'Takes any key.',
  inference: 'Takes a key for inference.',
  management: 'Takes a management key.',
} as const;

/** Codes that end a request before or beside the answer, by status. Never told to a client: what ends an attempt only, and to nobody who left. */
const NEVER_TOLD: ReadonlySet<string> = new Set([
  'passed_over',
  'cancelled',
  'client_closed_request',
  'bad_message',
  'unknown_version',
]);
const CODES: ReadonlyMap<number, readonly string[]> = Map.groupBy(
  Object.keys(ERRORS).filter((code) => !NEVER_TOLD.has(code)),
  (code) => ERRORS[code as keyof typeof ERRORS].status,
);

class Components {
  readonly schemas: Record<string, unknown> = { ...DIALECT_SCHEMAS };

  /** Schemas with an id go to the components, and are referred to. */
  add(schema: Schema, io: 'input' | 'output'): unknown {
    if (!(schema instanceof z.ZodType)) return schema;
    const { $defs = {}, ...whole } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      // A new member of an answer is compatible, so that none is promised to stay away.
      override: ({ jsonSchema }) => {
        if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      },
    });
    for (const [name, each] of Object.entries($defs)) {
      const named = located(without(each, ['id', '$id']));
      if (JSON.stringify(this.schemas[name] ?? named) !== JSON.stringify(named))
        throw new Error(`two different schemas are called ${name}: give one of them another id`);
      this.schemas[name] = named;
    }
    return located(without(whole, ['$schema']));
  }
}

const without = (schema: object, names: readonly string[]): object =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => !names.includes(name)));

const located = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as unknown;

const headers = (names: readonly string[]): object =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const statusesOf = (route: ApiRoute, operation: Operation): number[] => {
  const statuses = [...CODES.keys()].sort((a, b) => a - b);
  if (operation.kind === 'generation') return statuses;
  const takes = operation.body !== undefined || operation.query !== undefined;
  return statuses.filter((status) => {
    switch (status) {
      case 400:
        return takes;
      case 401:
      case 403:
        return route.access !== 'public';
      case 404:
        return route.path.includes(':');
      case 503:
        return true;
      default:
        return false;
    }
  });
};

/** What the responses of an envelope are called by. */
const IN_DIALECT = { MessagesError: 'InMessages', ResponsesError: 'InResponses' } as const;

const errorsOf = (route: ApiRoute, operation: Operation): Record<string, unknown> => {
  const suffix = operation.errors === undefined ? '' : IN_DIALECT[operation.errors];
  return Object.fromEntries([
    ...statusesOf(route, operation).map((status) => [
      status,
      { $ref: `#/components/responses/Status${status}${suffix}` },
    ]),
    ['default', { $ref: `#/components/responses/OtherError${suffix}` }],
  ]);
};

const contentOf = (content: Operation['answer']['content'], components: Components): object =>
  Object.fromEntries(
    Object.entries(content).map(([type, schema]) => [
      type,
      { schema: schema === undefined ? { type: 'string' } : components.add(schema, 'output') },
    ]),
  );

const parametersOf = (route: ApiRoute, operation: Operation, components: Components): object[] => {
  const inPath = [...route.path.matchAll(/:([a-z]+)/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true, description: PARAMETERS[name] ?? name, schema: { type: 'string' } },
  }));
  const query = operation.query;
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const { description, ...described } = components.add(schema as z.ZodType, 'input') as SchemaData;
    return {
      ...{ name, in: 'query', required: !(schema as z.ZodType).safeParse(undefined).success, schema: described },
      ...(description === undefined ? {} : { description }),
    };
  });
  const inHeaders = HEADERS_OF[operation.kind ?? 'other'].map((name) => ({ $ref: `#/components/parameters/${name}` }));
  return [...inPath, ...inQuery, ...inHeaders];
};

const operationOf = (route: ApiRoute, components: Components): object => {
  const operation = OPERATIONS[route.key];
  if (operation === undefined) throw new Error(`${route.key} has no description (openapi/operations)`);
  const parameters = parametersOf(route, operation, components);
  const description = [operation.description, KEYS_OF[route.access]].filter((part) => part !== undefined).join(' ');
  const { status, content } = operation.answer;
  const told =
    operation.kind === 'generation'
      ? ['X-Generation-Id', 'X-Request-Id', 'X-Waystation-Output-Cap', ...CACHE_HEADERS]
      : ['X-Request-Id'];
  return {
    ...{ operationId: operation.id, tags: [operation.tag], summary: operation.summary },
    ...(description === '' ? {} : { description }),
    security: route.access === 'public' ? [] : [{ bearer: [] }, { apiKey: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: components.add(operation.body, 'input') },
              ...(operation.form === undefined ? {} : { 'multipart/form-data': { schema: operation.form } }),
            },
          },
        }),
    responses: {
      [status]: {
        description: 'What was asked for',
        headers: headers(told),
        ...(Object.keys(content).length === 0 ? {} : { content: contentOf(content, components) }),
      },
      ...errorsOf(route, operation),
    },
  };
};

const pathsOf = (components: Components): object => {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of API_ROUTES) {
    const path = route.path.replace(/:([a-z]+)/g, '{$1}');
    paths[path] ??= route.inApi ? {} : { servers: [{ url: '/' }] };
    paths[path][route.method.toLowerCase()] = operationOf(route, components);
  }
  return paths;
};

const errorResponse = (description: string, schema: string): object => ({
  description,
  headers: headers([
    'X-Request-Id',
    'X-Generation-Id',
    'Retry-After',
    'X-RateLimit-Limit',
    'X-RateLimit-Remaining',
    'X-RateLimit-Reset',
  ]),
  content: { 'application/json': { schema: schemaRef(schema) } },
});

const responses = (): object =>
  Object.fromEntries(
    [['', 'Error'], ...Object.entries(IN_DIALECT).map(([schema, suffix]) => [suffix, schema])].flatMap(
      ([suffix = '', schema = '']) => [
        ...[...CODES].map(([status, codes]) => [
          `Status${status}${suffix}`,
          errorResponse(`One of ${codes.map((code) => `\`${code}\``).join(', ')}`, schema),
        ]),
        [`OtherError${suffix}`, errorResponse('Any other error, in the same envelope', schema)],
      ],
    ),
  );

/** The document as a value that JSON can say. */
export const describeApi = (): object => {
  const components = new Components();
  const paths = pathsOf(components);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Waystation',
      version: '1',
      summary: 'One API, one key and one bill in front of every model and provider.',
      description:
        'Generated from the table of routes and the schemas that requests are read with. Every amount is exact: a number has up to twelve decimals.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: API_PREFIXES.map((url) => ({ url })),
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'As clients of Anthropic send it' },
      },
      parameters: Object.fromEntries(
        Object.entries(REQUEST_HEADERS).map(([name, description]) => [
          name,
          { name, in: 'header', required: false, description, schema: { type: 'string' } },
        ]),
      ),
      headers: Object.fromEntries(
        Object.entries(ANSWER_HEADERS).map(([name, description]) => [
          name,
          { description, schema: { type: 'string' } },
        ]),
      ),
      responses: responses(),
      schemas: Object.fromEntries(Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
};
