// A form with a file, as OpenAI's clients upload sound, → the JSON of the reference, so that everything behind it knows one shape. The platform's own reader takes
// the form apart. https://platform.openai.com/docs/api-reference/audio/createTranscription; the reference: "Accepts base64-encoded audio input as JSON or an OpenAI-style
// multipart/form-data file upload".
import { WaystationError } from '@waystation/contracts';
import { refuse } from '../openai-chat/check-type.js';

/** The reference: "Max 25 MB; send larger files as base64 JSON via input_audio". */
export const FORM_FILE_BYTES_MAX = 25 * 1024 * 1024;
/** More parts than any client sends, and few enough to be read at once. */
const PARTS_MAX = 64;
const FORM = /^multipart\/form-data\b/i;
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i;
/** Fields that are lists, however often they come. */
const LISTS: ReadonlySet<string> = new Set(['timestamp_granularities', 'include', 'models']);

const malformed = (why: string, cause?: unknown): WaystationError =>
  new WaystationError('invalid_request', `The request body is no form that can be read: ${why}.`, {
    ...(cause === undefined ? {} : { cause }),
  });

/** @throws WaystationError `invalid_request` for more parts than are read */
const checkParts = (body: Buffer, contentType: string): void => {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw malformed('its content type names no boundary');
  const mark = Buffer.from(`--${boundary}`);
  let parts = 0;
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + mark.length)) {
    parts += 1;
    if (parts > PARTS_MAX + 1) throw malformed(`it has more than ${PARTS_MAX} parts`);
  }
};

const entriesOf = async (body: Buffer, contentType: string): Promise<[string, string | File][]> => {
  checkParts(body, contentType);
  try {
    const form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
    return [...form.entries()];
  } catch (cause) {
    throw malformed('a boundary, a name or the end of a part is missing', cause);
  }
};

/** By the file's name, or else by its content type: the reference's rule. */
const formatOf = ({ name, type }: File): string => {
  const extension = /\.([A-Za-z0-9]{1,16})$/.exec(name)?.[1];
  const subtype = /^(?:audio|video)\/(?:x-|vnd\.)?([A-Za-z0-9]{1,16})/.exec(type)?.[1];
  return (
    (extension ?? subtype)?.toLowerCase() ??
    refuse('file', 'Expected a name that ends in the format of the sound, such as talk.mp3, or a content type of audio')
  );
};

const soundOf = async (file: File): Promise<{ data: string; format: string }> => {
  if (file.size > FORM_FILE_BYTES_MAX)
    throw new WaystationError(
      'payload_too_large',
      `file: has ${file.size} bytes; a form may carry ${FORM_FILE_BYTES_MAX}. Send it as base64 in input_audio of a JSON body.`,
      { details: { field: 'file', bytesMax: FORM_FILE_BYTES_MAX } },
    );
  return { data: Buffer.from(await file.arrayBuffer()).toString('base64'), format: formatOf(file) };
};

/** A form knows text alone: numbers and flags are read where they are meant. What is neither stays text, and is refused by name later. */
const valueOf = (name: string, text: string): unknown => {
  if (name === 'temperature' && text.trim() !== '') {
    const value = Number(text);
    return Number.isFinite(value) ? value : text;
  }
  return name === 'stream' && (text === 'true' || text === 'false') ? text === 'true' : text;
};

/**
 * The body as JSON: as it is where it is no form.
 * @throws WaystationError `invalid_request`, `payload_too_large`
 */
export const readTranscriptionForm = async (body: Buffer, contentType = ''): Promise<Buffer> => {
  if (!FORM.test(contentType)) return body;
  const fields = new Map<string, unknown>();
  for (const [key, value] of await entriesOf(body, contentType)) {
    const name = key.endsWith('[]') ? key.slice(0, -2) : key;
    if (typeof value !== 'string') {
      if (name !== 'file')
        return refuse(name.slice(0, 64), 'Expected text, received a file; the sound is the field file');
      if (fields.has('input_audio')) return refuse('file', 'Expected one file, received several');
      fields.set('input_audio', await soundOf(value));
    } else if (name === 'file' || name === 'input_audio') {
      return refuse(name, 'Expected a file in the field file, received text');
    } else if (name !== key || LISTS.has(name)) {
      const before = fields.get(name);
      fields.set(name, [...(Array.isArray(before) ? (before as unknown[]) : []), value]);
    } else {
      if (fields.has(name)) return refuse(name.slice(0, 64), 'the field stands in the form more than once');
      fields.set(name, valueOf(name, value));
    }
  }
  if (!fields.has('input_audio')) return refuse('file', 'Invalid request: file is required');
  return Buffer.from(JSON.stringify(Object.fromEntries(fields)));
};
