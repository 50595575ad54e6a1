// The CPU of a stream in one process: worker, bus and ingress without sockets. What the kernel and NATS cost is not in it, so that translation weighs the most here.
import { CHUNKS, PAIRS, PASSTHROUGH, eventsOf, fetchStream, nameOf, piecesOf, type Pair } from './dialect-pairs.ts';
import { median, medianRatio } from './median.ts';
import { startSandbox } from './processes.ts';
import { replayStream } from './replay-stream.ts';

const STREAMS_A_ROUND = 10;
/** Until the compiler is done: one round alone runs each path 10,000 times. */
const WARM_ROUNDS = 4;
/** What a socket read gives where more is there. */
const READ_BYTES = 16 * 1024;

export const measureInProcess = async (rounds: number, say: (line?: string) => void): Promise<void> => {
  const sandbox = await startSandbox();
  const streams = await Promise.all(PAIRS.map((pair) => fetchStream(pair, sandbox.port)));
  sandbox.stop();
  const ways = PAIRS.flatMap((pair, at) => {
    const bytes = streams[at] ?? Buffer.alloc(0);
    return [
      { pair, form: 'chunks', pieces: eventsOf(pair, bytes), ms: [] as number[] },
      { pair, form: 'reads', pieces: piecesOf(bytes, READ_BYTES), ms: [] as number[] },
    ];
  });
  for (let round = -WARM_ROUNDS; round < rounds; round += 1)
    for (const { pair, pieces, ms } of ways) {
      const before = process.cpuUsage();
      for (let stream = 0; stream < STREAMS_A_ROUND; stream += 1) {
        const { outputTokens } = await replayStream(pair, pieces);
        if (outputTokens !== CHUNKS) throw new Error(`${nameOf(pair)} counted ${outputTokens} tokens`);
      }
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) ms.push((user + system) / 1000 / STREAMS_A_ROUND);
    }

  const msOf = (pair: Pair, form: string): readonly number[] =>
    ways.find((way) => way.pair === pair && way.form === form)?.ms ?? [];
  const cells = (pair: Pair, form: string): string =>
    `${median(msOf(pair, form)).toFixed(2)} | ${medianRatio(msOf(pair, form), msOf(PASSTHROUGH, form)).toFixed(2)}`;
  say();
  say(`## In one process, ${rounds} rounds of ${STREAMS_A_ROUND} streams`);
  say();
  say('| provider → client | ms a stream, chunk by chunk | × | ms a stream, in reads of 16 kB | × |');
  say('|---|---|---|---|---|');
  for (const pair of PAIRS) say(`| ${nameOf(pair)} | ${cells(pair, 'chunks')} | ${cells(pair, 'reads')} |`);
};
