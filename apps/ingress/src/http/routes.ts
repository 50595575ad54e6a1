// Every route of the ingress and who may call it, in one table. A route that is not in it cannot be registered, so that no handler is ever without a guard.

import { PRIVATE_PROVIDER_BYTES_MAX, WEBHOOK_BYTES_MAX } from '@waystation/contracts';

/** `public`: no key. `any-key`: inference or management. Otherwise the key must be of that kind. */
export type Access = 'public' | 'any-key' | 'inference' | 'management';

/** Where management has an address of its own, each of the two answers its routes and no others; without it one address answers all. */
export type Listener = 'inference' | 'management';

/** A route for one kind of key is at that kind's listener; any other says where it is. */
type Placed =
  | { readonly access: 'inference' | 'management' }
  | { readonly access: 'public' | 'any-key'; readonly on: Listener | 'both' };

export type Route = Placed & {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Where less than the usual limit is taken. */
  readonly bodyBytesMax?: number;
  /** Open to a workspace that is suspended, so that it can pay, and learn why it is. */
  readonly whileSuspended?: boolean;
};

/** What says a provider crosses the bus whole. */
const SAID = { access: 'management', bodyBytesMax: PRIVATE_PROVIDER_BYTES_MAX } as const;

const under = (prefixes: readonly string[], routes: readonly Route[]): Route[] =>
  prefixes.flatMap((prefix) => routes.map((route) => ({ ...route, path: `${prefix}${route.path}` })));

export const API_PREFIXES: readonly string[] = ['/api/v1', '/v1'];

export const ROUTES: readonly Route[] = [
  ...under(API_PREFIXES, [
    { method: 'POST', path: '/chat/completions', access: 'inference' },
    { method: 'POST', path: '/completions', access: 'inference' },
    { method: 'POST', path: '/responses', access: 'inference' },
    { method: 'POST', path: '/messages', access: 'inference' },
    { method: 'POST', path: '/messages/count_tokens', access: 'inference' },
    { method: 'POST', path: '/embeddings', access: 'inference' },
    { method: 'POST', path: '/rerank', access: 'inference' },
    { method: 'POST', path: '/images', access: 'inference' },
    { method: 'POST', path: '/images/generations', access: 'inference' },
    { method: 'POST', path: '/audio/speech', access: 'inference' },
    { method: 'POST', path: '/audio/transcriptions', access: 'inference' },
    { method: 'GET', path: '/models', access: 'public', on: 'both' },
    { method: 'GET', path: '/models/count', access: 'public', on: 'both' },
    { method: 'GET', path: '/models/user', access: 'any-key', on: 'both' },
    { method: 'GET', path: '/embeddings/models', access: 'public', on: 'both' },
    { method: 'GET', path: '/images/models', access: 'public', on: 'both' },
    { method: 'GET', path: '/images/models/:author/:slug/endpoints', access: 'public', on: 'both' },
    { method: 'GET', path: '/model/:author/:slug', access: 'public', on: 'both' },
    { method: 'GET', path: '/models/:author/:slug/endpoints', access: 'public', on: 'both' },
    { method: 'GET', path: '/endpoints/zdr', access: 'public', on: 'both' },
    { method: 'GET', path: '/providers', access: 'public', on: 'both' },
    { method: 'GET', path: '/prices', access: 'management' },
    { method: 'GET', path: '/openapi.json', access: 'public', on: 'both' },
    { method: 'GET', path: '/key', access: 'any-key', on: 'both' },
    { method: 'GET', path: '/auth/key', access: 'any-key', on: 'both' },
    { method: 'GET', path: '/credits', access: 'management', whileSuspended: true },
    { method: 'POST', path: '/credits/grants', access: 'management' },
    { method: 'GET', path: '/credits/topups', access: 'management', whileSuspended: true },
    { method: 'POST', path: '/credits/topups', access: 'management', whileSuspended: true },
    { method: 'GET', path: '/credits/topups/:id', access: 'management', whileSuspended: true },
    { method: 'POST', path: '/credits/topups/:id/refunds', access: 'management' },
    { method: 'GET', path: '/credits/auto-topup', access: 'management' },
    { method: 'PUT', path: '/credits/auto-topup', access: 'management' },
    // Signed, and sent from the internet, which is where inference is reached from and management is not.
    { method: 'POST', path: '/webhooks/stripe', access: 'public', on: 'inference', bodyBytesMax: WEBHOOK_BYTES_MAX },
    { method: 'GET', path: '/generation', access: 'any-key', on: 'both' },
    { method: 'GET', path: '/generation/decision', access: 'any-key', on: 'both' },
    { method: 'POST', path: '/decisions/replay', access: 'management' },
    { method: 'GET', path: '/keys', access: 'management' },
    { method: 'POST', path: '/keys', access: 'management' },
    { method: 'GET', path: '/keys/:hash', access: 'management' },
    { method: 'PATCH', path: '/keys/:hash', access: 'management' },
    { method: 'DELETE', path: '/keys/:hash', access: 'management' },
    { method: 'GET', path: '/activity', access: 'management' },
    { method: 'GET', path: '/analytics/meta', access: 'management' },
    { method: 'POST', path: '/analytics/query', access: 'management' },
    { method: 'GET', path: '/statements/:month', access: 'management' },
    { method: 'GET', path: '/exports/focus/:month', access: 'management' },
    { method: 'GET', path: '/workspaces/:id/budgets', access: 'management' },
    { method: 'GET', path: '/workspaces/:id/budgets/:interval', access: 'management' },
    { method: 'PUT', path: '/workspaces/:id/budgets/:interval', access: 'management' },
    { method: 'DELETE', path: '/workspaces/:id/budgets/:interval', access: 'management' },
    { method: 'GET', path: '/workspaces/:id/limits', access: 'management' },
    { method: 'PUT', path: '/workspaces/:id/limits', access: 'management' },
    { method: 'DELETE', path: '/workspaces/:id/limits', access: 'management' },
    { method: 'GET', path: '/workspaces/:id/suspension', access: 'management', whileSuspended: true },
    { method: 'PUT', path: '/workspaces/:id/suspension', access: 'management', whileSuspended: true },
    { method: 'GET', path: '/workspaces/:id/surcharges', access: 'management' },
    { method: 'PUT', path: '/workspaces/:id/surcharges', access: 'management' },
    { method: 'GET', path: '/private/providers', access: 'management' },
    { method: 'POST', path: '/private/providers', ...SAID },
    { method: 'GET', path: '/private/providers/:slug', access: 'management' },
    { method: 'PATCH', path: '/private/providers/:slug', ...SAID },
    { method: 'DELETE', path: '/private/providers/:slug', access: 'management' },
    { method: 'POST', path: '/private/providers/:slug/probe', ...SAID },
    { method: 'GET', path: '/private/providers/:slug/endpoints', access: 'management' },
    { method: 'PUT', path: '/private/providers/:slug/endpoints', ...SAID },
    { method: 'DELETE', path: '/private/providers/:slug/endpoints', access: 'management' },
    { method: 'GET', path: '/organization/members', access: 'management' },
    { method: 'GET', path: '/workspaces/:id/members', access: 'management' },
    { method: 'POST', path: '/workspaces/:id/members', access: 'management' },
    { method: 'POST', path: '/workspaces/:id/members/remove', access: 'management' },
    { method: 'GET', path: '/workspaces/:id/members/:member', access: 'management' },
    { method: 'PATCH', path: '/workspaces/:id/members/:member', access: 'management' },
    { method: 'DELETE', path: '/workspaces/:id/members/:member', access: 'management' },
    { method: 'GET', path: '/byok', access: 'management' },
    { method: 'POST', path: '/byok', access: 'management' },
    { method: 'GET', path: '/byok/:id', access: 'management' },
    { method: 'PATCH', path: '/byok/:id', access: 'management' },
    { method: 'DELETE', path: '/byok/:id', access: 'management' },
    { method: 'GET', path: '/presets', access: 'any-key', on: 'both' },
    { method: 'GET', path: '/presets/:slug', access: 'any-key', on: 'both' },
    { method: 'PATCH', path: '/presets/:slug', access: 'management' },
    { method: 'GET', path: '/presets/:slug/versions', access: 'any-key', on: 'both' },
    { method: 'GET', path: '/presets/:slug/versions/:version', access: 'any-key', on: 'both' },
    { method: 'POST', path: '/presets/:slug/chat/completions', access: 'management' },
    { method: 'POST', path: '/presets/:slug/messages', access: 'management' },
    { method: 'POST', path: '/presets/:slug/responses', access: 'management' },
    { method: 'GET', path: '/task-rules', access: 'management' },
    { method: 'PUT', path: '/task-rules', access: 'management' },
    { method: 'DELETE', path: '/task-rules', access: 'management' },
    { method: 'GET', path: '/guardrails', access: 'management' },
    { method: 'POST', path: '/guardrails', access: 'management' },
    { method: 'GET', path: '/guardrails/:id', access: 'management' },
    { method: 'PATCH', path: '/guardrails/:id', access: 'management' },
    { method: 'DELETE', path: '/guardrails/:id', access: 'management' },
    { method: 'GET', path: '/guardrails/assignments/keys', access: 'management' },
    { method: 'GET', path: '/guardrails/assignments/members', access: 'management' },
    { method: 'GET', path: '/guardrails/:id/assignments/keys', access: 'management' },
    { method: 'POST', path: '/guardrails/:id/assignments/keys', access: 'management' },
    { method: 'POST', path: '/guardrails/:id/assignments/keys/remove', access: 'management' },
    { method: 'GET', path: '/guardrails/:id/assignments/members', access: 'management' },
    { method: 'POST', path: '/guardrails/:id/assignments/members', access: 'management' },
    { method: 'POST', path: '/guardrails/:id/assignments/members/remove', access: 'management' },
  ]),
  { method: 'GET', path: '/docs', access: 'public', on: 'both' },
  { method: 'GET', path: '/console', access: 'public', on: 'management' },
  { method: 'GET', path: '/console/:file', access: 'public', on: 'management' },
  { method: 'GET', path: '/console/data/status', access: 'management' },
];

export const routeKey = (method: string, path: string): string => `${method} ${path}`;

const BY_KEY: ReadonlyMap<string, Route> = new Map(ROUTES.map((route) => [routeKey(route.method, route.path), route]));

export const routeOf = (method: string, path: string): Route | undefined => BY_KEY.get(routeKey(method, path));

export const LISTENERS: readonly Listener[] = ['inference', 'management'];

/** Where the route is answered when there are two listeners. */
export const listenersOf = (route: Route): readonly Listener[] => {
  const on = 'on' in route ? route.on : route.access;
  return on === 'both' ? LISTENERS : [on];
};

const PATTERNS = ROUTES.map((route) => ({
  method: route.method,
  listeners: listenersOf(route),
  pattern: new RegExp(`^${route.path.replace(/:[a-z]+/g, '[^/]+')}$`),
}));

/** Methods that this very path has a route for, at one listener or at all. */
export const methodsAt = (path: string, listener?: Listener): string[] => [
  ...new Set(
    PATTERNS.filter(({ pattern }) => pattern.test(path))
      .filter(({ listeners }) => listener === undefined || listeners.includes(listener))
      .map(({ method }) => method),
  ),
];
