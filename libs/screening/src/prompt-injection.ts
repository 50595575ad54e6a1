// Heuristics for prompts that try to take the place of the instructions: phrases, also with letters shuffled inside their words, set apart, or in base64 or hex. They catch the clumsy, and say so.
// https://cheatsheetseries.owasp.org/cheatsheets/LLM_Prompt_Injection_Prevention_Cheat_Sheet.html
import type { Detector, Match } from './match.js';

const STEP_CHARACTERS = 16_384;
const WINDOW_CHARACTERS = 320;

const S = '[\\s,;:]{1,8}';
const words = (...parts: string[]): string => parts.join(S);
const optional = (part: string): string => `(?:${part}${S})?`;
const PRIOR = '(?:previous|prior|above|earlier|preceding|foregoing)';
const ORDERS = '(?:instructions?|prompts?|rules|directions|guidelines|commands|messages?|context)';

const RULES: readonly { readonly rule: string; readonly form: RegExp }[] = Object.entries({
  'ignore-instructions': `(?:ignore|disregard|forget|override|bypass)${S}${optional('(?:all|any|every)')}${optional('of')}${optional('(?:the|your|my|these|those)')}${words(PRIOR, ORDERS)}`,
  'new-role': words(
    'you',
    'are',
    'now',
    `${optional('(?:a|an|the|in)')}(?:dan|jailbroken|unrestricted|unfiltered|developer|evil)`,
  ),
  'mode-switch': `(?:enable|enter|activate|switch${S}to)${S}(?:developer|debug|admin|jailbreak|god|dan|maintenance)${S}mode`,
  'system-override': words('system', 'override'),
  'reveal-prompt': `(?:reveal|show|print|repeat|output|display|tell${S}me|leak)${S}${optional('me')}(?:your|the)${S}(?:system|initial|hidden|secret|original)${S}(?:prompt|instructions?|message)`,
  'disable-safety': `(?:bypass|disable|ignore|remove|turn${S}off)${S}${optional('(?:all|your|the|any)')}${optional('(?:of|your)')}(?:safety|security|content|ethical)${S}(?:filters?|guidelines?|restrictions?|checks?|measures?|policies)`,
  'forged-turn': '<\\|(?:im_start|im_end|system|endoftext)\\|>|\\[\\/?INST\\]|<<SYS>>',
}).map(([rule, form]) => ({ rule, form: new RegExp(`(?<!\\w)(?:${form})`, 'gi') }));

/** Words that are known with their inner letters in another order. */
const KEYWORDS = [
  ...[
    'ignore',
    'disregard',
    'forget',
    'override',
    'bypass',
    'previous',
    'prior',
    'earlier',
    'instructions',
    'instruction',
  ],
  ...['system', 'prompt', 'reveal', 'developer', 'safety', 'filters', 'restrictions', 'guidelines'],
];
const shapeOf = (word: string): string =>
  `${word[0] ?? ''}${[...word.slice(1, -1)].sort().join('')}${word.at(-1) ?? ''}`;
const BY_SHAPE: ReadonlyMap<string, string> = new Map(KEYWORDS.map((word) => [shapeOf(word), word]));

/** As long as before, so that places stay the same. */
const unscramble = (text: string): string =>
  text.replace(/[A-Za-z]{5,12}/g, (word) => BY_SHAPE.get(shapeOf(word.toLowerCase())) ?? word);

const firstIn = (text: string): Match | undefined => {
  let first: Match | undefined;
  for (const { rule, form } of RULES) {
    form.lastIndex = 0;
    const found = form.exec(text);
    if (found !== null && (first === undefined || found.index < first.start))
      first = { start: found.index, end: found.index + found[0].length, rule };
  }
  return first;
};

const COMPACT =
  /(?:ignore|disregard|forget|override|bypass)(?:all|any)?(?:of)?(?:the|your|my)?(?:previous|prior|above|earlier)(?:instructions?|prompts?|rules)|(?:reveal|show|print)(?:me)?(?:your|the)(?:system|hidden)prompt/i;

const PRINTABLE = /^[\t\n\r\x20-\x7e]+$/;
const isOrder = (text: string): boolean => PRINTABLE.test(text) && firstIn(unscramble(text)) !== undefined;

/** Ways to hide a phrase: where one may stand, and whether it does. */
const HIDDEN: readonly { readonly rule: string; readonly form: RegExp; readonly holds: (found: string) => boolean }[] =
  [
    {
      rule: 'spaced-letters',
      form: /(?<![A-Za-z])[A-Za-z](?:[ ._*-]{1,3}[A-Za-z](?![A-Za-z])){9,127}/g,
      holds: (found) => COMPACT.test(found.replace(/[^A-Za-z]/g, '')),
    },
    {
      rule: 'base64',
      form: /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{24,4096}={0,2}/g,
      holds: (found) => isOrder(Buffer.from(found, 'base64').toString('latin1')),
    },
    {
      rule: 'hex',
      form: /(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}){16,2048}/g,
      holds: (found) => isOrder(Buffer.from(found, 'hex').toString('latin1')),
    },
  ];

const firstHidden = (text: string): Match | undefined => {
  let first: Match | undefined;
  for (const { rule, form, holds } of HIDDEN) {
    form.lastIndex = 0;
    for (let found = form.exec(text); found !== null; found = form.exec(text)) {
      if (first !== undefined && found.index >= first.start) break;
      if (holds(found[0])) first = { start: found.index, end: found.index + found[0].length, rule };
    }
  }
  return first;
};

export const promptInjection: Detector = {
  windowCharacters: WINDOW_CHARACTERS,
  stepCharacters: STEP_CHARACTERS,
  find(text, from, end) {
    const part = text.slice(from, end);
    const plain = firstIn(unscramble(part));
    const hidden = firstHidden(part);
    const first = hidden === undefined || (plain !== undefined && plain.start <= hidden.start) ? plain : hidden;
    return first && { ...first, start: first.start + from, end: first.end + from };
  },
};
