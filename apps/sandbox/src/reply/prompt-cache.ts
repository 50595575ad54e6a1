// A prompt cache as providers have it: whole messages seen before at the start of a prompt count as cached, until nobody has read them for a while. Each model has one of its own.
// Bounded, the longest unread out first.
import { hash } from 'node:crypto';
import type { SandboxMessage } from './call.js';
import { MEDIA_PART_TOKENS, MESSAGE_OVERHEAD_TOKENS, countTokens } from './tokens.js';

const PREFIXES_MAX = 100_000;

export interface PromptCache {
  /** Tokens of the longest known prefix. The prompt's own prefixes are known afterwards, each for `ttlMs` from when it is read again. */
  read(model: string, messages: readonly SandboxMessage[], ttlMs: number): number;
}

/** @param nowMs a clock that never goes back; its beginning does not matter */
export const createPromptCache = (nowMs: () => number): PromptCache => {
  /** When each is forgotten. In the order in which they were read, the longest unread first. */
  const known = new Map<string, number>();
  return {
    read(model, messages, ttlMs) {
      const now = nowMs();
      let cached = 0;
      let tokens = 0;
      let prefix = model;
      for (const message of messages) {
        prefix = hash('sha1', `${prefix}\n${message.role}\n${message.mediaParts}\n${message.text}`);
        tokens += MESSAGE_OVERHEAD_TOKENS + countTokens(message.text) + message.mediaParts * MEDIA_PART_TOKENS;
        if ((known.get(prefix) ?? now) > now) cached = tokens;
        known.delete(prefix);
        known.set(prefix, now + ttlMs);
      }
      for (const [oldest, forgottenMs] of known) {
        if (forgottenMs > now && known.size <= PREFIXES_MAX) break;
        known.delete(oldest);
      }
      return cached;
    },
  };
};
