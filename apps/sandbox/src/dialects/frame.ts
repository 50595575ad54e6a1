// Server-sent events on the wire, as the dialects with text streams write them. https://html.spec.whatwg.org/multipage/server-sent-events.html

/** `json` on one line. */
export const dataEvent = (json: string): string => `data: ${json}\n\n`;

/** For dialects whose events say their type twice. */
export const namedEvent = (type: string, json: string): string => `event: ${type}\n${dataEvent(json)}`;

/** The last of a stream, where a dialect has a word for that. */
export const DONE = dataEvent('[DONE]');
