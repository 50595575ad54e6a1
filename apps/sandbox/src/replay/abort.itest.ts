// A call that is given up at any byte of its answer frees the socket: what is counted are the sockets that the server sees, and the calls that the kit has room for.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createUpstreamClient, type UpstreamCall, type UpstreamTarget } from '@waystation/providers';
import fc from 'fast-check';
import { messageOf, readerOf, targetOf, type Asked } from './ask.js';
import { findRecordings } from './recordings.js';
import { startReplayServer, type ReplayServer } from './replay-server.js';

const SEED = 20_261_126;
/** Answers up to here are given up at each of their bytes, longer ones at as many bytes beyond, at random. */
const EVERY_BYTE_MAX = 2_000;
const RANDOM_RUNS = 60;

/** Each dialect's shortest. */
const SHORT: Readonly<Record<string, string>> = {
  'openai-chat': 'mistral/mistral-tool-call',
  'openai-responses': 'azure/azure-text.1',
  'anthropic-messages': 'anthropic/anthropic-json-other-tool.1',
  gemini: 'google/google-tool-call',
  'bedrock-converse': 'amazon-bedrock/amazon-bedrock-tool-call.1',
  cohere: 'cohere/cohere-text',
};

const client = createUpstreamClient();
let replay: ReplayServer;
beforeAll(async () => {
  replay = await startReplayServer();
});
afterAll(async () => {
  await client.close();
  await replay.close();
});

/** All bytes of an answer as they stand on the wire: status line, headers, chunks, end. */
const recordWire = async (asked: Asked): Promise<Buffer> => {
  const { path, headers, body } = messageOf(asked);
  const socket = connect(Number(new URL(replay.origin).port), '127.0.0.1');
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1]}`] : []));
  const base = targetOf(replay.origin, asked.provider).url.pathname.replace(/\/$/, '');
  const head = [`POST ${base}${path} HTTP/1.1`, 'host: lab', 'connection: close', `content-length: ${body.length}`];
  socket.write(`${[...head, ...lines].join('\r\n')}\r\n\r\n`);
  socket.write(body);
  // As of a connection that goes on: what is aborted is to be the call alone.
  const wire = (await buffer(socket)).toString('latin1').replace('Connection: close', 'Connection: keep-alive');
  return Buffer.from(wire, 'latin1');
};

/** Sends the first bytes of an answer to whoever asks, and then nothing more. */
class HalfServer {
  readonly #server: Server;
  readonly open = new Set<Socket>();
  #answer = Buffer.alloc(0);
  opened = 0;
  /** Told when what there is to send has been handed to the system. */
  onSent: () => void = () => undefined;

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.opened += 1;
      this.open.add(socket);
      socket.on('close', () => this.open.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        // The whole request comes in one packet or two; its body ends with its object.
        if (bytes.at(-1) === 0x7d) socket.write(this.#answer, () => this.onSent());
      });
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  answer(bytes: Buffer): void {
    this.#answer = Buffer.from(bytes);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asks, takes what comes, and gives up. The number of callbacks that came afterwards must be none. */
const giveUp = async (half: HalfServer, target: UpstreamTarget, asked: Asked): Promise<void> => {
  const { reader } = readerOf(asked);
  let [given, late, over] = [false, 0, false];
  const heard = (): void => void (given && (late += 1));
  const sent = new Promise<void>((resolve) => (half.onSent = resolve));
  const call: UpstreamCall = client.send(target, messageOf(asked), {
    head: heard,
    data(bytes) {
      heard();
      if (!reader.done && reader.failure === undefined) reader.push(bytes);
    },
    end() {
      heard();
      over = true;
    },
    fail: heard,
  });
  await sent;
  await turn();
  await turn();
  given = true;
  call.abort();
  expect(client.hasRoom(target)).toBe(true);
  const [socket] = half.open;
  // An answer that was whole leaves a connection that can be used again.
  if (!over && socket !== undefined) await once(socket, 'close');
  expect(late).toBe(0);
  for (const each of half.open) {
    expect(over).toBe(true);
    each.destroy();
    await once(each, 'close');
    await turn();
  }
  const { usage } = reader.report();
  for (const count of Object.values(usage)) expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
};

const recordings = findRecordings();
if (recordings === undefined) it('has no recordings to try here', () => undefined);
else
  describe.each(Object.entries(SHORT))('%s', (dialect, name) => {
    it('frees its one connection at whichever byte it is given up', async () => {
      const recorded = recordings.streams.find((stream) => stream.name === name);
      if (recorded === undefined) throw new Error(`there is no recording ${name}`);
      replay.play({ kind: 'stream', lines: recorded.lines, wire: 'plain' });
      const asked: Asked = { provider: dialect, client: 'openai-chat', stream: true, way: 'translated' };
      const wire = await recordWire(asked);
      expect(wire.toString('latin1', 0, 15)).toBe('HTTP/1.1 200 OK');
      const half = new HalfServer();
      const target = targetOf(await half.start(), dialect, 1);
      const upTo = async (length: number): Promise<void> => {
        half.answer(wire.subarray(0, length));
        await giveUp(half, target, asked);
        expect(half.open.size).toBe(0);
      };
      let calls = 0;
      for (let length = 0; length <= Math.min(wire.length, EVERY_BYTE_MAX); length += 1, calls += 1) await upTo(length);
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: wire.length }), async (length) => {
          calls += 1;
          await upTo(length);
        }),
        { seed: SEED, numRuns: RANDOM_RUNS },
      );
      await upTo(wire.length);
      expect(half.opened).toBe(calls + 1);
      await half.close();
    }, 120_000);
  });
