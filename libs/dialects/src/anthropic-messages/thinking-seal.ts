// What a thought's block carries back to whoever made it. Claude's own signatures and data stay as they are; everybody else's stand in an envelope that says whose they are,
// for clients send both back unread: https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks
import { enclose } from '../reasoning/envelope.js';
import { CLAUDE_FORMAT, UNKNOWN_FORMAT } from '../reasoning/format.js';

export interface Thought {
  readonly format?: string;
  readonly id?: string;
  readonly summary?: true;
}
export interface Seal {
  readonly signature?: string;
  readonly encrypted?: string;
}

export interface ThinkingSeal {
  /** Of the block with the words; undefined where there is nothing to sign and no words are to be shown. */
  readonly signature: string | undefined;
  /** Of a block of its own. */
  readonly data: string | undefined;
  /** It was too long to go along. */
  readonly lost: boolean;
}

export const sealThinking = (
  { format = UNKNOWN_FORMAT, id, summary }: Thought,
  { signature, encrypted }: Seal,
  hasWords: boolean,
): ThinkingSeal => {
  if (format === CLAUDE_FORMAT) return { signature, data: encrypted, lost: false };
  const isSealed = signature !== undefined || encrypted !== undefined;
  if (!hasWords && !isSealed) return { signature: undefined, data: undefined, lost: false };
  const about = { ...(id === undefined ? {} : { id }), ...(summary === undefined ? {} : { summary }) };
  const sealed = {
    ...(signature === undefined ? {} : { signature }),
    ...(encrypted === undefined ? {} : { encrypted }),
  };
  const envelope = enclose({ format, ...about, ...sealed });
  return {
    signature: hasWords ? envelope : undefined,
    data: hasWords ? undefined : envelope,
    lost: envelope === undefined,
  };
};
