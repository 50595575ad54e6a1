// A running sandbox as the tests of its dialects ask it: any path, any body, and what the truth log says of it afterwards.
import { startSandboxServer } from './server/sandbox-server.js';
import type { TruthCall } from './truth/truth-log.js';

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  /** The connection broke, or the signal ended it. */
  readonly broken: boolean;
}

/** An event of a stream of server-sent events. */
export interface SentEvent {
  readonly event?: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any event; the test judges it
  readonly data: any;
}

export interface TestSandbox {
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Asked>;
  /** The one line of truth of an answer. */
  truthOf(asked: Asked): TruthCall;
  close(): Promise<void>;
}

/** Events in order, comments and `[DONE]` left out. */
export const sentEvents = ({ text }: Pick<Asked, 'text'>): SentEvent[] =>
  text
    .replaceAll('\r\n', '\n')
    .split('\n\n')
    .flatMap((block) => {
      const data = /^data: ?(.*)$/m.exec(block)?.[1];
      if (data === undefined || data === '[DONE]') return [];
      const event = /^event: ?(.*)$/m.exec(block)?.[1];
      return [{ ...(event === undefined ? {} : { event }), data: JSON.parse(data) as unknown }];
    });

export const testSandbox = async (): Promise<TestSandbox> => {
  const server = await startSandboxServer('127.0.0.1', 0);
  const origin = server.url.replace(/\/v1$/, '');
  return {
    async post(path, body, headers = {}, signal) {
      const response = await fetch(`${origin}${path}`, {
        method: 'POST',
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
      const parts: Uint8Array[] = [];
      let broken = false;
      try {
        for await (const part of response.body ?? []) parts.push(part as Uint8Array);
      } catch {
        broken = true;
      }
      const bytes = Buffer.concat(parts);
      return { status: response.status, headers: response.headers, bytes, text: bytes.toString(), broken };
    },
    truthOf({ headers }) {
      const calls = server.truth.read({ request: headers.get('x-request-id') ?? '' });
      const [call] = calls;
      if (call === undefined || calls.length !== 1) throw new Error(`${calls.length} calls in the truth log`);
      return call;
    },
    close: () => server.close(),
  };
};
