// Bodies as raw bytes, of any content type. The announced length is checked before the first byte is read, the real one as they come.
import { WaystationError } from '@waystation/contracts';
import type { FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

const tooLarge = (bytesMax: number): WaystationError =>
  new WaystationError(
    'payload_too_large',
    `The request body is larger than ${bytesMax} bytes, the most that is taken.`,
    { details: { bytesMax } },
  );

const gone = (cause: unknown): WaystationError =>
  new WaystationError('client_closed_request', 'The client closed the connection before its request was complete.', {
    cause,
  });

const announced = (request: FastifyRequest): number | undefined => {
  const header = request.headers['content-length'];
  if (header === undefined) return undefined;
  if (!/^\d{1,15}$/.test(header))
    throw new WaystationError('invalid_request', 'The Content-Length header is not a number.');
  return Number(header);
};

/** Requests whose body is still coming in. */
const reading = new WeakMap<Socket, FastifyRequest>();

/** The request whose body is still coming in over a connection. */
export const readingOn = (socket: Socket): FastifyRequest | undefined => reading.get(socket);

/** @throws WaystationError `payload_too_large`, `invalid_request`, `client_closed_request` */
export const readBody = (request: FastifyRequest, payload: IncomingMessage, bytesMax: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const { socket } = payload;
    reading.set(socket, request);
    const length = announced(request);
    if (length !== undefined && length > bytesMax) return reject(tooLarge(bytesMax));
    const chunks: Buffer[] = [];
    let bytes = 0;
    let over = false;
    const stop = (refuse: () => WaystationError): void => {
      if (over) return;
      over = true;
      reject(refuse());
    };
    payload.on('data', (chunk: Buffer) => {
      if (over) return;
      bytes += chunk.length;
      if (bytes > bytesMax) stop(() => tooLarge(bytesMax));
      else chunks.push(chunk);
    });
    payload.on('end', () => {
      reading.delete(socket);
      if (over) return;
      over = true;
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes));
    });
    payload.on('error', (cause) => stop(() => gone(cause)));
    payload.on('close', () => stop(() => gone(undefined)));
  });
