// Deterministic text: a tape of made-up three-letter words, each one token with its space, read from a place that the hash of
// (model, prompt, seed) chooses. Slicing a tape costs nothing, so that the sandbox does not slow down what is measured against it.
import { hash } from 'node:crypto';
import { TOKEN_UNITS } from './tokens.js';

const TAPE_TOKENS = 65_536;

const makeTape = (): string => {
  const consonants = 'bdfgklmnprstvz';
  const vowels = 'aeiou';
  let state = 0x9e3779b9;
  const next = (bound: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
  const letter = (letters: string): string => letters.charAt(next(letters.length));
  const words: string[] = [];
  for (let index = 0; index < TAPE_TOKENS; index += 1)
    words.push(`${letter(consonants)}${letter(vowels)}${letter(consonants)} `);
  return words.join('');
};

const TAPE = makeTape();

/** `tokens` tokens of text; the same seed text gives the same text, and a shorter request a prefix of the longer. */
export const tapeText = (seedText: string, tokens: number): string => {
  if (tokens === 0) return '';
  const start = Number.parseInt(hash('sha1', seedText).slice(0, 8), 16) % TAPE_TOKENS;
  const units = tokens * TOKEN_UNITS;
  let text = TAPE.slice(start * TOKEN_UNITS, start * TOKEN_UNITS + units);
  while (text.length < units) text += TAPE.slice(0, units - text.length);
  return text;
};
