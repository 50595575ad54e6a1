// Where a stream's events go, and in which shape: the wire variants that a reader of server-sent events must survive.
import type { ServerResponse } from 'node:http';
import type { Script } from '../script/script.js';

export interface Outlet {
  /** Resolves when more may be written; undefined means at once. */
  write(events: string): Promise<void> | undefined;
}

const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One write a byte, each in its own turn, so that no two leave in one packet by our doing. */
const writeBytes = async (response: ServerResponse, events: string, encoding: BufferEncoding): Promise<void> => {
  for (const byte of Buffer.from(events, encoding)) {
    if (response.closed) return;
    response.write(Buffer.of(byte));
    await nextTurn();
  }
};

const EVENT_START = /(?<=^|\n\n)(?=.)/g;

/** Binary events know no lines: of the variants only `split-bytes` means anything to them. */
export const createOutlet = (response: ServerResponse, wire: Script['wire'], binary: boolean): Outlet => {
  const encoding = binary ? 'latin1' : 'utf8';
  const write = (text: string): Promise<void> | undefined =>
    response.write(text, encoding) ? undefined : drained(response);
  if (binary && wire !== 'split-bytes') return { write };
  switch (wire) {
    case 'plain':
      return { write };
    case 'crlf':
      return { write: (events) => write(events.replaceAll('\n', '\r\n')) };
    case 'comments':
      return { write: (events) => write(events.replace(EVENT_START, ': the sandbox is thinking\n\n')) };
    case 'split-bytes':
      return { write: (events) => writeBytes(response, events, encoding) };
    default: {
      const unreachable: never = wire;
      return unreachable;
    }
  }
};
