// The one place where the name of a public dialect meets code.
import { anthropicMessages } from './anthropic-messages/anthropic-messages.js';
import { openAiChat } from './openai-chat/openai-chat.js';
import { openAiCompletions } from './openai-completions/openai-completions.js';
import { openAiResponses } from './openai-responses/openai-responses.js';
import type { PublicDialect } from './public-dialect.js';

const DIALECTS: readonly PublicDialect[] = [openAiChat, openAiCompletions, openAiResponses, anthropicMessages];

const byName: ReadonlyMap<string, PublicDialect> = new Map(DIALECTS.map((dialect) => [dialect.name, dialect]));

export const findPublicDialect = (name: string): PublicDialect | undefined => byName.get(name);
