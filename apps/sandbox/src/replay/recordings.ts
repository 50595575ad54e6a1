// Recordings of real providers, where they lie beside the repository, by the dialect that they speak.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve('../shared/data/recorded');

/** Names without what stands behind the first dot that tells the kind of file. */
const CONVERSATIONS: Readonly<Record<string, string>> = {
  'alibaba/alibaba-text': 'openai-chat',
  'amazon-bedrock/amazon-bedrock-reasoning': 'bedrock-converse',
  'amazon-bedrock/amazon-bedrock-text': 'bedrock-converse',
  'amazon-bedrock/amazon-bedrock-tool-call.1': 'bedrock-converse',
  'anthropic/anthropic-json-other-tool.1': 'anthropic-messages',
  'anthropic/anthropic-text': 'anthropic-messages',
  'azure/azure-text.1': 'openai-responses',
  'cohere/cohere-text': 'cohere',
  'cohere/cohere-tool-call': 'cohere',
  'deepseek/deepseek-reasoning': 'openai-chat',
  'deepseek/deepseek-text': 'openai-chat',
  'deepseek/deepseek-tool-call': 'openai-chat',
  'google/google-reasoning': 'gemini',
  'google/google-text': 'gemini',
  'google/google-tool-call': 'gemini',
  'groq/groq-reasoning': 'openai-chat',
  'groq/groq-text': 'openai-chat',
  'groq/groq-tool-call': 'openai-chat',
  'mistral/mistral-text': 'openai-chat',
  'mistral/mistral-tool-call': 'openai-chat',
  'openai/openai-completion-text': 'openai-chat',
  'openai/openai-reasoning-encrypted-content.1': 'openai-responses',
  'openai/openai-text': 'openai-chat',
  'xai/xai-text': 'openai-chat',
};

/** Jobs of one body and a refusal: tried where jobs and refusals are (`libs/providers`). */
const OTHERS = [
  'amazon-bedrock/amazon-bedrock-reranking.1',
  'cohere/cohere-embedding',
  'cohere/cohere-reranking.1',
  'google/google-429-retry-info',
  'openai/openai-embedding',
];

export interface RecordedStream {
  readonly name: string;
  readonly dialect: string;
  /** The JSON of each event. */
  readonly lines: readonly string[];
}
export interface RecordedBody {
  readonly name: string;
  readonly dialect: string;
  readonly bytes: Buffer;
}
export interface Recordings {
  readonly streams: readonly RecordedStream[];
  readonly bodies: readonly RecordedBody[];
  /** Files that no test knows. */
  readonly unknown: readonly string[];
}

const linesOf = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');

/** A recording of several turns has a response each. */
const turnsOf = (lines: readonly string[]): string[][] => {
  const turns: string[][] = [];
  for (const line of lines) {
    if (turns.length === 0 || line.startsWith('{"type":"response.created"')) turns.push([]);
    turns.at(-1)?.push(line);
  }
  return turns;
};

/** Undefined where there are none at all; whoever reads the run is told. */
export const findRecordings = (): Recordings | undefined => {
  if (!existsSync(folder)) {
    // eslint-disable-next-line no-console -- whoever reads the run must see that something was not tried
    console.log(`skipped: recordings of providers are not at ${folder}`);
    return undefined;
  }
  const streams: RecordedStream[] = [];
  const bodies: RecordedBody[] = [];
  for (const [name, dialect] of Object.entries(CONVERSATIONS)) {
    const [stream, body] = [path.join(folder, `${name}.chunks.txt`), path.join(folder, `${name}.json`)];
    const turns = existsSync(stream) ? turnsOf(linesOf(stream)) : [];
    for (const [turn, lines] of turns.entries())
      streams.push({ name: turns.length === 1 ? name : `${name}, turn ${turn}`, dialect, lines });
    if (existsSync(body)) bodies.push({ name, dialect, bytes: readFileSync(body) });
  }
  const known = new Set([...Object.keys(CONVERSATIONS), ...OTHERS]);
  const unknown = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(json|chunks\.txt)$/.test(file))
    .filter((file) => !known.has(file.replace(/\.(json|chunks\.txt)$/, '')));
  return { streams, bodies, unknown };
};
