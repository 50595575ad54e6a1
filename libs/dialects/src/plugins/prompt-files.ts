// Files in the body of a request, where they stand in its bytes, and text in their place. Pure; what a file says is read elsewhere.
import { spliceJson, type JsonEdit } from '../json/edit-members.js';
import { findAtPath, type ByteSpan, type Step } from '../json/find-at-path.js';
import { isObject, type JsonObject } from '../openai-chat/check-type.js';
import { textOf } from '../request/json-shape.js';

/** What can be done with a file here: its bytes can be read as a PDF, its text stands there, or neither. */
export type PromptFile = ByteSpan & {
  readonly filename: string | undefined;
  readonly content:
    | { readonly kind: 'pdf'; readonly base64: string }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'url' }
    | { readonly kind: 'file-id' }
    | { readonly kind: 'other'; readonly mediaType: string };
};

/** How a dialect says files: where they may stand, what one holds, and how it says text in their place. */
export interface FileShapes {
  readonly paths: readonly (readonly Step[])[];
  readonly read: (part: JsonObject) => Pick<PromptFile, 'filename' | 'content'>;
  readonly textType: string;
}

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/;
const PDF = 'application/pdf';

const ofData = (data: string): PromptFile['content'] => {
  if (!data.startsWith('data:'))
    return /^https?:/.test(data) ? { kind: 'url' } : { kind: 'other', mediaType: 'unknown' };
  // Only the head is matched: the data may be megabytes.
  const head = DATA_URL.exec(data.slice(0, 512));
  const mediaType = head?.[1]?.toLowerCase() ?? '';
  return head !== null && mediaType === PDF && (head[2] ?? '').endsWith(';base64')
    ? { kind: 'pdf', base64: data.slice(head[0].length) }
    : { kind: 'other', mediaType };
};

const named = (value: unknown): { filename: string | undefined } => ({ filename: textOf(value) });

/** https://openrouter.ai/docs/guides/overview/multimodal/pdfs */
export const CHAT_FILES: FileShapes = {
  paths: [['messages', { each: undefined }, 'content', { each: 'file' }]],
  read: (part) => {
    const file = isObject(part['file']) ? part['file'] : {};
    const data = textOf(file['file_data']);
    return { ...named(file['filename']), content: data === undefined ? { kind: 'file-id' } : ofData(data) };
  },
  textType: 'text',
};

/** https://docs.anthropic.com/en/docs/build-with-claude/pdf-support */
export const MESSAGES_FILES: FileShapes = {
  paths: [
    ['messages', { each: undefined }, 'content', { each: 'document' }],
    ['messages', { each: undefined }, 'content', { each: 'tool_result' }, 'content', { each: 'document' }],
  ],
  read: (part) => {
    const source = isObject(part['source']) ? part['source'] : {};
    const data = textOf(source['data']) ?? '';
    const mediaType = textOf(source['media_type']) ?? '';
    const content: PromptFile['content'] =
      source['type'] === 'text'
        ? { kind: 'text', text: data }
        : source['type'] === 'base64'
          ? mediaType.toLowerCase() === PDF
            ? { kind: 'pdf', base64: data }
            : { kind: 'other', mediaType }
          : { kind: source['type'] === 'url' ? 'url' : 'file-id' };
    return { ...named(part['title']), content };
  },
  textType: 'text',
};

/** https://platform.openai.com/docs/guides/pdf-files?api-mode=responses */
export const RESPONSES_FILES: FileShapes = {
  paths: [
    ['input', { each: undefined }, 'content', { each: 'input_file' }],
    ['input', { each: undefined }, 'output', { each: 'input_file' }],
  ],
  read: (part) => {
    const data = textOf(part['file_data']) ?? textOf(part['file_url']);
    return { ...named(part['filename']), content: data === undefined ? { kind: 'file-id' } : ofData(data) };
  },
  textType: 'input_text',
};

/** In order of position. */
export const filesIn = (body: Buffer, { paths, read }: FileShapes): PromptFile[] =>
  paths
    .flatMap((path) => findAtPath(body, path))
    .sort((a, b) => a.start - b.start)
    .map((span) => {
      const part: unknown = JSON.parse(body.toString('utf8', span.start, span.end));
      return { ...span, ...read(isObject(part) ? part : {}) };
    });

/** What was read of a file, to be said in its place. */
export interface ReadFile extends ByteSpan {
  readonly texts: readonly string[];
}

const ANNOTATIONS: readonly Step[] = ['messages', { each: undefined }, 'annotations'];

/** Annotations of earlier answers say what files say, which is said in their place now. */
const withoutFileNotes = (body: Buffer): JsonEdit[] =>
  findAtPath(body, ANNOTATIONS).flatMap((span) => {
    const list: unknown = JSON.parse(body.toString('utf8', span.start, span.end));
    if (!Array.isArray(list)) return [];
    const others = (list as unknown[]).filter((each) => !isObject(each) || each['type'] !== 'file');
    return others.length === list.length ? [] : [{ ...span, replacement: JSON.stringify(others) }];
  });

/** The body with text in place of these files. */
export const replaceFiles = (body: Buffer, files: readonly ReadFile[], { textType }: FileShapes): Buffer =>
  spliceJson(
    body,
    [
      ...files.map(({ start, end, texts }) => ({
        ...{ start, end },
        replacement: texts.map((text) => JSON.stringify({ type: textType, text })).join(','),
      })),
      ...withoutFileNotes(body),
    ].sort((a, b) => a.start - b.start),
  );

/** What earlier answers told of files, by the hash of each: whoever sends it back spares the reading. */
export const fileNotesIn = (body: Buffer): ReadonlyMap<string, readonly string[]> => {
  const notes = new Map<string, readonly string[]>();
  for (const span of findAtPath(body, ANNOTATIONS)) {
    const list: unknown = JSON.parse(body.toString('utf8', span.start, span.end));
    for (const note of Array.isArray(list) ? (list as unknown[]) : []) {
      const file = isObject(note) && note['type'] === 'file' ? note['file'] : undefined;
      if (!isObject(file) || typeof file['hash'] !== 'string' || !Array.isArray(file['content'])) continue;
      const texts = (file['content'] as unknown[]).flatMap((each) =>
        isObject(each) && typeof each['text'] === 'string' ? [each['text']] : [],
      );
      if (texts.length > 0) notes.set(file['hash'], texts);
    }
  }
  return notes;
};
