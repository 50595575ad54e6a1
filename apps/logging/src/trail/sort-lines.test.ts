import { linesJson } from './lines-json.js';
import { DEAD_LETTER_UNITS_MAX, sortLines } from './sort-lines.js';

const consumed = (line: unknown, position = '1/0') => ({ line, position, instance: 'ingress-1', deliveries: 1 });

describe('sortLines', () => {
  it('says what is wrong with a bad line, without its values', () => {
    const { good, bad } = sortLines([consumed({ kind: 'generation.recorded', v: 1, generationId: 'secret words' })]);
    expect(good).toEqual([]);
    expect(bad[0]).toMatchObject({ position: '1/0', reason: expect.stringContaining('generationId') });
    expect(bad[0]?.reason).not.toContain('secret');
  });

  it('takes a batch that is not JSON as one bad line without text', () => {
    expect(sortLines([consumed(undefined)]).bad).toEqual([
      { position: '1/0', instance: 'ingress-1', reason: 'The message is not a batch of lines.' },
    ]);
  });

  it('bounds what it keeps of a bad line', () => {
    expect(sortLines([consumed({ kind: 'x'.repeat(DEAD_LETTER_UNITS_MAX * 2) })]).bad[0]?.text).toHaveLength(
      DEAD_LETTER_UNITS_MAX,
    );
  });
});

describe('linesJson', () => {
  it('replaces what Postgres cannot hold and nothing else', () => {
    expect(JSON.parse(linesJson([{ a: 'x\0y', b: 'z\ud800', c: '\\u0000', d: '😀' }]))).toEqual([
      { a: 'x\uFFFDy', b: 'z\uFFFD', c: '\\u0000', d: '😀' },
    ]);
    expect(linesJson([{ d: '😀' }])).toBe('[{"d":"😀"}]');
  });
});
