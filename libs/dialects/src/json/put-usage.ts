// The usage of a whole answer, set in its bytes: in place of the one that stands there, in front where there is none.
import { editMembers } from './edit-members.js';
import { scanTopLevelFields } from './scan-top-level.js';

const USAGE: ReadonlySet<string> = new Set(['usage']);

/** The answer as it is without a usage to put. Undefined where the bytes are no JSON object. */
export const putUsage = (answer: Buffer, json: string | undefined): Buffer | undefined => {
  const spans = scanTopLevelFields(answer, USAGE);
  if (spans === undefined || json === undefined) return spans === undefined ? undefined : answer;
  const last = spans.at(-1);
  return last === undefined
    ? editMembers(answer, { insert: [{ key: 'usage', json }] })
    : editMembers(answer, { replace: [{ span: last, json }] });
};
