// The head of a request as text. Invariant: no path, name or value can end its line, and only this file says where the body ends.
import { Http1Error } from './http1-error.js';
import type { Forwarding } from './proxy.js';

export interface RequestHead {
  /** Latin-1, with the empty line behind it. */
  readonly text: string;
  /** `connection: close` was asked for. */
  readonly closes: boolean;
  /** The host that a header names instead of the URL's, if one does. */
  readonly namedHost: string | undefined;
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const NO_PATH = /[^\x21-\xff]/;

const refuse = (what: string): never => {
  throw new Http1Error('HTTP_REQUEST_INVALID', what);
};

const asksToClose = (value: string): boolean => {
  if (value.toLowerCase() === 'close') return true;
  return value.toLowerCase() === 'keep-alive' ? false : refuse('the header connection may say close or keep-alive');
};

/**
 * A POST with a body of a known length.
 * @param host of the URL, unless the headers name another
 * @param headers name, value, name, value, …
 * @throws Http1Error `HTTP_REQUEST_INVALID`; it quotes names, never values
 */
export const writeRequestHead = (
  host: string,
  path: string,
  headers: readonly string[],
  bodyBytes: number,
): RequestHead => {
  if (!path.startsWith('/') || NO_PATH.test(path)) refuse('the path holds what no path may hold');
  let lines = '';
  let namedHost: string | undefined;
  let closes = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (!TOKEN.test(name)) refuse('a header has a name that no header may have');
    if (NO_VALUE.test(value)) refuse(`the header ${name} has a value that no header may have`);
    switch (name.toLowerCase()) {
      case 'host':
        if (namedHost !== undefined) refuse('the header host came twice');
        namedHost = value;
        break;
      case 'connection':
        closes = asksToClose(value);
        break;
      case 'content-length':
        if (value !== String(bodyBytes)) refuse('the header content-length is not the length of the body');
        break;
      case 'transfer-encoding':
      case 'keep-alive':
      case 'upgrade':
      case 'expect':
        refuse(`the header ${name} belongs to the connection`);
        break;
      default:
        lines += `${name}: ${value}\r\n`;
    }
  }
  const connection = closes ? 'close' : 'keep-alive';
  const text = `POST ${path} HTTP/1.1\r\nhost: ${namedHost ?? host}\r\nconnection: ${connection}\r\n${lines}content-length: ${bodyBytes}\r\n\r\n`;
  return { text, closes, namedHost };
};

/**
 * The same request for a proxy that passes it on: https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form
 * @throws Http1Error `HTTP_REQUEST_INVALID` where a header names another host, which a proxy does not pass on
 */
export const forwardRequestHead = ({ text, namedHost }: RequestHead, { origin, fields }: Forwarding): string => {
  if (namedHost !== undefined) refuse('the header host cannot be sent to a plain http address through a proxy');
  return `POST ${origin}${text.slice('POST '.length, -'\r\n'.length)}${fields}\r\n`;
};
