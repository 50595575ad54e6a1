// Asks as the worker does: a client's request becomes a provider's, goes out through the kit, and what comes back is read as bytes of the client's dialect.
import { findPublicDialect, type EventWriter, type PublicDialect } from '@waystation/dialects';
import type { GenerationEvent } from '@waystation/generation';
import {
  TranslatingReader,
  findProviderDialect,
  type ProviderDialect,
  type ResponseReader,
  type ResponseReport,
  type ResponseTerms,
  type UpstreamCall,
  type UpstreamClient,
  type UpstreamMessage,
  type UpstreamRequest,
  type UpstreamTarget,
} from '@waystation/providers';

/** Whether bytes pass, where they may, or go by way of events. */
export type Way = 'translated' | 'passed';

export interface Asked {
  readonly provider: string;
  readonly client: string;
  readonly stream: boolean;
  readonly way: Way;
}

export interface Heard {
  readonly status: number;
  /** What the client gets, but for what waits for the bill. */
  readonly wire: Buffer;
  /** Of translated answers. */
  readonly events: readonly GenerationEvent[];
  readonly report: ResponseReport;
  readonly failure: string | undefined;
}

/** Behind the origin: where providers of the dialect have their API. */
const BASES: Readonly<Record<string, string>> = {
  'openai-chat': '/v1',
  'openai-responses': '/v1',
  'anthropic-messages': '/v1',
  gemini: '/v1beta',
  'bedrock-converse': '',
  cohere: '/v2',
};

const PROMPT = 'say it again';
const BODIES: Readonly<Record<string, object>> = {
  'openai-chat': { messages: [{ role: 'user', content: PROMPT }] },
  'openai-completions': { prompt: PROMPT },
  'openai-responses': { input: PROMPT },
  'anthropic-messages': { max_tokens: 64, messages: [{ role: 'user', content: PROMPT }] },
};

export const TERMS: Omit<ResponseTerms, 'stream'> = {
  generationId: 'gen-1700000000-abcdefghijABCDEFGHIJ',
  model: 'lab/small',
  providerName: 'Lab',
  choices: 1,
  inputTokensEstimate: () => 100,
  tokensMax: { input: 128_000, output: 128_000 },
  quirks: {},
};

export const publicDialect = (name: string): PublicDialect => {
  const found = findPublicDialect(name);
  if (found === undefined) throw new Error(`there is no public dialect ${name}`);
  return found;
};

export const providerDialect = (name: string): ProviderDialect => {
  const found = findProviderDialect(name);
  if (found === undefined) throw new Error(`there is no provider dialect ${name}`);
  return found;
};

export const passes = (provider: string, client: string): boolean =>
  providerDialect(provider).passthrough?.dialects.has(client) === true;

export const targetOf = (origin: string, provider: string, connectionsMax = 4): UpstreamTarget => ({
  url: new URL(`${origin}${BASES[provider] ?? ''}`),
  providerName: 'Lab',
  allowPrivateAddress: true,
  connectionsMax,
  timeouts: { connectMs: 10_000, firstByteMs: 10_000, idleMs: 10_000 },
});

const upstreamOf = ({ provider, client, stream, way }: Asked): UpstreamRequest => {
  const body = Buffer.from(JSON.stringify({ model: 'lab/small', stream, ...BODIES[client] }));
  const { passthrough, translation } = providerDialect(provider);
  if (way === 'passed' && passthrough !== undefined)
    return passthrough.buildRequest({ body, stream, upstreamModel: 'echo', dropParameters: [], quirks: {} });
  if (translation === undefined) throw new Error(`${provider} has no translation`);
  const { call } = publicDialect(client).readCall(body);
  return translation.buildRequest({ call, upstreamModel: 'echo', quirks: {} });
};

export const messageOf = (asked: Asked): UpstreamMessage => {
  const { path, headers, body } = upstreamOf(asked);
  return { path, query: '', headers: [...headers, 'authorization', 'Bearer lab'], body };
};

/** A reader of the answer, and what comes out of it. */
export const readerOf = ({ provider, client, stream, way }: Asked) => {
  const writes: Buffer[] = [];
  const events: GenerationEvent[] = [];
  const terms = { ...TERMS, stream };
  const { passthrough, translation } = providerDialect(provider);
  const sink = (bytes: Buffer): void => void writes.push(bytes);
  let reader: ResponseReader;
  if (way === 'passed' && passthrough !== undefined) reader = passthrough.readResponse(terms, sink);
  else {
    if (translation === undefined) throw new Error(`${provider} has no translation`);
    const writer = publicDialect(client).writeAnswer(terms);
    const listening: EventWriter = {
      warnings: writer.warnings,
      event(event) {
        events.push(event);
        writer.event(event);
      },
      take: () => writer.take(),
      end: () => writer.end(),
      cut: () => writer.cut(),
    };
    reader = new TranslatingReader(translation, terms, listening, sink);
  }
  return { reader, events, wire: () => Buffer.concat(writes) };
};

/** What a reader makes of bytes, given in these pieces, each in a buffer of its own, as from a socket. */
export const readPieces = (asked: Asked, pieces: Iterable<Buffer>): Heard => {
  const { reader, events, wire } = readerOf(asked);
  for (const piece of pieces) if (!reader.done && reader.failure === undefined) reader.push(Buffer.from(piece));
  if (!reader.done && reader.failure === undefined) reader.end();
  return { status: 200, wire: wire(), events, report: reader.report(), failure: reader.failure?.code };
};

/** Over HTTP. `began` gets the call as soon as it is on its way. */
export const ask = (
  client: UpstreamClient,
  target: UpstreamTarget,
  asked: Asked,
  began: (call: UpstreamCall) => void = () => undefined,
): Promise<Heard> =>
  new Promise((resolve, reject) => {
    const { reader, events, wire } = readerOf(asked);
    let status = 0;
    const refused: Buffer[] = [];
    const over = (): void => {
      if (status !== 200) return reject(new Error(`${status}: ${Buffer.concat(refused).toString()}`));
      resolve({ status, wire: wire(), events, report: reader.report(), failure: reader.failure?.code });
    };
    const call = client.send(target, messageOf(asked), {
      head: (head) => void (status = head.status),
      data(bytes) {
        if (status !== 200) refused.push(bytes);
        else if (!reader.done && reader.failure === undefined) reader.push(bytes);
      },
      end() {
        if (status === 200 && !reader.done && reader.failure === undefined) reader.end();
        over();
      },
      fail: reject,
    });
    began(call);
  });
