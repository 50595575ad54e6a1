// What holds for the key of any two questions: the same for one question in other words, another for another question, or another asker.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { answerKey, type AnswerQuestion } from './answer-key.js';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const keyOf = (question: AnswerQuestion): string | undefined => answerKey(question, hash);

/** Few values, so that questions often agree in most of what they are. */
const question = fc.record({
  workspaceId: fc.constantFrom('ws-1', 'ws-2'),
  keyHash: fc.constantFrom('a', 'b'),
  policies: fc.array(fc.record({ id: fc.constantFrom('p', 'q'), version: fc.nat(2) }), { maxLength: 2 }),
  api: fc.constantFrom('chat', 'messages'),
  stream: fc.boolean(),
  models: fc.array(fc.constantFrom('lab/a', 'lab/b', '"],["'), { maxLength: 2 }),
  value: fc.dictionary(fc.constantFrom('model', 'n', 'x\ny'), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
});
type Asked = Omit<AnswerQuestion, 'body'> & { readonly value: object };
const asQuestion = ({ value, ...asked }: Asked, spaces = 0): AnswerQuestion => ({
  ...asked,
  body: Buffer.from(JSON.stringify(value, null, spaces)),
});
/** Names sorted and nothing else: what the key must tell apart. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return { items: value.map(sorted) };
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(([name, each]): [string, unknown] => [name, sorted(each)]);
  return { members: members.sort(([a], [b]) => (a < b ? -1 : 1)) };
};
const meaning = ({ value, ...asked }: Asked): string => JSON.stringify([asked, sorted(value)]);

describe('the key of an answer', () => {
  it('is the same for two questions exactly where they mean the same', () => {
    fc.assert(
      fc.property(question, question, fc.nat(2), (one, other, spaces) => {
        expect(keyOf(asQuestion(one)) === keyOf(asQuestion(other, spaces))).toBe(meaning(one) === meaning(other));
      }),
      { numRuns: 5_000 },
    );
  });

  it('is the same for the same question with other white space', () => {
    fc.assert(
      fc.property(question, fc.integer({ min: 1, max: 4 }), (asked, spaces) => {
        expect(keyOf(asQuestion(asked, spaces))).toBe(keyOf(asQuestion(asked)));
      }),
    );
  });

  it.each<[string, (asked: AnswerQuestion) => AnswerQuestion]>([
    ['workspace', (asked) => ({ ...asked, workspaceId: `${asked.workspaceId}x` })],
    ['key', (asked) => ({ ...asked, keyHash: `${asked.keyHash}x` })],
    ['guardrail', (asked) => ({ ...asked, policies: [...asked.policies, { id: 'r', version: 1 }] })],
    ['API', (asked) => ({ ...asked, api: `${asked.api}x` })],
    ['way of delivery', (asked) => ({ ...asked, stream: !asked.stream })],
    ['model', (asked) => ({ ...asked, models: [...asked.models, 'lab/c'] })],
    [
      'version of a guardrail',
      (asked) => ({ ...asked, policies: asked.policies.map(({ id, version }) => ({ id, version: version + 1 })) }),
    ],
  ])('is never shared with another %s', (what, change) => {
    fc.assert(
      fc.property(question, (asked) => {
        fc.pre(what !== 'version of a guardrail' || asked.policies.length > 0);
        const mine = asQuestion(asked);
        expect(keyOf(change(mine))).not.toBe(keyOf(mine));
      }),
    );
  });

  it('is none where the body is no JSON', () => {
    expect(
      keyOf({
        workspaceId: 'w',
        keyHash: 'k',
        policies: [],
        api: 'chat',
        stream: false,
        models: [],
        body: Buffer.from('{'),
      }),
    ).toBeUndefined();
  });
});
