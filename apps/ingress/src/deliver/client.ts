// The client's end of a connection: Node's response, narrowed to what deliveries need. The only place that writes inference answers to sockets.
import type { Cell } from '@waystation/runtime';
import type { ServerResponse } from 'node:http';

export interface Client {
  readonly gone: boolean;
  begin(status: number, headers: string[]): void;
  /** False: the socket's buffer is full. */
  write(bytes: Buffer | string): boolean;
  onDrain(callback: () => void): void;
  end(bytes?: Buffer | string): void;
  /** Called once, when the client leaves before its answer is complete. */
  onGone(callback: () => void): void;
}

/** @param bytesOut counts the bytes of bodies sent */
export const clientOf = (response: ServerResponse, bytesOut: Cell): Client => {
  let ended = false;
  const listeners: (() => void)[] = [];
  response.once('close', () => {
    if (!ended) for (const listener of listeners) listener();
  });
  return {
    get gone() {
      return response.destroyed || response.writableEnded;
    },
    begin(status, headers) {
      response.writeHead(status, headers);
    },
    write(bytes) {
      bytesOut.value += bytes.length;
      return response.write(bytes);
    },
    onDrain: (callback) => void response.once('drain', callback),
    end(bytes) {
      ended = true;
      if (bytes === undefined) response.end();
      else {
        bytesOut.value += bytes.length;
        response.end(bytes);
      }
    },
    onGone: (callback) => void listeners.push(callback),
  };
};
