// A short hash of text.
import { hash } from 'node:crypto';

const HASH_CHARACTERS = 32;

/** So that no text of a prompt leaves as a conversation id. */
export const shortHash = (text: string): string => hash('sha256', text, 'hex').slice(0, HASH_CHARACTERS);
