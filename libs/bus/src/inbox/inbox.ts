// The process's own inbox: one subscription, many tokens, callbacks. The first letter of a token says what it waits for,
// so that a late message for a token nobody knows any more can still be judged (a stream's frames are answered with a cancel).
import { randomBytes } from 'node:crypto';
import type { CoreConnection, CoreMessage, CoreSubscription } from '../connection/core-connection.js';

/** rpc reply, stream frames, body parts, journal ack, JetStream API reply. */
export type TokenKind = 'r' | 's' | 'p' | 'j' | 'a';

export type InboxHandler = (message: CoreMessage) => void;

export interface Inbox {
  /** A new token that nobody else has ever used: kind, random text of this process, counter. */
  token(kind: TokenKind): string;
  /** The subject others answer to. */
  subjectOf(token: string): string;
  /** Hands messages for the token to the handler until it is forgotten. */
  expect(token: string, handler: InboxHandler): void;
  forget(token: string): void;
  /**
   * A subscription of its own for what JetStream delivers: such messages keep the subject they were stored under, so that no token can be read from it.
   * When it is drained the server sees that nobody listens, and clears its consumer away.
   */
  deliverTo(handler: InboxHandler): { readonly subject: string; readonly subscription: CoreSubscription };
  /**
   * The same for what is asked for time and again: under a subject of its own each time, because a status that ends one request comes under that subject
   * and must not be taken for the end of the next.
   */
  deliverToMany(handler: InboxHandler): { nextSubject(): string; readonly subscription: CoreSubscription };
  /** Messages for tokens nobody knows, by kind. */
  onUnknown(kind: TokenKind, handler: (token: string, message: CoreMessage) => void): void;
}

/** Lower-case letters and digits; about 5 bits a character. */
export const randomText = (length: number): string => {
  const letters = '0123456789abcdefghijklmnopqrstuv';
  let text = '';
  for (const byte of randomBytes(length)) text += letters[byte & 31];
  return text;
};

const PROCESS_TEXT_LENGTH = 10;

export const createInbox = (connection: CoreConnection, prefix: string): Inbox => {
  const ours = randomText(PROCESS_TEXT_LENGTH);
  const handlers = new Map<string, InboxHandler>();
  const unknown = new Map<string, (token: string, message: CoreMessage) => void>();
  let count = 0;

  connection.subscribe(`${prefix}.*`, undefined, (message) => {
    const token = message.subject.slice(prefix.length + 1);
    const handler = handlers.get(token);
    if (handler !== undefined) handler(message);
    else unknown.get(token.charAt(0))?.(token, message);
  });

  return {
    token: (kind) => `${kind}${ours}${(count++).toString(36)}`,
    subjectOf: (token) => `${prefix}.${token}`,
    expect: (token, handler) => void handlers.set(token, handler),
    forget: (token) => void handlers.delete(token),
    deliverTo(handler) {
      const subject = `${prefix}.d${ours}${(count++).toString(36)}.delivery`;
      return { subject, subscription: connection.subscribe(subject, undefined, handler) };
    },
    deliverToMany(handler) {
      const base = `${prefix}.d${ours}${(count++).toString(36)}`;
      let asked = 0;
      return {
        nextSubject: () => `${base}.${(asked++).toString(36)}`,
        subscription: connection.subscribe(`${base}.*`, undefined, handler),
      };
    },
    onUnknown: (kind, handler) => void unknown.set(kind, handler),
  };
};

/** Who an inbox subject belongs to: `_INBOX.<service>.<instance>.<token>`. Undefined for any other text. */
export const parseInboxSubject = (subject: string): { instance: string; token: string } | undefined => {
  const match = /^_INBOX\.[a-z0-9-]{1,32}\.([a-z0-9-]{3,64})\.([a-z0-9]{2,64})$/.exec(subject);
  return match === null ? undefined : { instance: match[1] as string, token: match[2] as string };
};
