// The public API as any HTTP client uses it: plain requests, and streams read to wherever they end.
import type { RunningSystem } from '@waystation/testing';

export interface AskOptions {
  /** Default: the demo key. Null: none at all. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Default: the first ingress; for the operator's key, where that is managed. */
  readonly url?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; what it holds is judged by the test. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any answer
  readonly json: any;
  readonly ms: number;
}

export interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const send = (
  system: RunningSystem,
  method: string,
  path: string,
  body: unknown,
  options: AskOptions,
): Promise<Response> =>
  fetch(`${options.url ?? (options.key === system.managementKey ? system.managementUrl : system.url)}${path}`, {
    method,
    headers: {
      ...(options.key === null ? {} : { authorization: `Bearer ${options.key ?? system.apiKey}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });

export const ask = async (
  system: RunningSystem,
  method: string,
  path: string,
  body?: unknown,
  options: AskOptions = {},
): Promise<Answer> => {
  const startedAt = performance.now();
  const response = await send(system, method, path, body, options);
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json, ms: performance.now() - startedAt };
};

const COMPLETIONS = '/api/v1/chat/completions';

export const say = (content: unknown, model = 'sandbox/echo'): Record<string, unknown> => ({
  model,
  messages: [{ role: 'user', content }],
});

export const complete = (
  system: RunningSystem,
  body: Record<string, unknown> | string,
  options: AskOptions = {},
): Promise<Answer> => ask(system, 'POST', COMPLETIONS, body, options);

export interface StreamEnd {
  /** 0 where not even a status line came. */
  readonly status: number;
  readonly generationId: string | undefined;
  /** All text deltas. */
  readonly content: string;
  readonly finishReason: string | undefined;
  readonly usage: Readonly<Record<string, unknown>> | undefined;
  /** An error in the body of a refusal, or in-band. */
  readonly error: ErrorBody | undefined;
  /** `[DONE]` came. */
  readonly done: boolean;
  /** The connection broke, or the client left. */
  readonly broken: boolean;
  /** From asking to the end. */
  readonly ms: number;
  readonly endedAt: number;
  /** Raw text, for questions about the bytes. */
  readonly text: string;
}

interface Chunk {
  readonly choices?: {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Record<string, unknown> | null;
  readonly error?: ErrorBody;
}

const eventsOf = (text: string): Chunk[] => {
  const events: Chunk[] = [];
  for (const line of text.split('\n')) if (line.startsWith('data: {')) events.push(JSON.parse(line.slice(6)) as Chunk);
  return events;
};

export const stream = async (
  system: RunningSystem,
  body: Record<string, unknown>,
  options: AskOptions & { readonly onText?: (text: string) => void } = {},
): Promise<StreamEnd> => {
  const startedAt = performance.now();
  let response: Response | undefined;
  let text = '';
  let broken = false;
  try {
    response = await send(system, 'POST', COMPLETIONS, { ...body, stream: true }, options);
    const decoder = new TextDecoder();
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += decoder.decode(part, { stream: true });
      options.onText?.(text);
    }
  } catch {
    broken = true;
  }
  const streamed = response?.headers.get('content-type')?.startsWith('text/event-stream') === true;
  // A broken stream may end in the middle of an event; what came whole before it counts.
  const events = streamed ? eventsOf(broken ? text.slice(0, text.lastIndexOf('\n\n') + 2) : text) : [];
  const choices = events.map((event) => event.choices?.[0]);
  return {
    status: response?.status ?? 0,
    generationId: response?.headers.get('x-generation-id') ?? undefined,
    content: choices.map((choice) => choice?.delta?.content ?? '').join(''),
    finishReason: choices.findLast((choice) => typeof choice?.finish_reason === 'string')?.finish_reason ?? undefined,
    usage: events.findLast((event) => event.usage)?.usage ?? undefined,
    error: streamed ? events.find((event) => event.error)?.error : errorIn(text),
    done: /^data: \[DONE\]$/m.test(text),
    broken,
    ms: performance.now() - startedAt,
    endedAt: performance.now(),
    text,
  };
};

const errorIn = (text: string): ErrorBody | undefined => {
  try {
    return (JSON.parse(text) as { error?: ErrorBody }).error;
  } catch {
    return undefined;
  }
};
