// Signatures of what the sandbox thought. Providers sign reasoning so that it comes back unaltered; so does the sandbox, and it checks.
import { hash } from 'node:crypto';

const SALT = 'the sandbox thought this';

/** Belongs to this very text: another text makes it wrong. */
export const signatureOf = (text: string): string =>
  Buffer.from(hash('sha512', `${SALT}\n${text}`, 'hex'), 'hex').toString('base64');

/** Opaque state that proves by itself that it is whole; of what, only its maker knows. */
export const sealedState = (content: string): string => {
  const body = Buffer.from(content).toString('base64url');
  return `${body}.${hash('sha256', `${SALT}\n${body}`)}`;
};

export const isSealedState = (state: unknown): boolean => {
  if (typeof state !== 'string') return false;
  const [body = '', mac] = state.split('.', 2);
  return mac === hash('sha256', `${SALT}\n${body}`);
};
