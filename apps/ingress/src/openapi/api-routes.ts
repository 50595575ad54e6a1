// The table of routes as the reference sees it: each once, though the API answers under several prefixes.
import { API_PREFIXES, ROUTES, type Route } from '../http/routes.js';

export type ApiRoute = Route & {
  /** `POST /keys`: below the prefix of the API; the whole path for what stands outside of it. */
  readonly key: string;
  readonly inApi: boolean;
};

const [PREFIX = ''] = API_PREFIXES;

export const API_ROUTES: readonly ApiRoute[] = ROUTES.flatMap((route) => {
  if (API_PREFIXES.slice(1).some((prefix) => route.path.startsWith(`${prefix}/`))) return [];
  const inApi = route.path.startsWith(`${PREFIX}/`);
  const path = inApi ? route.path.slice(PREFIX.length) : route.path;
  return [{ ...route, path, inApi, key: `${route.method} ${path}` }];
});
