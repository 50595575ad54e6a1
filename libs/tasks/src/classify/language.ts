// The language of a text, by its script and its commonest words. ISO 639-1; `other` where nothing speaks for one. Pure.

const SCRIPTS: readonly (readonly [language: string, letters: RegExp])[] = [
  ['ja', /[\u3040-\u30ff]/],
  ['ko', /[\uac00-\ud7af]/],
  ['zh', /[\u4e00-\u9fff]/],
  ['ar', /[\u0600-\u06ff]/],
  ['hi', /[\u0900-\u097f]/],
  ['el', /[\u0370-\u03ff]/],
  ['he', /[\u0590-\u05ff]/],
  ['th', /[\u0e00-\u0e7f]/],
  ['ru', /[\u0400-\u04ff]/],
];
const WORDS: Readonly<Record<string, readonly string[]>> = {
  en: [
    'the',
    'and',
    'of',
    'to',
    'is',
    'in',
    'for',
    'this',
    'that',
    'what',
    'how',
    'with',
    'a',
    'me',
    'my',
    'you',
    'write',
    'are',
  ],
  de: [
    'der',
    'die',
    'das',
    'und',
    'ist',
    'nicht',
    'ein',
    'eine',
    'für',
    'mit',
    'wie',
    'ich',
    'den',
    'zu',
    'auf',
    'bitte',
    'von',
  ],
  fr: [
    'le',
    'la',
    'les',
    'et',
    'est',
    'une',
    'des',
    'pour',
    'dans',
    'que',
    'je',
    'vous',
    'un',
    'du',
    'avec',
    'ce',
    'sur',
  ],
  es: ['el', 'la', 'los', 'las', 'y', 'es', 'una', 'por', 'para', 'que', 'con', 'un', 'en', 'del', 'cómo', 'qué', 'se'],
  it: [
    'il',
    'lo',
    'gli',
    'e',
    'è',
    'una',
    'per',
    'che',
    'con',
    'un',
    'di',
    'del',
    'della',
    'come',
    'non',
    'mi',
    'sono',
  ],
  pt: ['o', 'os', 'as', 'e', 'é', 'uma', 'para', 'que', 'com', 'um', 'do', 'da', 'não', 'como', 'em', 'por', 'você'],
  nl: [
    'de',
    'het',
    'een',
    'en',
    'is',
    'niet',
    'van',
    'voor',
    'met',
    'op',
    'dat',
    'ik',
    'te',
    'hoe',
    'wat',
    'je',
    'zijn',
  ],
};
/** Letters that Russian has not. */
const UKRAINIAN = /[іїєґ]/i;
const CHARACTERS_READ = 2_000;

export const languageOf = (text: string): string => {
  const read = text.slice(0, CHARACTERS_READ);
  const words = new Set(read.toLowerCase().match(/\p{L}+/gu) ?? []);
  if (words.size === 0) return 'other';
  // A few letters of another script are a quotation.
  const letters = (read.match(/\p{L}/gu) ?? []).length;
  for (const [language, script] of SCRIPTS) {
    const found = read.match(new RegExp(script.source, `${script.flags}g`)) ?? [];
    if (found.length * 5 >= letters) return language === 'ru' && UKRAINIAN.test(read) ? 'uk' : language;
  }
  const scores = Object.entries(WORDS).map(
    ([language, common]) => [language, common.filter((word) => words.has(word)).length] as const,
  );
  const [language, score] = scores.reduce((best, each) => (each[1] > best[1] ? each : best));
  return score === 0 ? 'other' : language;
};
