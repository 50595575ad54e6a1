// Media as clients refer to it: a data URL holds the bytes, any other URL points to them.
import type { MediaSource } from '@waystation/generation';
import { refuse } from './openai-chat/check-type.js';

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/;

/** @throws WaystationError `invalid_request` for what is neither a URL nor base64 in a data URL */
export const mediaSourceOf = (url: unknown, field: string): MediaSource => {
  if (typeof url !== 'string' || url === '') return refuse(field, 'Expected a URL or a data URL');
  if (!url.startsWith('data:')) return { kind: 'url', url };
  // Only the head is matched: the data may be megabytes.
  const head = DATA_URL.exec(url.slice(0, 512));
  if (head === null || !(head[2] ?? '').endsWith(';base64'))
    return refuse(field, 'Expected a data URL in base64: data:<media type>;base64,<data>');
  return {
    kind: 'data',
    mediaType: head[1] === '' || head[1] === undefined ? 'application/octet-stream' : head[1],
    base64: url.slice(head[0].length),
  };
};
