// What a station says in a chat completion beside its model: annotations about files that it read.
import { editMembers, spliceJson } from '../json/edit-members.js';
import { findAtPath, type Step } from '../json/find-at-path.js';
import { scanArray } from '../json/scan-top-level.js';

export interface FileNote {
  readonly hash: string;
  readonly name: string | undefined;
  readonly texts: readonly string[];
}

const noteJson = ({ hash, name, texts }: FileNote): string =>
  JSON.stringify({
    type: 'file',
    file: { hash, name: name ?? '', content: texts.map((text) => ({ type: 'text', text })) },
  });

export const notesJson = (notes: readonly FileNote[]): string => notes.map(noteJson).join(',');

const FIRST: readonly Step[] = ['choices', { each: undefined }, 'message'];

/** A whole chat completion with annotations behind those that its first choice has. */
export const withFileNotes = (body: Buffer, notes: readonly FileNote[]): Buffer => {
  if (notes.length === 0) return body;
  const [message] = findAtPath(body, FIRST);
  if (message === undefined) return body;
  const json = notesJson(notes);
  const [list] = findAtPath(body, [...FIRST, 'annotations']);
  if (list === undefined || list.start > message.end)
    return editMembers(body, { insert: [{ key: 'annotations', json: `[${json}]` }] }, message.start);
  const items = scanArray(body, list.start) ?? [];
  const before = items.map(({ start, end }) => `${body.toString('utf8', start, end)},`).join('');
  return spliceJson(body, [{ ...list, replacement: `[${before}${json}]` }]);
};
