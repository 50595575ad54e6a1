// A prompt cache as providers have it: whole messages seen before at the start of a prompt count as cached, until nobody has read them for a while. Each model has one of its own.
// A provider that wants marks keeps a prompt up to where it is marked, and looks for it some messages back from there. Bounded, the longest unread out first.
import { hash } from 'node:crypto';
import type { SandboxCall } from './call.js';
import { MEDIA_PART_TOKENS, MESSAGE_OVERHEAD_TOKENS, countTokens } from './tokens.js';

const PREFIXES_MAX = 100_000;

/** How many messages before a mark a cache looks at. https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#when-to-use-multiple-breakpoints */
const LOOKED_BACK_MAX = 20;

export interface CacheHit {
  /** Tokens of the longest known prefix. */
  readonly read: number;
  /** Tokens behind it that are known from now on, where that is told. */
  readonly written: number;
}

export interface PromptCache {
  /** The prompt's own prefixes are known afterwards, each for `ttlMs` from when it is read again. */
  read(prompt: Pick<SandboxCall, 'model' | 'messages' | 'cachesMarked'>, ttlMs: number): CacheHit;
}

/** @param nowMs a clock that never goes back; its beginning does not matter */
export const createPromptCache = (nowMs: () => number): PromptCache => {
  /** When each is forgotten. In the order in which they were read, the longest unread first. */
  const known = new Map<string, number>();
  return {
    read({ model, messages, cachesMarked }, ttlMs) {
      const now = nowMs();
      let cached = 0;
      let kept = 0;
      let tokens = 0;
      let prefix = model;
      const marks = messages.flatMap(({ cacheMark }, at) => (cacheMark === true ? [at] : []));
      for (const [at, message] of messages.entries()) {
        prefix = hash('sha1', `${prefix}\n${message.role}\n${message.mediaParts}\n${message.text}`);
        tokens += MESSAGE_OVERHEAD_TOKENS + countTokens(message.text) + message.mediaParts * MEDIA_PART_TOKENS;
        const isSeen = cachesMarked !== true || marks.some((mark) => mark >= at && mark - at < LOOKED_BACK_MAX);
        const isKnown = isSeen && (known.get(prefix) ?? now) > now;
        if (isKnown) cached = tokens;
        if (!isKnown && cachesMarked === true && message.cacheMark !== true) continue;
        kept = tokens;
        known.delete(prefix);
        known.set(prefix, now + ttlMs);
      }
      for (const [oldest, forgottenMs] of known) {
        if (forgottenMs > now && known.size <= PREFIXES_MAX) break;
        known.delete(oldest);
      }
      return { read: cached, written: cachesMarked === true ? kept - cached : 0 };
    },
  };
};
