// The head of a response: its status, its headers, and where its body ends. https://www.rfc-editor.org/rfc/rfc9112
// Invariant: where two readers could disagree about the end of the body, the response is refused.
import { Http1Error } from './http1-error.js';

/** Where the body ends. `none`: there is no body; `close`: with the connection. */
export type BodyEnd = 'none' | 'length' | 'chunked' | 'close';

export interface ResponseHead {
  readonly status: number;
  /** By its name in lower case; of several, the first. */
  header(name: string): string | undefined;
  readonly bodyEnd: BodyEnd;
  /** Only where the body ends by `length`. */
  readonly bodyBytes: number;
  /** How long the connection may be idle and be used again; 0: not at all, undefined: as long as we like. */
  readonly keepAliveMs: number | undefined;
}

/**
 * The whole grammar of a head at once: what passes has neither control characters nor folded lines, neither a bare line feed nor a space before a colon.
 * No byte can be matched in two ways, so that it takes linear time.
 */
const HEAD =
  /^HTTP\/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n$/;
const STATUS_AT = 'HTTP/1.1 '.length;
const MINOR_AT = 'HTTP/1.'.length;
/** As many digits as are exact in a number. */
const LENGTH = /^[0-9]{1,15}$/;
/** What the server says minus this, so that our request and its farewell do not cross. */
const KEEP_ALIVE_MARGIN_MS = 2_000;
const KEEP_ALIVE_MS_MAX = 600_000;

/** Spaces and tabs only: what else `trim` takes away is no white space in HTTP. */
const trimmed = (text: string, start: number, end: number): string => {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
};

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

const framingError = (message: string): Http1Error => new Http1Error('HTTP_FRAMING_INVALID', message);

/** https://www.rfc-editor.org/rfc/rfc2068#section-19.7.1.1 */
const keepAliveOf = (value: string | undefined): number | undefined => {
  const seconds = value === undefined ? null : /(?:^|[\s,])timeout=(\d{1,6})(?:$|[\s,])/i.exec(value);
  return seconds === null
    ? undefined
    : Math.min(Math.max(Number(seconds[1]) * 1_000 - KEEP_ALIVE_MARGIN_MS, 0), KEEP_ALIVE_MS_MAX);
};

class Head implements ResponseHead {
  readonly status: number;
  readonly bodyEnd: BodyEnd;
  readonly bodyBytes: number;
  readonly keepAliveMs: number | undefined;
  /** Name, value, name, value, … */
  readonly #fields: string[] = [];

  /** @param text matches the grammar */
  constructor(text: string) {
    this.status = Number(text.slice(STATUS_AT, STATUS_AT + 3));
    const isHttp10 = text[MINOR_AT] === '0';
    let length: string | undefined;
    let coding: string | undefined;
    let connection = '';
    let keepAlive: string | undefined;
    let at = text.indexOf('\r\n') + 2;
    while (at < text.length - 2) {
      const colon = text.indexOf(':', at);
      const end = text.indexOf('\r\n', colon);
      const name = text.slice(at, colon).toLowerCase();
      const value = trimmed(text, colon + 1, end);
      at = end + 2;
      this.#fields.push(name, value);
      if (name === 'content-length') {
        if (length !== undefined) throw framingError('two content-lengths');
        length = value;
      } else if (name === 'transfer-encoding') {
        if (coding !== undefined) throw framingError('two transfer-encodings');
        coding = value;
      } else if (name === 'connection') connection += `,${value.toLowerCase()}`;
      else if (name === 'keep-alive') keepAlive = value;
    }
    if (length !== undefined && !LENGTH.test(length)) throw framingError('the content-length is no number');
    if (length !== undefined && coding !== undefined) throw framingError('both content-length and transfer-encoding');
    // We ask for no other coding, so there must be none.
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw framingError('an unknown transfer-encoding');
    this.bodyBytes = Number(length ?? 0);
    const bodiless = this.status < 200 || this.status === 204 || this.status === 304;
    this.bodyEnd = bodiless ? 'none' : coding !== undefined ? 'chunked' : length !== undefined ? 'length' : 'close';
    const options = connection === '' ? [] : connection.split(',').map((option) => option.trim());
    const persists = isHttp10
      ? coding === undefined && options.includes('keep-alive') && !options.includes('close')
      : !options.includes('close');
    // A response that may have no body but announces one: its server may send it all the same.
    const suspicious = bodiless && (coding !== undefined || this.bodyBytes > 0);
    this.keepAliveMs = persists && !suspicious && this.bodyEnd !== 'close' ? keepAliveOf(keepAlive) : 0;
  }

  header(name: string): string | undefined {
    const fields = this.#fields;
    for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
    return undefined;
  }
}

/**
 * @param text Latin-1, from the status line to the empty line
 * @throws Http1Error `HTTP_HEAD_INVALID`, `HTTP_FRAMING_INVALID`
 */
export const parseResponseHead = (text: string): ResponseHead => {
  if (!HEAD.test(text)) throw new Http1Error('HTTP_HEAD_INVALID', 'the head is not HTTP/1.1');
  return new Head(text);
};
