// Images, documents, videos and sounds as Converse takes them: bytes or an object in S3, each with its format by name. Nothing is fetched for a client.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
import { WaystationError } from '@waystation/contracts';
import type { AudioPart, FilePart, ImagePart, MediaSource, VideoPart } from '@waystation/generation';

type Json = Record<string, unknown>;

const IMAGES: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
};
const DOCUMENTS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md',
};
const VIDEOS: Readonly<Record<string, string>> = {
  'video/x-matroska': 'mkv',
  'video/quicktime': 'mov',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'video/x-flv': 'flv',
  'video/mpeg': 'mpeg',
  'video/x-ms-wmv': 'wmv',
  'video/3gpp': 'three_gp',
};
const SOUNDS: Readonly<Record<string, string>> = {
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/wav': 'wav',
  'audio/x-wav': 'wav',
  'audio/flac': 'flac',
  'audio/aac': 'aac',
  'audio/ogg': 'ogg',
  'audio/opus': 'opus',
  'audio/webm': 'webm',
  'audio/mp4': 'm4a',
};

const refuse = (message: string): never => {
  throw new WaystationError('invalid_request', `messages: ${message}`, { details: { field: 'messages' } });
};

const sourceOf = (source: MediaSource, what: string): Json => {
  switch (source.kind) {
    case 'data':
      return { bytes: source.base64 };
    case 'url':
      if (source.url.startsWith('s3://')) return { s3Location: { uri: source.url } };
      return refuse(
        `the endpoint that was chosen fetches no ${what} by its URL; send it as base64 in a data URL, or as s3://…`,
      );
    case 'file-id':
      return refuse(`the endpoint that was chosen knows no uploaded files; send the ${what} as base64 in a data URL`);
    default: {
      const unreachable: never = source;
      return unreachable;
    }
  }
};

const extensionOf = (name: string): string => /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';

/** By media type, else by the ending of a name. */
const formatOf = (
  formats: Readonly<Record<string, string>>,
  source: MediaSource,
  what: string,
  name: string | undefined,
): string => {
  const mediaType = source.kind === 'data' ? source.mediaType.toLowerCase() : '';
  if (Object.hasOwn(formats, mediaType)) return formats[mediaType] ?? '';
  const known = Object.values(formats);
  const extension = extensionOf(name ?? (source.kind === 'url' ? source.url : ''));
  if (known.includes(extension)) return extension;
  if (extension === 'jpg' && known.includes('jpeg')) return 'jpeg';
  if (mediaType.startsWith('text/') && known.includes('txt')) return 'txt';
  return refuse(
    `the endpoint that was chosen takes no ${what} of the type ${JSON.stringify((mediaType || extension).slice(0, 64))}; it takes ${[...new Set(known)].join(', ')}`,
  );
};

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html: which characters a name may have */
const documentName = (filename: string | undefined): string =>
  (filename ?? '')
    .replace(/\.[A-Za-z0-9]+$/, '')
    .replace(/[^A-Za-z0-9\s()[\]-]/g, '-')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200) || 'document';

export const imageBlock = ({ source }: ImagePart): Json => ({
  image: { format: formatOf(IMAGES, source, 'image', undefined), source: sourceOf(source, 'image') },
});

export const documentBlock = ({ source, filename }: FilePart): Json => ({
  document: {
    format: formatOf(DOCUMENTS, source, 'document', filename),
    name: documentName(filename),
    source: sourceOf(source, 'document'),
  },
});

export const videoBlock = ({ source }: VideoPart): Json => ({
  video: { format: formatOf(VIDEOS, source, 'video', undefined), source: sourceOf(source, 'video') },
});

export const audioBlock = ({ source, format }: AudioPart): Json => ({
  audio: {
    format: formatOf(SOUNDS, source, 'audio', format === undefined ? undefined : `.${format}`),
    source: sourceOf(source, 'audio'),
  },
});
