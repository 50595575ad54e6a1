// All dialects that the sandbox speaks, by path.
import { anthropicMessages } from './anthropic-messages/anthropic-messages.js';
import { bedrockConverse } from './bedrock-converse/bedrock-converse.js';
import { cohere } from './cohere/cohere.js';
import { cohereEmbed } from './cohere/cohere-embed.js';
import type { Dialect, PathFacts } from './dialect.js';
import { embeddings } from './embeddings/embeddings.js';
import { cohereRerank, rerank } from './rerank/rerank.js';
import { gemini } from './gemini/gemini.js';
import { openaiChat } from './openai-chat/openai-chat.js';
import { openaiResponses } from './openai-responses/openai-responses.js';
import { transcriptions } from './transcriptions/transcriptions.js';

const DIALECTS: readonly Dialect[] = [
  openaiChat,
  openaiResponses,
  anthropicMessages,
  gemini,
  bedrockConverse,
  cohere,
  embeddings,
  cohereEmbed,
  rerank,
  cohereRerank,
  transcriptions,
];

const byPath: ReadonlyMap<string, Dialect> = new Map(
  DIALECTS.flatMap((dialect) => dialect.paths.map((path) => [path, dialect] as const)),
);

export interface Route {
  readonly dialect: Dialect;
  readonly facts: PathFacts;
}

export const findRoute = (path: string): Route | undefined => {
  const exact = byPath.get(path);
  if (exact !== undefined) return { dialect: exact, facts: {} };
  for (const dialect of DIALECTS) {
    const facts = dialect.readPath?.(path);
    if (facts !== undefined) return { dialect, facts };
  }
  return undefined;
};
