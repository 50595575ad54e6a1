// Holds answers that tests get against the reference document: nothing is missing that it promises, and no member is there that it does not name.
import { z } from 'zod';
import { API_PREFIXES } from '../http/routes.js';
import { API_ROUTES, type ApiRoute } from '../openapi/api-routes.js';
import { OPERATIONS } from '../openapi/operations.js';

const isFixed = ({ path }: ApiRoute): boolean => !path.includes(':');
const matches = (route: ApiRoute, path: string): boolean =>
  new RegExp(`^${route.path.replace(/:[a-z]+/g, '[^/]+')}$`).test(path);

const routeAt = (method: string, url: string): ApiRoute | undefined => {
  const { pathname } = new URL(url);
  const prefix = API_PREFIXES.find((each) => pathname.startsWith(`${each}/`)) ?? '';
  const found = API_ROUTES.filter((route) => route.method === method && matches(route, pathname.slice(prefix.length)));
  return found.find(isFixed) ?? found[0];
};

/** Refusals pass: their envelope has tests of its own. */
export const expectDescribed = (method: string, { url, ok, status }: Response, json: unknown): void => {
  const route = ok ? routeAt(method, url) : undefined;
  if (route === undefined) return;
  const answer = OPERATIONS[route.key]?.answer;
  const schema = answer?.content['application/json'];
  expect([route.key, status]).toEqual([route.key, answer?.status]);
  if (!(schema instanceof z.ZodType)) return;
  const { data, error } = schema.safeParse(json);
  expect([route.key, error?.issues]).toEqual([route.key, undefined]);
  // Unknown members are left out of what was parsed.
  expect(data).toEqual(json);
};
