// Parts of a canonical message as Gemini's parts. https://ai.google.dev/api/caching#Part
// Invariant: a thought signature goes back byte for byte, on the part that it belongs to. https://ai.google.dev/gemini-api/docs/thought-signatures
import { WaystationError } from '@waystation/contracts';
import { parseArguments } from '@waystation/dialects';
import type { AssistantPart, MediaSource, ToolCallPart, ToolResultPart, UserPart } from '@waystation/generation';
import { isRecord, present } from '../json-shape.js';
import type { Losses } from '../losses.js';
import type { Quirks } from '../spec.js';

export type Part = Record<string, unknown>;

/** Reasoning that only this dialect's providers can read. */
export const GEMINI_FORMAT = 'google-gemini-v1';
/** Stands for a signature that never was, where the model checks for one: calls that another model made. https://ai.google.dev/gemini-api/docs/thought-signatures#faqs */
const NO_SIGNATURE = 'skip_thought_signature_validator';

export interface PartsContext {
  readonly losses: Losses;
  readonly quirks: Quirks;
  /** Names of the tools called so far, by the call's id. */
  readonly names: Map<string, string>;
}

export const refuse = (field: string, message: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${message}`, { details: { field } });
};

/** https://ai.google.dev/gemini-api/docs/image-understanding, /audio, /video-understanding, /document-processing */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  heic: 'image/heic',
  heif: 'image/heif',
  gif: 'image/gif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
  csv: 'text/csv',
  json: 'application/json',
  wav: 'audio/wav',
  mp3: 'audio/mp3',
  aiff: 'audio/aiff',
  aac: 'audio/aac',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  m4a: 'audio/m4a',
  mp4: 'video/mp4',
  mpeg: 'video/mpeg',
  mov: 'video/quicktime',
  webm: 'video/webm',
};
const USUAL: Readonly<Record<'image' | 'audio' | 'video' | 'file', string>> = {
  image: 'image/jpeg',
  audio: 'audio/wav',
  video: 'video/mp4',
  file: 'application/pdf',
};
/** Its videos are named by their page, and no type is told. https://ai.google.dev/gemini-api/docs/video-understanding#youtube */
const YOUTUBE = /^https:\/\/(www\.)?(youtube\.com|youtu\.be)\//;

const typeByName = (name: string): string | undefined => {
  const extension = /\.([a-z0-9]{1,8})(?:[?#]|$)/i.exec(name)?.[1]?.toLowerCase();
  return extension !== undefined && Object.hasOwn(MEDIA_TYPES, extension) ? MEDIA_TYPES[extension] : undefined;
};

const mediaPart = (source: MediaSource, kind: keyof typeof USUAL, told?: string): Part => {
  switch (source.kind) {
    case 'data':
      return { inlineData: { mimeType: source.mediaType, data: source.base64 } };
    case 'file-id':
      return { fileData: { fileUri: source.id, ...present({ mimeType: told }) } };
    case 'url':
      if (YOUTUBE.test(source.url)) return { fileData: { fileUri: source.url } };
      return { fileData: { fileUri: source.url, mimeType: told ?? typeByName(source.url) ?? USUAL[kind] } };
    default: {
      const unreachable: never = source;
      return unreachable;
    }
  }
};

export const userPart = (part: UserPart, { losses }: PartsContext): Part => {
  if (part.type !== 'audio' && part.type !== 'video' && part.cache !== undefined) losses.leaveOut('cache_control');
  switch (part.type) {
    case 'text':
      return { text: part.text };
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') losses.leaveOut('detail');
      return mediaPart(part.source, part.type);
    case 'video':
      return mediaPart(part.source, part.type);
    case 'audio':
      return mediaPart(part.source, 'audio', part.format === undefined ? undefined : MEDIA_TYPES[part.format]);
    case 'file':
      return mediaPart(part.source, 'file', part.filename === undefined ? undefined : typeByName(part.filename));
    default: {
      const unreachable: never = part;
      return unreachable;
    }
  }
};

const argsOf = (argumentsJson: string, losses: Losses): unknown => {
  try {
    const parsed: unknown = argumentsJson === '' ? {} : parseArguments(argumentsJson);
    if (isRecord(parsed)) return parsed;
  } catch {
    // told below
  }
  losses.lose('messages', 'Arguments of an earlier tool call are no JSON object: they were given as text.');
  return { arguments: argumentsJson };
};

const callPart = (part: ToolCallPart, context: PartsContext): Part => {
  const { id, name, argumentsJson, format = GEMINI_FORMAT } = part;
  const signature = format === GEMINI_FORMAT ? part.signature : undefined;
  context.names.set(id, name);
  if (signature === undefined && part.signature !== undefined) context.losses.loseCallSignature();
  return {
    functionCall: {
      ...(context.quirks['sendsCallIds'] === true ? { id } : {}),
      name,
      args: argsOf(argumentsJson, context.losses),
    },
    ...(signature === undefined ? {} : { thoughtSignature: signature }),
  };
};

/** The first call of a turn must be signed for models that check: those that another model made have nothing to be signed with. */
const signCalls = (parts: readonly Part[], { losses, quirks }: PartsContext): void => {
  if (quirks['thinking'] !== 'level') return;
  const first = parts.find((part) => part['functionCall'] !== undefined);
  if (first === undefined || first['thoughtSignature'] !== undefined) return;
  first['thoughtSignature'] = NO_SIGNATURE;
  losses.lose(
    'messages',
    'A tool call of an earlier turn came without its thought signature: it was sent as made elsewhere.',
  );
};

/** Signatures of text and images: they belong to the last parts of the turn, in order. What has no part left gets an empty one. */
const sign = (parts: Part[], signatures: readonly string[]): void => {
  const bearers = parts.filter(
    (part) => part['thought'] === undefined && (part['text'] !== undefined || part['inlineData'] !== undefined),
  );
  for (const signature of [...signatures].reverse()) {
    const bearer = bearers.pop();
    if (bearer === undefined) parts.push({ text: '', thoughtSignature: signature });
    else bearer['thoughtSignature'] = signature;
  }
};

export const modelParts = (content: readonly AssistantPart[], context: PartsContext): Part[] => {
  const { losses } = context;
  const signatures: string[] = [];
  const parts = content.flatMap((part): Part[] => {
    switch (part.type) {
      case 'text':
      case 'refusal':
        return part.text === '' ? [] : [{ text: part.text }];
      case 'reasoning':
        if (part.format !== GEMINI_FORMAT) {
          losses.lose('reasoning', 'Reasoning of an earlier turn is not of this provider; it was left out.');
          return [];
        }
        if (part.encrypted !== undefined) signatures.push(part.encrypted);
        if (part.text === '' && part.signature === undefined) return [];
        return [
          {
            text: part.text,
            thought: true,
            ...(part.signature === undefined ? {} : { thoughtSignature: part.signature }),
          },
        ];
      case 'tool-call':
        return [callPart(part, context)];
      case 'image':
        return [mediaPart(part.source, 'image')];
      case 'audio':
        losses.lose('messages', 'The endpoint takes no audio of an assistant; it was left out.');
        return [];
      default: {
        const unreachable: never = part;
        return unreachable;
      }
    }
  });
  sign(parts, signatures);
  signCalls(parts, context);
  return parts;
};

/** A tool answers by its name, with an object. https://ai.google.dev/api/caching#FunctionResponse */
export const resultParts = (results: readonly ToolResultPart[], context: PartsContext): Part[] => {
  const { losses, names, quirks } = context;
  const behind: Part[] = [];
  const answers = results.map((result): Part => {
    const { callId, content, isError } = result;
    const name = names.get(callId) ?? result.name;
    if (name === undefined)
      return refuse('messages', `the result of the tool call ${JSON.stringify(callId)} has no call before it`);
    const said = content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
    if (result.cache !== undefined || content.some((part) => part.cache !== undefined))
      losses.leaveOut('cache_control');
    const media = content.filter((part) => part.type !== 'text').map((part) => userPart(part, context));
    const within = media.length > 0 && quirks['mediaInResults'] === true;
    if (media.length > 0 && !within) {
      losses.lose('messages', 'A tool answered with media: it was given behind the answers of the tools.');
      behind.push(...media);
    }
    return {
      functionResponse: {
        ...(quirks['sendsCallIds'] === true ? { id: callId } : {}),
        name,
        response: { [isError === true ? 'error' : 'output']: said },
        ...(within ? { parts: media } : {}),
      },
    };
  });
  return [...answers, ...behind];
};
