// What waits to be sent on one socket. A turn's control lines and small payloads are encoded into one block and leave with one write; large payloads go
// beside it without a copy. Bytes given to the socket are not written to again before it says that it has none left.
import type { Socket } from 'node:net';
import type { CoreHeaders } from './core-connection.js';
import { encodeHeaders, publishLineBytesMax, writeLineEnd, writePublishLine } from './protocol/encode.js';

const BLOCK_BYTES = 64 * 1024;
/** Larger payloads cost less as a piece of their own than as a copy. */
const COPIED_BYTES_MAX = 8 * 1024;
const LINE_END_BYTES = 2;
const LINE_END = Buffer.from('\r\n');

export class Outgoing {
  readonly #socket: Socket;
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  /** The part of the block that was not given to the socket yet. */
  #from = 0;
  #to = 0;
  /** What goes before that part, in order. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes gathered since the last write. */
  get bytes(): number {
    return this.#pieceBytes + this.#to - this.#from;
  }

  line(text: string): void {
    this.#reserve(Buffer.byteLength(text) + LINE_END_BYTES);
    this.#to = writeLineEnd(this.#block, this.#to + this.#block.write(text, this.#to));
  }

  /** @throws Error, and nothing is gathered, when subject or headers are malformed or the server takes no message of this size. */
  publish(
    subject: string,
    payload: Uint8Array,
    reply: string,
    headers: CoreHeaders | undefined,
    maxPayload: number,
  ): void {
    const head = headers === undefined ? undefined : encodeHeaders(headers);
    const headBytes = head?.length ?? 0;
    if (headBytes + payload.length > maxPayload)
      throw new Error(`a message of ${headBytes + payload.length} bytes; the server takes ${maxPayload}`);
    this.#reserve(publishLineBytesMax(subject, reply));
    this.#to = writePublishLine(this.#block, this.#to, subject, reply, headBytes, payload.length);
    if (head !== undefined) this.#append(head);
    this.#append(payload);
    this.#append(LINE_END);
  }

  /** Gives everything to the socket. */
  write(): void {
    if (this.bytes === 0) return;
    const socket = this.#socket;
    const rest = this.#block.subarray(this.#from, this.#to);
    if (this.#pieces.length === 0) socket.write(rest);
    else {
      const pieces = this.#pieces;
      this.#pieces = [];
      this.#pieceBytes = 0;
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.write(rest);
      socket.uncork();
    }
    // Where the kernel took all of it, which is the rule, the block is free again.
    if (socket.writableLength === 0) this.#to = 0;
    this.#from = this.#to;
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length > COPIED_BYTES_MAX) {
      this.#setAside();
      this.#pieces.push(bytes);
      this.#pieceBytes += bytes.length;
      return;
    }
    this.#reserve(bytes.length);
    this.#block.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  #setAside(): void {
    if (this.#to === this.#from) return;
    this.#pieces.push(this.#block.subarray(this.#from, this.#to));
    this.#pieceBytes += this.#to - this.#from;
    this.#from = this.#to;
  }

  #reserve(bytes: number): void {
    if (this.#block.length - this.#to >= bytes) return;
    this.#setAside();
    this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes));
    this.#from = 0;
    this.#to = 0;
  }
}
