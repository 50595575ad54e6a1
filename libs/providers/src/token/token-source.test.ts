// When a token is asked for, and how often. Time is the test's own.
import { TokenSource, type Token } from './token-source.js';

const HOUR_MS = 3_600_000;

const setUp = () => {
  let nowMs = 0;
  const questions: { answer: (token: Token) => void; refuse: (error: Error) => void }[] = [];
  const source = new TokenSource(
    () => new Promise((answer, refuse) => questions.push({ answer, refuse })),
    () => nowMs,
  );
  return {
    source,
    questions,
    at: (ms: number) => void (nowMs = ms),
    /** Answers the latest question. */
    async answer(secret: string, lifeMs = HOUR_MS) {
      questions.at(-1)?.answer({ secret, lifeMs });
      await Promise.resolve();
      await Promise.resolve();
    },
  };
};

it('asks once for all who need it at the same time, and not again while the token is good', async () => {
  const { source, questions, at, answer } = setUp();
  const all = [source.get(), source.get(), source.get()];
  await answer('t1');
  expect(await Promise.all(all)).toEqual(['t1', 't1', 't1']);
  at(HOUR_MS - 5 * 60_000 - 1);
  expect(source.get()).toBe('t1');
  expect(questions).toHaveLength(1);
});

it('renews it before its end in the background, once, while the old one is given out', async () => {
  const { source, questions, at, answer } = setUp();
  void source.get();
  await answer('t1');
  at(HOUR_MS - 5 * 60_000);
  expect([source.get(), source.get()]).toEqual(['t1', 't1']);
  expect(questions).toHaveLength(2);
  await answer('t2');
  expect(source.get()).toBe('t2');
});

it('gives none out that may end on the way', async () => {
  const { source, questions, at, answer } = setUp();
  void source.get();
  await answer('t1');
  at(HOUR_MS - 60_000);
  const next = source.get();
  expect(next).toBeInstanceOf(Promise);
  await answer('t2');
  expect(await next).toBe('t2');
  expect(questions).toHaveLength(2);
});

it('takes the spare time of a short token from its life', async () => {
  const { source, questions, at, answer } = setUp();
  void source.get();
  await answer('t1', 10_000);
  at(7_999);
  expect([source.get(), questions.length]).toEqual(['t1', 1]);
  at(8_000);
  expect([source.get(), questions.length]).toEqual(['t1', 2]);
});

it('tells a refusal to all who wait, and to those who come right after it without another question', async () => {
  const { source, questions, at, answer } = setUp();
  const waiting = [source.get(), source.get()];
  questions[0]?.refuse(new Error('refused'));
  expect(await Promise.allSettled(waiting)).toMatchObject([{ reason: { message: 'refused' } }, { status: 'rejected' }]);
  at(999);
  await expect(source.get()).rejects.toThrow('refused');
  expect(questions).toHaveLength(1);
  at(1_000);
  const next = source.get();
  await answer('t1');
  expect(await next).toBe('t1');
});

it('keeps the old one when its renewal is refused, and asks again a moment later', async () => {
  const { source, questions, at, answer } = setUp();
  void source.get();
  await answer('t1');
  at(HOUR_MS - 5 * 60_000);
  expect(source.get()).toBe('t1');
  questions[1]?.refuse(new Error('refused'));
  await Promise.resolve();
  await Promise.resolve();
  expect([source.get(), questions.length]).toEqual(['t1', 2]);
  at(HOUR_MS - 5 * 60_000 + 1_000);
  expect([source.get(), questions.length]).toEqual(['t1', 3]);
});
