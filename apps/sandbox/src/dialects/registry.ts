// All dialects that the sandbox speaks, by path below its base URL.
import type { Dialect } from './dialect.js';
import { openaiChat } from './openai-chat/openai-chat.js';

const DIALECTS: readonly Dialect[] = [openaiChat];

export const dialectByPath: ReadonlyMap<string, Dialect> = new Map(DIALECTS.map((dialect) => [dialect.path, dialect]));
