// The filters that come with the station: personal data and secrets by their form. Expressions are our own, bounded in every repetition, and begin where a word begins, so that no text
// keeps them busy. What is known to be none by a check digit or a range is no match.
import { isIPv4, isIPv6 } from 'node:net';
import type { CONTENT_FILTER_SLUGS } from '@waystation/contracts';
import type { Detector } from './match.js';
import { promptInjection } from './prompt-injection.js';

export type BuiltinSlug = (typeof CONTENT_FILTER_SLUGS)[number];

const STEP_CHARACTERS = 32_768;
const WINDOW_CHARACTERS = 320;

const byForm = (form: RegExp, accepts: (found: string) => boolean = () => true): Detector => ({
  windowCharacters: WINDOW_CHARACTERS,
  stepCharacters: STEP_CHARACTERS,
  find(text, from, end) {
    const seen = end === text.length ? text : text.slice(0, end);
    form.lastIndex = from;
    for (let found = form.exec(seen); found !== null; found = form.exec(seen)) {
      if (accepts(found[0])) return { start: found.index, end: found.index + found[0].length };
      form.lastIndex = found.index + 1;
    }
    return undefined;
  },
});

const digitsOf = (text: string): string => text.replace(/\D/g, '');

/** https://en.wikipedia.org/wiki/Luhn_algorithm */
export const isLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
};

const CARD_DIGITS_MIN = 13;
const CARD_DIGITS_MAX = 19;
const ISSUER = /^(?:4|5[1-5]|2[2-7]|3[4-9]|6)/;

/** Digits in groups: a card may stand between other numbers, so every row of whole groups is tried, the longest first. */
const CARD_RUN = /(?<!\d)\d{1,19}(?:[ -]\d{1,19}){0,23}/g;
const creditCard: Detector = {
  windowCharacters: WINDOW_CHARACTERS,
  stepCharacters: STEP_CHARACTERS,
  find(text, from, end) {
    const seen = end === text.length ? text : text.slice(0, end);
    CARD_RUN.lastIndex = from;
    for (let run = CARD_RUN.exec(seen); run !== null; run = CARD_RUN.exec(seen)) {
      const groups = [...run[0].matchAll(/\d+/g)];
      for (const [first, group] of groups.entries()) {
        for (let last = groups.length - 1; last >= first; last -= 1) {
          const closing = groups[last];
          if (closing === undefined) continue;
          const till = closing.index + closing[0].length;
          const digits = digitsOf(run[0].slice(group.index, till));
          if (digits.length < CARD_DIGITS_MIN || digits.length > CARD_DIGITS_MAX) continue;
          if (ISSUER.test(digits) && isLuhn(digits)) return { start: run.index + group.index, end: run.index + till };
        }
      }
    }
    return undefined;
  },
};

const isPhone = (found: string): boolean => {
  const { length } = digitsOf(found);
  return length <= 15 && (found.startsWith('+') ? length >= 8 : length >= 10);
};

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const HEXTETS_MIN = 3;
const isAddress = (found: string): boolean =>
  isIPv4(found) || (isIPv6(found) && (found.match(/[0-9a-f]+/gi) ?? []).length >= HEXTETS_MIN);

const SECRETS = [
  // A key in armour, to its end or to the end of what is there.
  '-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----[\\s\\S]*?(?:-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----|$)',
  // A token of JSON (JWT): its header, and whatever follows.
  '(?<![\\w-])eyJ[\\w-]{8,}\\.[\\w-]*(?:\\.[\\w-]*)?',
  // Keys by the prefix that their issuer gives them.
  '(?<![\\w-])(?:sk|rk|pk)[-_][\\w-]{20,}',
  '(?<![\\w-])(?:AKIA|ASIA)[0-9A-Z]{16}(?![\\w-])',
  '(?<![\\w-])(?:gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|hf_|npm_|pypi-|gsk_|xai-|r8_|dop_v1_)[\\w-]{16,}',
  '(?<![\\w-])AIza[\\w-]{35}',
  '(?<![\\w-])SG\\.[\\w-]{16,64}\\.[\\w-]{16,64}',
  // Name and password in an address.
  '(?<![\\w+.-])[a-z][a-z0-9+.-]{1,16}://[^\\s/:@"\']{1,64}:[^\\s/@"\']{1,128}@',
].join('|');

export const BUILTINS: Readonly<Record<BuiltinSlug, { readonly placeholder: string; readonly detector: Detector }>> = {
  email: {
    placeholder: '[EMAIL]',
    detector: byForm(
      /[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.){1,8}\p{L}{2,24}(?![\p{L}\p{N}])/gu,
    ),
  },
  phone: {
    placeholder: '[PHONE]',
    detector: byForm(
      /(?<![\w.+-])(?:\+\d{8,15}|(?:\+\d{1,3}[ .-]?)?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){1,4}|\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]\d{4}|[2-9]\d{2}[2-9]\d{6})(?![\w])/g,
      isPhone,
    ),
  },
  ssn: {
    placeholder: '[SSN]',
    detector: byForm(/(?<![\d-])(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])/g),
  },
  'credit-card': { placeholder: '[CREDIT_CARD]', detector: creditCard },
  'ip-address': {
    placeholder: '[IP_ADDRESS]',
    detector: byForm(
      new RegExp(
        `(?<![\\w.])${OCTET}(?:\\.${OCTET}){3}(?![\\w]|\\.\\d)|(?<![\\w:.])[0-9a-fA-F:]{2,39}(?:(?:\\.\\d{1,3}){3})?(?![\\w:])`,
        'g',
      ),
      isAddress,
    ),
  },
  secrets: { placeholder: '[SECRET]', detector: byForm(new RegExp(SECRETS, 'g')) },
  'regex-prompt-injection': { placeholder: '[PROMPT_INJECTION]', detector: promptInjection },
};
