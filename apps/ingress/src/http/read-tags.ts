// `X-Waystation-Tags: team-search, nightly`: labels of a call, for limits and reports.
import { WaystationError } from '@waystation/contracts';

const TAGS_MAX = 8;
const TAG = /^[\w.:/@-]{1,64}$/;

export const isTag = (text: string): boolean => TAG.test(text);

/** Undefined where there is no such header. @throws WaystationError `invalid_request` */
export const readTags = (header: string | undefined): string[] | undefined => {
  if (header === undefined) return undefined;
  const tags = [...new Set(header.split(',').map((tag) => tag.trim()))].filter((tag) => tag !== '');
  const bad = tags.find((tag) => !isTag(tag));
  if (tags.length > TAGS_MAX || bad !== undefined) {
    const problem =
      bad === undefined
        ? `at most ${TAGS_MAX} tags are allowed, received ${tags.length}`
        : `a tag has 1 to 64 letters, digits or any of . : / @ _ -, received ${JSON.stringify(bad.slice(0, 80))}`;
    throw new WaystationError('invalid_request', `x-waystation-tags: ${problem}`, {
      details: { field: 'x-waystation-tags' },
    });
  }
  return tags.length === 0 ? undefined : tags;
};
