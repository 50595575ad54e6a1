// One exchange over the relay: a client's request to a lab, and the lab's answer back. As the worker does it, without the network.
import { fitCall } from '../fit-call.js';
import { TranslatingReader } from '../events/translate-response.js';
import type { ResponseReader, ResponseTerms } from '../spec.js';
import type { Reply } from './script.js';
import type { Asked, ClientKind, Json, Lab } from './sides.js';

export interface Exchanged {
  readonly request: Json;
  readonly wire: string;
  /** Fields and messages of what was told as lost. */
  readonly warnings: readonly string[];
}

const TOKENS = { input: 100_000, output: 100_000 };
const PIECE_BYTES = 97;

export const askedOf = ({ dialect, traits }: ClientKind, lab: Lab): Asked => ({
  traits,
  passes: lab.dialect.passthrough?.dialects.has(dialect.name) === true,
});

const told = (warnings: Exchanged['warnings'] | readonly { field?: string; message: string }[] = []): string[] =>
  warnings.map((warning) =>
    typeof warning === 'string' ? warning : [warning.field, warning.message].filter(Boolean).join(': '),
  );

export const exchange = (kind: ClientKind, lab: Lab, asks: Json, reply: Reply, stream: boolean): Exchanged => {
  const bytes = Buffer.from(JSON.stringify(asks));
  const { dialect } = kind;
  const { passthrough, translation } = lab.dialect;
  dialect.readRequest(bytes, { hash: (text) => String(text.length) });
  const terms: ResponseTerms = {
    stream,
    generationId: `gen-1700000000-${reply.key.padStart(20, '0')}`,
    model: 'lab/m',
    providerName: 'Lab',
    choices: 1,
    inputTokensEstimate: () => 1,
    tokensMax: TOKENS,
    quirks: lab.quirks,
  };
  const common = { upstreamModel: 'm', quirks: lab.quirks };
  const writes: Buffer[] = [];
  const sink = (write: Buffer): void => void writes.push(Buffer.from(write));
  let upstream, reader: ResponseReader;
  const warnings: string[] = [];
  if (askedOf(kind, lab).passes && passthrough !== undefined) {
    upstream = passthrough.buildRequest({ ...common, body: bytes, stream, dropParameters: [] });
    reader = passthrough.readResponse(terms, sink);
  } else if (translation !== undefined) {
    const reading = dialect.readCall(bytes);
    const { call } = fitCall(reading.call, { dropParameters: [] });
    upstream = translation.buildRequest({ ...common, call });
    warnings.push(...told(reading.warnings));
    reader = new TranslatingReader(translation, terms, dialect.writeAnswer(terms), sink);
  } else throw new Error(`${lab.name} cannot be asked`);
  const answer = lab.answer(reply, stream);
  for (let at = 0; at < answer.length && !reader.done; at += PIECE_BYTES)
    reader.push(Buffer.from(answer.subarray(at, at + PIECE_BYTES)));
  if (!reader.done) reader.end();
  if (reader.failure !== undefined) throw reader.failure;
  const report = reader.report();
  const head = { generationId: terms.generationId, createdSeconds: 1, model: 'lab/m', providerName: 'Lab' };
  const end = stream ? dialect.streamEnd(head, undefined, report.tail) : '';
  return {
    request: JSON.parse(upstream.body.toString()) as Json,
    wire: Buffer.concat(writes).toString() + end,
    warnings: [...new Set([...warnings, ...told(upstream.warnings), ...told(report.warnings)])],
  };
};
