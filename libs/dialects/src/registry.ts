// The one place where the name of a public dialect meets code.
import { openAiChat } from './openai-chat/openai-chat.js';
import type { CallDialect } from './public-dialect.js';

const DIALECTS: readonly CallDialect[] = [openAiChat];

const byName: ReadonlyMap<string, CallDialect> = new Map(DIALECTS.map((dialect) => [dialect.name, dialect]));

/** Undefined for a dialect whose requests are no generation calls. */
export const findCallDialect = (name: string): CallDialect | undefined => byName.get(name);
