// The one place where a dialect's name in the catalog meets code.
import { anthropicMessages } from './anthropic-messages/anthropic-messages.js';
import { gemini } from './gemini/gemini.js';
import { bedrockConverse } from './bedrock-converse/bedrock-converse.js';
import { cohere } from './cohere/cohere.js';
import { jina } from './jina/jina.js';
import { voyage } from './voyage/voyage.js';
import { openaiChat } from './openai-chat/openai-chat.js';
import { vertexAnthropic } from './vertex-anthropic/vertex-anthropic.js';
import { azureOpenAi } from './azure-openai/azure-openai.js';
import { openaiResponses } from './openai-responses/openai-responses.js';
import type { ProviderDialect } from './spec.js';

const DIALECTS: readonly ProviderDialect[] = [
  openaiChat,
  azureOpenAi,
  openaiResponses,
  anthropicMessages,
  vertexAnthropic,
  gemini,
  bedrockConverse,
  cohere,
  voyage,
  jina,
];

const byName: ReadonlyMap<string, ProviderDialect> = new Map(DIALECTS.map((dialect) => [dialect.name, dialect]));

export const PROVIDER_DIALECTS: readonly string[] = DIALECTS.map((dialect) => dialect.name);

export const findProviderDialect = (name: string): ProviderDialect | undefined => byName.get(name);

/** How providers of a dialect take a secret where nothing else is said. */
export const usualCredential = (dialect: string): NonNullable<ProviderDialect['credential']> =>
  byName.get(dialect)?.credential ?? { kind: 'bearer' };
