// The one place where a dialect's name in the catalog meets code.
import { anthropicMessages } from './anthropic-messages/anthropic-messages.js';
import { gemini } from './gemini/gemini.js';
import { openaiChat } from './openai-chat/openai-chat.js';
import { azureOpenAi } from './azure-openai/azure-openai.js';
import { openaiResponses } from './openai-responses/openai-responses.js';
import type { ProviderDialect } from './spec.js';

const DIALECTS: readonly ProviderDialect[] = [openaiChat, azureOpenAi, openaiResponses, anthropicMessages, gemini];

const byName: ReadonlyMap<string, ProviderDialect> = new Map(DIALECTS.map((dialect) => [dialect.name, dialect]));

export const PROVIDER_DIALECTS: readonly string[] = DIALECTS.map((dialect) => dialect.name);

export const findProviderDialect = (name: string): ProviderDialect | undefined => byName.get(name);

/** How providers of a dialect take a secret where nothing else is said. */
export const usualCredential = (dialect: string): NonNullable<ProviderDialect['credential']> =>
  byName.get(dialect)?.credential ?? { kind: 'bearer' };
