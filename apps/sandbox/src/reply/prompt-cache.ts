// A prompt cache as providers have it: whole messages seen before at the start of a prompt count as cached. Bounded, oldest out first.
import { hash } from 'node:crypto';
import type { SandboxMessage } from './call.js';
import { MEDIA_PART_TOKENS, MESSAGE_OVERHEAD_TOKENS, countTokens } from './tokens.js';

const PREFIXES_MAX = 10_000;

export interface PromptCache {
  /** Tokens of the longest known prefix. The prompt's own prefixes are known afterwards. */
  read(model: string, messages: readonly SandboxMessage[]): number;
}

export const createPromptCache = (): PromptCache => {
  const known = new Set<string>();
  return {
    read(model, messages) {
      let cached = 0;
      let tokens = 0;
      let prefix = model;
      for (const message of messages) {
        prefix = hash('sha1', `${prefix}\n${message.role}\n${message.mediaParts}\n${message.text}`);
        tokens += MESSAGE_OVERHEAD_TOKENS + countTokens(message.text) + message.mediaParts * MEDIA_PART_TOKENS;
        if (known.has(prefix)) cached = tokens;
        known.delete(prefix);
        known.add(prefix);
      }
      for (const oldest of known) {
        if (known.size <= PREFIXES_MAX) break;
        known.delete(oldest);
      }
      return cached;
    },
  };
};
