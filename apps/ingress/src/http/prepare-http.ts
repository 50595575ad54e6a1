// What happens to every request before its handler: preflights, the listener and the guard of its route, its body as raw bytes. And after it: the metrics.
// Invariant: a route without a line in the table cannot be registered.
import { WaystationError, toWaystationError } from '@waystation/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { beginTrace, isTracing, listenerOf, type OpenSpan } from '@waystation/runtime';
import type { Caller } from '../auth/caller.js';
import { credentialsOf } from '../auth/credentials.js';
import { refusalOfSuspended } from '../auth/suspended.js';
import { MANAGEMENT } from '../config.js';
import type { Ingress } from '../ingress.js';
import { elsewhere } from './elsewhere.js';
import { readBody } from './read-body.js';
import { refuse } from './refuse.js';
import { listenersOf, routeOf, type Access, type Listener } from './routes.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard on every route that is not public. */
    caller: Caller | undefined;
    /** Where it came in, if there are two listeners. */
    listener: Listener | undefined;
    /** Where it is traced. */
    trace: OpenSpan | undefined;
  }
  interface FastifyContextConfig {
    access?: Access;
    listeners?: readonly Listener[];
    bodyBytesMax?: number;
    whileSuspended?: boolean;
  }
}

const PREFLIGHT: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers':
    'Authorization, Content-Type, HTTP-Referer, X-Title, X-OpenRouter-Title, X-OpenRouter-Categories, X-Session-Id, X-Waystation-Tags, X-Waystation-Task, X-Waystation-Hedge, X-Waystation-Continue, X-Request-Id, X-OpenRouter-Cache, X-OpenRouter-Cache-TTL, X-OpenRouter-Cache-Clear, X-Api-Key, Anthropic-Version, Anthropic-Beta, Anthropic-Dangerous-Direct-Browser-Access, Idempotency-Key, X-Stainless-Arch, X-Stainless-Lang, X-Stainless-OS, X-Stainless-Package-Version, X-Stainless-Retry-Count, X-Stainless-Runtime, X-Stainless-Runtime-Version, X-Stainless-Timeout',
  'access-control-max-age': '86400',
};

const KINDS: Readonly<Record<Exclude<Access, 'public'>, (caller: Caller) => WaystationError | undefined>> = {
  'any-key': () => undefined,
  inference: ({ key }) =>
    key.kind === 'inference'
      ? undefined
      : new WaystationError(
          'permission_denied',
          'Management keys cannot be used for inference; use an API key of the workspace',
        ),
  management: ({ key }) =>
    key.kind === 'management'
      ? undefined
      : new WaystationError('permission_denied', 'Only management keys can perform this operation'),
};

/** @throws WaystationError why the caller may not use this route */
const admit = (ingress: Ingress, request: FastifyRequest): Caller | undefined => {
  const { access, whileSuspended } = request.routeOptions.config;
  if (access === 'public') return undefined;
  const caller = ingress.authenticator.authenticate(credentialsOf(request.headers));
  const refusal =
    access === undefined
      ? new WaystationError('permission_denied', 'This route is not open to anybody.')
      : (KINDS[access](caller) ?? (whileSuspended === true ? undefined : refusalOfSuspended(caller)));
  if (refusal !== undefined) throw refusal;
  return caller;
};

const listenerAt = ({ raw }: FastifyRequest): Listener =>
  listenerOf(raw.socket) === MANAGEMENT ? 'management' : 'inference';

/** A client's own trace goes on here. */
const beginTraceOf = ({ method, routeOptions, headers }: FastifyRequest): OpenSpan | undefined => {
  const route = routeOptions.url ?? 'none';
  const { traceparent } = headers;
  return beginTrace(
    `${method} ${route}`,
    { 'http.request.method': method, 'http.route': route },
    Array.isArray(traceparent) ? traceparent[0] : traceparent,
  );
};

const SERVER_FAULT_FROM = 500;

const endTraceOf = ({ trace }: FastifyRequest, status: number): void => {
  if (trace === undefined) return;
  trace.set({ 'http.response.status_code': status });
  trace.end(status >= SERVER_FAULT_FROM ? String(status) : undefined);
};

export const prepareHttp = (fastify: FastifyInstance, ingress: Ingress, bodyBytesMax: number): void => {
  fastify.decorateRequest('caller', undefined);
  fastify.decorateRequest('listener', undefined);
  fastify.decorateRequest('trace', undefined);

  fastify.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) {
      const known = routeOf(method, route.url);
      if (known === undefined)
        throw new Error(`${method} ${route.url} has no line in the table of routes (http/routes.ts)`);
      const { access, bodyBytesMax: most, whileSuspended = false } = known;
      route.config = {
        ...{ ...route.config, access, listeners: listenersOf(known), whileSuspended },
        ...(most === undefined ? {} : { bodyBytesMax: most }),
      };
    }
  });

  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    if (request.method === 'OPTIONS') return void reply.code(204).headers(PREFLIGHT).send();
    request.listener = ingress.context.config.management === undefined ? undefined : listenerAt(request);
    // What has no route has no secret either: it is answered with 404 or 405.
    if (request.is404) return done();
    if (request.listener !== undefined && request.routeOptions.config.listeners?.includes(request.listener) !== true)
      return refuse(request, reply, elsewhere(request.listener));
    request.trace = isTracing() ? beginTraceOf(request) : undefined;
    try {
      request.caller = admit(ingress, request);
    } catch (thrown) {
      return refuse(request, reply, toWaystationError(thrown));
    }
    if (request.trace === undefined) return done();
    request.trace.run(done);
  });

  fastify.removeAllContentTypeParsers();
  const read = (request: FastifyRequest, payload: IncomingMessage): Promise<Buffer> =>
    readBody(request, payload, Math.min(request.routeOptions.config.bodyBytesMax ?? bodyBytesMax, bodyBytesMax));
  // Of what an expression matches the type is parsed once, of what `*` stands for with every request; that one is for requests without a type.
  fastify.addContentTypeParser(/^/, read);
  fastify.addContentTypeParser('*', read);

  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    ingress.cells.answered(request.routeOptions.url ?? 'none', reply.raw.statusCode, reply.elapsedTime);
    endTraceOf(request, reply.raw.statusCode);
    done();
  });
};
