// A conversation with what its assistant has said so far behind it, in the bytes of the request: the model goes on from there. Chat completions and Messages have the same shape for it.
// https://docs.anthropic.com/en/docs/build-with-claude/prompt-engineering/prefill-claudes-response
import { spliceJson } from '../json/edit-members.js';
import { findAtPath } from '../json/find-at-path.js';

/** Undefined where the last message is an assistant's already, or where there is none. */
export const withAssistantText = (body: Buffer, text: string): Buffer | undefined => {
  const last = findAtPath(body, ['messages', { each: undefined }]).at(-1);
  if (last === undefined) return undefined;
  const role = findAtPath(body, ['role'], last.start).at(-1);
  if (role === undefined || body.toString('utf8', role.start, role.end) === '"assistant"') return undefined;
  const replacement = `,{"role":"assistant","content":${JSON.stringify(text)}}`;
  return spliceJson(body, [{ start: last.end, end: last.end, replacement }]);
};
