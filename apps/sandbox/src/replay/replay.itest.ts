// Every recording, from the sandbox's wire over HTTP and the worker's kit to the official client of each public dialect: the events are those of the recording read as a
// whole, and what the client reads is what they say.
import { createUpstreamClient } from '@waystation/providers';
import type { ChatBill } from '@waystation/dialects';
import type { Usage } from '@waystation/generation';
import { TERMS, ask, passes, publicDialect, readPieces, targetOf, type Asked, type Heard, type Way } from './ask.js';
import { CLIENTS, readAsClient } from './read-as-client.js';
import { findRecordings } from './recordings.js';
import { startReplayServer, type ReplayServer } from './replay-server.js';
import { saidByEvents, saidUsage, type Said } from './said.js';
import { wireBytes } from './wire.js';

const WIRES = ['plain', 'crlf', 'comments', 'split-bytes'] as const;
/** A byte a turn: enough for the short ones; long ones are cut in the test of re-chunking. */
const SPLIT_BYTES_MAX = 6_000;

const recordings = findRecordings();
const client = createUpstreamClient();
let server: ReplayServer;
beforeAll(async () => {
  server = await startReplayServer();
});
afterAll(async () => {
  await client.close();
  await server.close();
});

const billOf = (usage: Usage): ChatBill => ({ usage, cost: 0n, promptCost: 0n, completionCost: 0n, byok: false });

/** As the ingress ends an answer. */
const withBill = (name: string, stream: boolean, { wire, report }: Heard): Buffer => {
  const dialect = publicDialect(name);
  const bill = billOf(report.usage);
  if (!stream) {
    const body = dialect.withBill(wire, bill);
    if (body === undefined) throw new Error('the body is none');
    return body;
  }
  const { generationId, model, providerName } = TERMS;
  const answer = { generationId, createdSeconds: 1_700_000_000, model, providerName };
  return Buffer.concat([wire, Buffer.from(dialect.streamEnd(answer, bill, report.tail))]);
};

/** What of an answer the dialect has words for. */
const sayable = (said: Said, dialect: string): Said => {
  if (dialect === 'openai-completions') return { ...said, calls: [], seals: [] };
  return dialect === 'anthropic-messages' ? { ...said, usage: { ...said.usage, reasoning: undefined } } : said;
};

const waysOf = (provider: string, spoken: string): Way[] =>
  passes(provider, spoken) ? ['translated', 'passed'] : ['translated'];

/** Recordings that the official client of their dialect refuses as they are: Mistral's calls have no index. */
const UNREADABLE: ReadonlySet<string> = new Set(['mistral/mistral-tool-call']);

/** A legacy completion is none of the chat dialect: it has no bytes that could pass. */
const isChat = (name: string): boolean => !name.includes('completion');

if (recordings === undefined) it('has no recordings to try here', () => undefined);
else {
  it('knows every recording that there is', () => {
    expect(recordings.unknown).toEqual([]);
    expect(recordings.streams.length).toBeGreaterThan(20);
  });

  const read = async (asked: Asked, bytes: Buffer, heard: Heard): Promise<void> => {
    const whole = readPieces({ ...asked, way: 'translated' }, [bytes]);
    expect([heard.failure, whole.failure]).toEqual([undefined, undefined]);
    expect(heard.report.usage).toEqual(whole.report.usage);
    expect(heard.report.usageSource).toBe('provider');
    if (asked.way === 'translated') expect(heard.events).toEqual(whole.events);
    const said = saidByEvents(whole.events, whole.report.usage);
    const got = await readAsClient(asked.client, withBill(asked.client, asked.stream, heard), asked.stream);
    expect(sayable(got, asked.client)).toEqual(sayable(said, asked.client));
  };

  describe.each(recordings.streams.map((stream) => [stream.name, stream] as const))(
    '%s',
    (name, { dialect, lines }) => {
      const bytes = wireBytes(dialect, lines);
      const wires = WIRES.filter((wire) => wire !== 'split-bytes' || bytes.length <= SPLIT_BYTES_MAX);

      describe.each(CLIENTS)('streamed to a client of %s', (spoken) => {
        it.each(waysOf(dialect, spoken).filter((way) => way === 'translated' || isChat(name)))(
          'says what was recorded, %s, on every wire',
          async (way) => {
            const asked: Asked = { provider: dialect, client: spoken, stream: true, way };
            for (const wire of wires) {
              server.play({ kind: 'stream', lines, wire });
              await read(asked, bytes, await ask(client, targetOf(server.origin, dialect), asked));
            }
          },
        );
      });

      const own = isChat(name) ? dialect : 'openai-completions';
      if (CLIENTS.includes(own) && !UNREADABLE.has(name))
        it('is read by its own official client as by us', async () => {
          const asked: Asked = { provider: dialect, client: 'openai-chat', stream: true, way: 'translated' };
          const { events, report } = readPieces(asked, [bytes]);
          const told = await readAsClient(own, bytes, true);
          // Its usage is in the provider's words, which differ: a table of its own holds them.
          expect({ ...told, usage: saidUsage(report.usage) }).toEqual(saidByEvents(events, report.usage));
        });
    },
  );

  describe.each(recordings.bodies.map((body) => [body.name, body] as const))('%s', (name, { dialect, bytes }) => {
    describe.each(CLIENTS)('as one body to a client of %s', (spoken) => {
      it.each(waysOf(dialect, spoken).filter((way) => way === 'translated' || isChat(name)))(
        'says what was recorded, %s',
        async (way) => {
          const asked: Asked = { provider: dialect, client: spoken, stream: false, way };
          server.play({ kind: 'body', status: 200, bytes });
          await read(asked, bytes, await ask(client, targetOf(server.origin, dialect), asked));
        },
      );
    });
  });

  it('leaves no connection behind but those that wait for the next call', () => {
    expect(server.open.size).toBeLessThanOrEqual(6 * 4);
    expect(server.opened).toBeLessThanOrEqual(6 * 4);
  });
}
