// What a server says behind -ERR. https://docs.nats.io/reference/reference-protocols/nats-protocol#-okerr
import type { PermissionRefusal } from '../core-connection.js';

/** A refused subject; the connection goes on. */
export interface Refusal extends PermissionRefusal {
  readonly queue: string | undefined;
}

/** Undefined where the text speaks of something else. */
export const parseRefusal = (text: string): Refusal | undefined => {
  if (!/permissions violation/i.test(text)) return undefined;
  const match = /(Publish|Subscription) to "(\S+)"/.exec(text);
  return {
    operation: match?.[1] === 'Subscription' ? 'subscription' : 'publish',
    subject: match?.[2] ?? '',
    queue: /using queue "(\S+)"/.exec(text)?.[1],
  };
};

/** The server does not let this user in, or not any longer. */
export const isAuthorizationError = (text: string): boolean => /authori[sz]ation|authentication/i.test(text);
