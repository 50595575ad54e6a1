// What is found by a place is what the map has, whoever asks from there.
import { findByPlace } from './found-by-place.js';

const known = () => {
  const map = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  return { map, found: findByPlace(map) };
};

describe('what a board knows', () => {
  it('is found by id where no place is told, and from a place again and again', () => {
    const { found } = known();
    expect([found.find('a', undefined), found.find('a', 7), found.find('a', 7)]).toEqual([1, 1, 1]);
  });

  it('is that of who asks, also from a place where another one asked before', () => {
    const { found } = known();
    expect([found.find('a', 0), found.find('b', 0), found.find('a', 0)]).toEqual([1, 2, 1]);
    expect(found.find('c', 0)).toBeUndefined();
    expect(found.find('a', 0)).toBe(1);
  });

  it('is found as soon as the map has it, and no more when it has left', () => {
    const { map, found } = known();
    expect(found.find('c', 2)).toBeUndefined();
    map.set('c', 3);
    expect(found.find('c', 2)).toBe(3);
    map.delete('c');
    found.forget();
    expect(found.find('c', 2)).toBeUndefined();
  });
});
