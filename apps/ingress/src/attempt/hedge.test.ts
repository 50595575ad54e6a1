// Who may be asked beside whom, when, and what a client is told whose wish is not met, one line a case.
import type { PlannedAttempt } from '@waystation/contracts';
import type { ChatRequest } from '@waystation/dialects';
import { planned } from '../test-edge/fixtures.js';
import { hedgeOf, readHedge, secondOf } from './hedge.js';

const bound = (provider: string, changes: Partial<PlannedAttempt> = {}) => ({
  ...{ attempt: planned(provider, changes), inputTokens: 1, outputTokens: 1 },
});
const request = (api = 'chat', outputModalities = ['text']): ChatRequest =>
  ({ features: { api, outputModalities } }) as unknown as ChatRequest;

describe('hedgeOf', () => {
  it.each<
    [string, number | undefined, number | undefined, ChatRequest, string | undefined, number | undefined, string]
  >([
    ['without a wish', undefined, 100, request(), undefined, undefined, ''],
    ['at a station that allows it', 100, 100, request(), undefined, 100, ''],
    ['sooner than it allows', 99, 100, request(), undefined, 100, 'after 100 ms, and no sooner'],
    ['at one that does not', 100, undefined, request(), undefined, undefined, 'this station does not hedge'],
    ['of a request that is run once', 100, 100, request(), 'key', undefined, 'has an Idempotency-Key'],
    ['of a job', 100, 100, request('images', ['image']), undefined, undefined, 'only text is asked for twice'],
    ['of an answer with an image', 100, 100, request('chat', ['text', 'image']), undefined, undefined, 'only text'],
    ['of messages', 100, 1, request('messages'), undefined, 100, ''],
    ['of responses', 100, 1, request('responses'), undefined, 100, ''],
    ['of completions', 100, 1, request('completions'), undefined, 100, ''],
  ])('%s', (_name, hedgeAfterMs, least, asked, idempotencyKey, afterMs, warning) => {
    const hedge = hedgeOf({ hedgeAfterMs, idempotencyKey, request: asked }, least);
    expect(hedge.afterMs).toBe(afterMs);
    if (warning === '') expect(hedge.warning).toBeUndefined();
    else
      expect(hedge.warning).toMatchObject({
        field: 'x-waystation-hedge',
        message: expect.stringContaining(warning) as string,
      });
  });
});

describe('readHedge', () => {
  it.each([
    [undefined, undefined],
    ['1', 1],
    [' 800 ', 800],
    ['60000', 60_000],
  ])('reads %j', (header, afterMs) => {
    expect(readHedge(header)).toBe(afterMs);
  });

  it.each(['', '0', '-1', '60001', '1.5', '1e3', 'soon', '0x10', '999999'])('refuses %j by name', (header) => {
    expect(() => readHedge(header)).toThrow(
      /^x-waystation-hedge: milliseconds from 1 to 60000 are expected, received "/,
    );
  });
});

describe('secondOf', () => {
  const first = bound('a');
  it.each([
    ['the next of the same model', first, [bound('b'), bound('c')], 'b'],
    ['not another model', first, [bound('b', { model: 'lab/other' }), bound('c')], 'c'],
    ['not the same endpoint with another key', first, [bound('a'), bound('c')], 'c'],
    ['not one with an own key', first, [bound('b', { byok: true }), bound('c')], 'c'],
    ['not one that bills what it was told to stop', first, [bound('b', { billsAfterCancel: true })], undefined],
    ['none beside an own key', bound('a', { byok: true }), [bound('b')], undefined],
    ['none beside one that bills on', bound('a', { billsAfterCancel: true }), [bound('b')], undefined],
    ['none where none is left', first, [], undefined],
  ])('is %s', (_name, one, later, provider) => {
    expect(secondOf(one, later)?.attempt.provider).toBe(provider);
  });
});
