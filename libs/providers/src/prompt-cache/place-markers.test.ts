// Which parts of a prompt are marked for the cache: the four places, the client's own marks, short prompts, and how long each is kept.
import type { CacheMarker } from '@waystation/generation';
import fc from 'fast-check';
import { MARKERS_MAX, placeMarkers, type Piece } from './place-markers.js';

type Ttl = CacheMarker['ttl'];
/** `tools`, `system`, `user`, `model`; behind a colon a mark of the client. `!` cannot be marked, `~` is short. */
type Said = string;

const SECTIONS = { tool: 'tools', system: 'instructions', user: 'conversation', model: 'conversation' } as const;

const pieceOf = (said: Said, at: number): Piece<number> => {
  const [word = '', ...marks] = said.split(':');
  const name = word.replace(/[!~]/g, '') as keyof typeof SECTIONS;
  return {
    section: SECTIONS[name],
    isAnswer: name === 'model',
    bytes: word.includes('~') ? 30 : 3_000,
    canBeMarked: !word.includes('!'),
    marks: marks as Ttl[],
    handle: at,
  };
};
const placed = (said: readonly Said[], ttl: Ttl = '5m', marksTools = true) =>
  Object.fromEntries(placeMarkers(said.map(pieceOf), { ttl, tokensMin: 1_000, marksTools }));

it.each<[string, Said[], Record<number, Ttl>]>([
  ['one question', ['user'], { 0: '5m' }],
  ['tools, instructions and a question', ['tool', 'tool', 'system', 'system', 'user'], { 1: '5m', 3: '5m', 4: '5m' }],
  [
    'a later turn: also where the turn before ended',
    ['tool', 'system', 'user', 'model', 'user', 'model', 'user'],
    { 0: '5m', 1: '5m', 4: '5m', 6: '5m' },
  ],
  ['several results of tools: the last of them', ['user', 'model', 'user', 'user'], { 0: '5m', 3: '5m' }],
  ['an answer that has begun: what was said before it', ['user', 'model'], { 0: '5m' }],
  ['a last part that takes no mark: the one before it', ['user', 'user!'], { 0: '5m' }],
  ['nothing that takes a mark', ['system!', 'user!'], {}],
  ['a short prompt', ['system~', 'user~', 'model', 'user'], { 3: '5m' }],
  ['a prompt that is too short', ['system~', 'user~'], {}],
  ['places that the client marked', ['tool', 'system:5m', 'user:5m'], { 0: '5m' }],
  ['room for one more', ['tool', 'system', 'user:5m', 'user:5m', 'user:5m', 'model', 'user'], { 6: '5m' }],
  ['no room', ['tool:5m', 'system:5m', 'user:5m:5m', 'model', 'user'], {}],
])('marks %s', (_, said, expected) => {
  expect(placed(said)).toEqual(expected);
});

it.each<[string, Said[], Ttl, Record<number, Ttl>]>([
  ['as asked', ['system', 'user'], '1h', { 0: '1h', 1: '1h' }],
  ['for minutes behind what the client keeps for minutes', ['tool', 'system:5m', 'user'], '1h', { 0: '1h', 2: '5m' }],
  ['for an hour before what the client keeps for an hour', ['system', 'user:1h', 'user'], '5m', { 0: '1h', 2: '5m' }],
])('keeps %s', (_, said, ttl, expected) => {
  expect(placed(said, ttl)).toEqual(expected);
});

it('leaves tools alone where they take no marks', () => {
  expect(placed(['tool', 'system', 'user'], '5m', false)).toEqual({ 1: '5m', 2: '5m' });
});

const saids = fc.array(
  fc.constantFrom('user', 'user~', 'user!', 'model', 'model!', 'user:5m', 'user:1h', 'model:5m', 'user:5m:5m'),
  { maxLength: 12 },
);
const heads = fc.array(fc.constantFrom('system', 'system~', 'system:1h', 'system:5m'), { maxLength: 3 });
const tools = fc.array(fc.constantFrom('tool', 'tool~', 'tool:1h'), { maxLength: 3 });

it('never exceeds what a provider takes, never touches what the client marked, and never puts an hour behind minutes where the client did not', () => {
  fc.assert(
    fc.property(tools, heads, saids, fc.constantFrom<Ttl>('5m', '1h'), (first, second, third, ttl) => {
      const said = [...first, ...second, ...third];
      const pieces = said.map(pieceOf);
      const own = pieces.flatMap(({ marks }) => marks);
      const result = placeMarkers(pieces, { ttl, tokensMin: 1_000, marksTools: true });
      expect(result.size).toBeLessThanOrEqual(Math.max(0, MARKERS_MAX - own.length));
      for (const at of result.keys()) expect(pieces[at]).toMatchObject({ canBeMarked: true, marks: [] });
      const isSorted = (kept: readonly Ttl[]): boolean => !kept.join(' ').includes('5m 1h');
      const all = pieces.flatMap(({ marks, handle }) => [...marks, ...(result.get(handle) ?? '').split(' ')] as Ttl[]);
      if (isSorted(own)) expect(isSorted(all.filter((each) => (each as string) !== ''))).toBe(true);
    }),
  );
});
