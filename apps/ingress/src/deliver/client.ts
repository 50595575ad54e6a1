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

/** A class and no literal with a getter, as `give-up.ts` says. */
class ResponseClient implements Client {
  readonly #response: ServerResponse;
  readonly #bytesOut: Cell;
  readonly #listeners: (() => void)[] = [];
  #ended = false;

  constructor(response: ServerResponse, bytesOut: Cell) {
    this.#response = response;
    this.#bytesOut = bytesOut;
    response.once('close', () => {
      if (!this.#ended) for (const listener of this.#listeners) listener();
    });
  }

  get gone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  begin(status: number, headers: string[]): void {
    this.#response.writeHead(status, headers);
  }

  write(bytes: Buffer | string): boolean {
    this.#bytesOut.value += bytes.length;
    return this.#response.write(bytes);
  }

  onDrain(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  end(bytes?: Buffer | string): void {
    this.#ended = true;
    if (bytes === undefined) return void this.#response.end();
    this.#bytesOut.value += bytes.length;
    this.#response.end(bytes);
  }

  onGone(callback: () => void): void {
    this.#listeners.push(callback);
  }
}

/** @param bytesOut counts the bytes of bodies sent */
export const clientOf = (response: ServerResponse, bytesOut: Cell): Client => new ResponseClient(response, bytesOut);
