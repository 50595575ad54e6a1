// Which translations are measured against the passthrough, and what a provider answers in each: the sandbox's own bytes, asked for through the product's request builders.
import { findPublicDialect } from '@waystation/dialects';
import { findProviderDialect, type ProviderDialect, type UpstreamRequest } from '@waystation/providers';

export interface Pair {
  /** That the provider speaks. */
  readonly upstream: string;
  /** That the client speaks. */
  readonly client: string;
  /** Of the sandbox, in front of the dialect's own paths. */
  readonly basePath: string;
}

export const PASSTHROUGH: Pair = { upstream: 'openai-chat', client: 'openai-chat', basePath: '/v1' };

export const TRANSLATED: readonly Pair[] = [
  { upstream: 'anthropic-messages', client: 'openai-chat', basePath: '/v1' },
  { upstream: 'gemini', client: 'openai-chat', basePath: '/v1beta' },
  { upstream: 'bedrock-converse', client: 'openai-chat', basePath: '' },
  { upstream: 'openai-responses', client: 'openai-chat', basePath: '/v1' },
  { upstream: 'openai-chat', client: 'anthropic-messages', basePath: '/v1' },
  { upstream: 'openai-chat', client: 'openai-responses', basePath: '/v1' },
];

export const PAIRS: readonly Pair[] = [PASSTHROUGH, ...TRANSLATED];

/** How many chunks of content a stream has. */
export const CHUNKS = 1_000;

const WORDS: Readonly<Record<string, string>> = {
  'openai-chat': 'chat',
  'anthropic-messages': 'Messages',
  'openai-responses': 'Responses',
  gemini: 'Gemini',
  'bedrock-converse': 'Bedrock',
};
const word = (dialect: string): string => WORDS[dialect] ?? dialect;

/** What the provider speaks → what the client speaks. */
export const nameOf = (pair: Pair): string =>
  pair === PASSTHROUGH ? 'chat, passed through' : `${word(pair.upstream)} → ${word(pair.client)}`;

/** Public path and body of a client's request. */
export const requestOf = ({ client }: Pair, model: string): { readonly path: string; readonly body: string } => {
  const content = 'Tell me of way stations.';
  switch (client) {
    case 'anthropic-messages':
      return {
        path: '/api/v1/messages',
        body: JSON.stringify({ model, max_tokens: 4_096, stream: true, messages: [{ role: 'user', content }] }),
      };
    case 'openai-responses':
      return { path: '/api/v1/responses', body: JSON.stringify({ model, stream: true, input: content }) };
    default:
      return {
        path: '/api/v1/chat/completions',
        body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content }] }),
      };
  }
};

export const dialectOf = ({ upstream }: Pair): ProviderDialect => {
  const dialect = findProviderDialect(upstream);
  if (dialect === undefined) throw new Error(`no provider dialect ${upstream}`);
  return dialect;
};

const upstreamRequest = (pair: Pair, upstreamModel: string): UpstreamRequest => {
  const { passthrough, translation } = dialectOf(pair);
  const body = Buffer.from(requestOf(pair, 'bench').body);
  if (passthrough?.dialects.has(pair.client) === true)
    return passthrough.buildRequest({ body, stream: true, upstreamModel, dropParameters: [], quirks: {} });
  const spoken = findPublicDialect(pair.client);
  if (translation === undefined || spoken === undefined) throw new Error(`${nameOf(pair)} is no translation`);
  return translation.buildRequest({
    call: spoken.readCall(body).call,
    upstreamModel,
    outputTokensMax: 4_096,
    quirks: {},
  });
};

/** Asks the sandbox for a stream of `CHUNKS` tokens: what the provider's socket would give. */
export const fetchStream = async (pair: Pair, sandboxPort: number): Promise<Buffer> => {
  const { path, headers, body } = upstreamRequest(pair, `m-${CHUNKS}-0-0`);
  const named: [string, string][] = [['authorization', 'Bearer sk-bench']];
  for (let at = 0; at + 1 < headers.length; at += 2) named.push([headers[at] ?? '', headers[at + 1] ?? '']);
  const response = await fetch(`http://127.0.0.1:${sandboxPort}${pair.basePath}${path}`, {
    method: 'POST',
    headers: named,
    body: new Uint8Array(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${nameOf(pair)}: the sandbox answered ${response.status}: ${bytes.toString()}`);
  return bytes;
};

const EVENT_END = Buffer.from('\n\n');

/** One piece for each event, as a provider writes them when a token is there. */
export const eventsOf = (pair: Pair, bytes: Buffer): readonly Buffer[] => {
  const events: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end =
      pair.upstream === 'bedrock-converse'
        ? at + bytes.readUInt32BE(at)
        : bytes.indexOf(EVENT_END, at) + EVENT_END.length;
    events.push(bytes.subarray(at, end));
    at = end;
  }
  return events;
};

/** As a socket gives what was there before anybody read. */
export const piecesOf = (bytes: Buffer, pieceBytes: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
