// The management API as the tool asks it: JSON in and out, a refusal as an error with the words of the station.

export class ApiRefusal extends Error {
  override name = 'ApiRefusal';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface ManagementApi {
  ask(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
  /** All pages of a list. */
  list(path: string, pageSize: number, limited: boolean): Promise<unknown[]>;
}

const ASK_MS = 120_000;
const PAGES_MAX = 1_000;

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;

/** @throws Error where the station is not there, ApiRefusal where it refuses */
export const managementApi = (url: string, key: string): ManagementApi => {
  const ask: ManagementApi['ask'] = async (method, path, body) => {
    const response = await fetch(`${url.replace(/\/+$/, '')}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(ASK_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Error(
        `the station at ${url} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    });
    const text = await response.text();
    const answer: unknown = JSON.parse(text === '' ? 'null' : text);
    if (response.ok) return answer;
    const message = memberOf(memberOf(answer, 'error'), 'message');
    throw new ApiRefusal(
      response.status,
      typeof message === 'string' ? message : `${method} ${path} was answered ${response.status}`,
    );
  };
  return {
    ask,
    async list(path, pageSize, limited) {
      const all: unknown[] = [];
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const query = `${path.includes('?') ? '&' : '?'}offset=${all.length}${limited ? `&limit=${pageSize}` : ''}`;
        const data = memberOf(await ask('GET', `${path}${query}`), 'data');
        if (!Array.isArray(data)) throw new Error(`GET ${path} was not answered with a list`);
        all.push(...data);
        if (data.length < pageSize) return all;
      }
      throw new Error(`GET ${path} has more than ${PAGES_MAX} pages`);
    },
  };
};
