// Patterns of guardrails, compiled by an engine whose time is linear in the text (RE2). Linear is no bound yet: what one look may cost is the length of the compiled program times the
// characters that are looked at, so both are bounded here. https://github.com/google/re2/wiki/Syntax
import { CONTENT_PATTERN_CHARACTERS_MAX } from '@waystation/contracts';
import { RE2JS, RE2JSException } from 're2js';
import type { Detector } from './match.js';

/** Instructions of a compiled pattern. */
const PROGRAM_MAX = 500;
/** Instructions times characters of one look: some milliseconds. */
const LOOK_MAX = 512_000;
const WINDOW_CHARACTERS = 512;
const STEP_CHARACTERS_MAX = 65_536;

export interface PatternProblem {
  readonly problem: string;
  /** Characters before the place, where there is one. */
  readonly position?: number;
}

const KEPT_MAX = 1_024;
const kept = new Map<string, Detector>();

export const isPatternProblem = (compiled: Detector | PatternProblem): compiled is PatternProblem =>
  'problem' in compiled;

/** The group that is never closed. */
const openGroup = (pattern: string): number => {
  const open: number[] = [];
  let inClass = false;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === '\\') at += 1;
    else if (inClass) inClass = character !== ']';
    else if (character === '[') inClass = true;
    else if (character === '(') open.push(at);
    else if (character === ')') open.pop();
  }
  return open.at(-1) ?? 0;
};

const problemOf = (pattern: string, thrown: unknown): PatternProblem => {
  if (!(thrown instanceof RE2JSException)) return { problem: 'cannot be compiled' };
  const said = thrown.message.replace(/^error parsing regexp: /, '');
  const [, reason = said, quoted] = /^(.*?)(?:: `([\s\S]*)`)?$/.exec(said) ?? [];
  if (reason === 'missing closing )') return { problem: reason, position: openGroup(pattern) };
  const position = quoted === undefined ? -1 : pattern.indexOf(quoted);
  return position < 0 ? { problem: reason } : { problem: reason, position };
};

/** A pattern, or what is wrong with it. */
export const compilePattern = (pattern: string): Detector | PatternProblem => {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > CONTENT_PATTERN_CHARACTERS_MAX)
    return { problem: `has more than ${CONTENT_PATTERN_CHARACTERS_MAX} characters` };
  try {
    const compiled = RE2JS.compile(pattern);
    const size = compiled.programSize();
    if (size > PROGRAM_MAX)
      return {
        problem: `is too large: compiled it has ${size} instructions, at most ${PROGRAM_MAX} are taken. Use smaller counts, or several filters`,
      };
    if (compiled.test('')) return { problem: 'matches a text of no characters, and so would match everything' };
    const detector: Detector = {
      windowCharacters: WINDOW_CHARACTERS,
      stepCharacters: Math.min(
        STEP_CHARACTERS_MAX,
        Math.max(WINDOW_CHARACTERS, Math.floor(LOOK_MAX / size) - WINDOW_CHARACTERS),
      ),
      find(text, from, end) {
        const matcher = compiled.matcher(end === text.length ? text : text.slice(0, end));
        for (let at = from; at < end && matcher.find(at); at = matcher.start() + 1)
          if (matcher.end() > matcher.start()) return { start: matcher.start(), end: matcher.end() };
        return undefined;
      },
    };
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(pattern, detector);
    return detector;
  } catch (thrown) {
    return problemOf(pattern, thrown);
  }
};
