// The plugin file-parser: PDFs become text in the prompt, so that a model that takes no files can be asked about them. Read aside, by a library; prompts never leave this process
// for it. Invariants: what cannot be read is refused by the file's name; plan, hold and worker see the text; what was told to a client of a file need not be read again.
import { createHash } from 'node:crypto';
import { WaystationError } from '@waystation/contracts';
import {
  fileNotesIn,
  filesIn,
  replaceFiles,
  type FileNote,
  type PromptFile,
  type ReadFile,
} from '@waystation/dialects';
import { moduleBeside, type Aside, type AsideFailure } from '../aside/run-aside.js';
import type { Generation } from '../generate/generation.js';
import { readAgain } from '../generate/read-again.js';
import type { PdfLimits, PdfProblem, PdfReading } from './read-pdf.js';

/** Files of one request; bytes, pages and characters of one file. */
const FILES_MAX = 16;
const LIMITS: PdfLimits = { pagesMax: 1_000, charactersMax: 4_000_000 };
const TIMEOUT_MS = 20_000;
const BYTES_MAX = 512 * 1024 * 1024;

const READ = moduleBeside(import.meta.url, 'read-pdf');

const PROBLEMS: Readonly<Record<PdfProblem | AsideFailure, string>> = {
  broken: 'is no PDF that can be read',
  encrypted: 'is encrypted; send it without its password',
  pages: `has more than ${LIMITS.pagesMax} pages`,
  characters: `has more than ${LIMITS.charactersMax} characters of text`,
  empty: 'has no text in it, as scans do; choose a model that takes files itself',
  time: `took longer to read than ${TIMEOUT_MS / 1000} s`,
  memory: 'takes more memory to read than is allowed',
  crash: 'could not be read',
  busy: '',
};

/** The client's own word, short and on one line. */
const nameOf = ({ filename }: Pick<PromptFile, 'filename'>, index: number): string =>
  JSON.stringify((filename ?? `file ${index + 1}`).slice(0, 128));

const refuse = (problem: string): WaystationError =>
  new WaystationError('invalid_request', problem, { details: { field: 'messages' } });

const refuseKind = (file: PromptFile, index: number): WaystationError => {
  const why: Readonly<Record<string, string>> = {
    url: 'is named by a URL, and is not fetched here: send it as data:application/pdf;base64,…',
    'file-id': 'is named by an id, and files are not kept here: send it as data:application/pdf;base64,…',
    other: 'is no PDF: only the text of PDFs can be read here',
  };
  return refuse(
    `The file ${nameOf(file, index)} ${why[file.content.kind] ?? ''}; or choose a model that takes files itself.`,
  );
};

const canBeRead = ({ content }: PromptFile): boolean => content.kind === 'pdf' || content.kind === 'text';

const filesOf = ({ body, dialect }: Generation): readonly PromptFile[] =>
  body.bytes === undefined || !('files' in dialect) || dialect.files === null ? [] : filesIn(body.bytes, dialect.files);

export const mayReadFiles = ({ request: { features, plugins } }: Generation): boolean =>
  plugins !== undefined && plugins.pdf !== 'native' && features.inputModalities.includes('file');

export const canReadAll = (generation: Generation): boolean => filesOf(generation).every(canBeRead);

const wrapped = (file: PromptFile, texts: readonly string[]): string[] => [
  `<file name=${JSON.stringify(file.filename ?? '')}>`,
  ...texts,
  '</file>',
];

const readOne = async (aside: Aside, bytes: Buffer, name: string): Promise<readonly string[]> => {
  const job = { module: READ, data: { bytes, limits: LIMITS }, timeoutMs: TIMEOUT_MS, bytesMax: BYTES_MAX };
  const end = await aside.run(job);
  if ('failure' in end && end.failure === 'busy')
    throw new WaystationError('overloaded', 'Too many files are being read at this moment; try again.', {
      retryAfterMs: 1000,
    });
  const reading = 'failure' in end ? { problem: end.failure } : (end.result as PdfReading); // of read-pdf.ts
  if ('problem' in reading) throw refuse(`The file ${name} ${PROBLEMS[reading.problem]}.`);
  return [reading.pages.join('\n\n')];
};

/** Whether the model that is asked for first is left without an endpoint because none of its takes files, by the last plan. */
export const lacksFiles = ({ plan, choice, request }: Generation): boolean => {
  if (plan === undefined) return false;
  const [written = ''] = choice?.models ?? request.models;
  const named = plan.aliases?.[written] ?? written;
  const isFirst = (model: string): boolean => named === '' || named === model || named.startsWith(`${model}:`);
  return (
    !plan.attempts.some(({ model }) => isFirst(model)) &&
    plan.excluded.some(({ model, rule, detail }) => isFirst(model) && rule === 'modality' && detail === 'file')
  );
};

/** @throws WaystationError `invalid_request`, `overloaded` */
export const parseFiles = async (aside: Aside, generation: Generation): Promise<void> => {
  const { body, dialect } = generation;
  if (body.bytes === undefined || !('files' in dialect) || dialect.files === null) return;
  const { bytes } = body;
  const files = filesOf(generation);
  if (files.length > FILES_MAX)
    throw refuse(`At most ${FILES_MAX} files are read of one request, received ${files.length}.`);
  const unreadable = files.findIndex((file) => !canBeRead(file));
  const bad = files[unreadable];
  if (bad !== undefined) throw refuseKind(bad, unreadable);

  const known = fileNotesIn(bytes);
  const read: ReadFile[] = [];
  const notes: FileNote[] = [];
  let spared = 0;
  for (const [index, file] of files.entries()) {
    const { start, end, content } = file;
    if (content.kind === 'text') read.push({ start, end, texts: wrapped(file, [content.text]) });
    if (content.kind !== 'pdf') continue;
    const pdf = Buffer.from(content.base64, 'base64');
    const hash = createHash('sha256').update(pdf).digest('hex');
    const told = known.get(hash);
    if (told !== undefined) spared += 1;
    const texts = told ?? wrapped(file, await readOne(aside, pdf, nameOf(file, index)));
    read.push({ start, end, texts });
    notes.push({ hash, name: file.filename, texts });
  }
  if (read.length === 0) return;
  const changed = replaceFiles(bytes, read, dialect.files);
  generation.request = readAgain(generation, changed);
  body.bytes = changed;
  generation.fileNotes = notes;
  const summary = `${read.length} file(s) became text in the prompt${spared === 0 ? '' : `; ${spared} had been read before`}.`;
  generation.pipeline.push({ type: 'plugin', name: 'file-parser', summary, data: { files: read.length, spared } });
};
