import { newRequestId, requestIdOf } from './request-id.js';

describe('request ids', () => {
  test('ours are unique', () => {
    expect(new Set(Array.from({ length: 1_000 }, newRequestId)).size).toBe(1_000);
  });

  test.each([
    ['a harmless token is kept', 'a3c2-77.f_0', true],
    ['too short', 'abc', false],
    ['too long', 'a'.repeat(65), false],
    ['with a line break', 'abcdefgh\nforged', false],
    ['with spaces', 'abcdefgh ij', false],
    ['twice', ['abcdefgh', 'abcdefgh'], false],
    ['absent', undefined, false],
  ])('%s', (_name, header, kept) => {
    const id = requestIdOf(header);
    expect(id === header).toBe(kept);
    expect(id).toMatch(/^[\w.-]{8,64}$/);
  });
});
