// Whether a text looks like personal data or a secret. A hint for routing, no guard: what must never leave is a guardrail's business. Pure.

const PATTERNS: readonly RegExp[] = [
  // an address of e-mail
  /[\w.+-]{1,64}@[\w-]{1,63}\.[a-z]{2,24}/i,
  // keys and tokens by their prefixes
  /\b(?:sk|pk|ghp|gho|xox[abp]|AKIA|AIza)[-_A-Za-z0-9]{16,}/,
  /-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----/,
  // a social security number, an IBAN
  /\b\d{3}-\d{2}-\d{4}\b/,
  /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/,
  /\b(?:password|passwort|mot de passe|contraseña)\s*(?:is|ist|:|=)\s*\S/i,
  /\b(?:diagnosed with|medical record|patient (?:name|id)|date of birth|passport number)\b/i,
];
const CARD = /\b(?:\d[ -]?){12,18}\d\b/g;

/** The check digit of card numbers. */
const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (const [place, digit] of [...digits].toReversed().entries()) {
    const value = Number(digit) * (place % 2 === 1 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
};

export const looksSensitive = (text: string): boolean =>
  PATTERNS.some((pattern) => pattern.test(text)) ||
  (text.match(CARD) ?? []).some((found) => passesLuhn(found.replace(/\D/g, '')));
