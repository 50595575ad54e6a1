// Named server-sent events, as Messages and Responses use them.

/** `json` on one line. */
export const namedEvent = (type: string, json: string): string => `event: ${type}\ndata: ${json}\n\n`;
