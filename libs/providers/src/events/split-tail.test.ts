import { TAIL_CHARACTERS_MAX } from '@waystation/contracts';
import { splitTail } from './split-tail.js';

describe('a tail', () => {
  it('that fits waits as a whole', () => {
    const tail = 'x'.repeat(TAIL_CHARACTERS_MAX);
    expect(splitTail(tail)).toEqual({ now: '', later: tail });
  });

  it.each([0, 1])('that is too long goes out but for its end, with no character torn (%i before it)', (before) => {
    const tail = `${'a'.repeat(before)}${'😀'.repeat(TAIL_CHARACTERS_MAX)}}}\n\n`;
    const { now, later } = splitTail(tail);
    expect(later.length).toBeLessThanOrEqual(1_025);
    expect(later.endsWith('}}\n\n')).toBe(true);
    expect(Buffer.concat([Buffer.from(now), Buffer.from(later)]).toString()).toBe(tail);
  });
});
