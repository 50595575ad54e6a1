// What is told of usage, one line a case: the provider's word first, the request's where the provider has none.
import type { PlannedAttempt } from '@waystation/contracts';
import type { ResponseReport } from '@waystation/providers';
import { attemptBody, attemptRequest } from '../test-edge/attempt-request.js';
import { tellUsage } from './tell-usage.js';

const request = () => attemptRequest(attemptBody());
const byToken: PlannedAttempt['price'] = { perUnit: { input: '1', output: '1' } };
const byImage: PlannedAttempt['price'] = { perUnit: { input: '1', output: '1', inputImages: '500' } };
const report = (more: Partial<ResponseReport> = {}): ResponseReport => ({
  usage: { input: 10, output: 5 },
  usageSource: 'provider',
  ...more,
});

describe('the service tier', () => {
  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['that the provider tells decides', 'priority', 'default', 'default'],
    ['that was asked for stands in where the provider tells none', 'flex', undefined, 'flex'],
    ['of a call that names none is the provider’s', undefined, 'scale', 'scale'],
    ['may be nobody’s word', undefined, undefined, undefined],
  ])('%s', (_name, asked, told, expected) => {
    const given = { ...request(), ...(asked === undefined ? {} : { serviceTier: asked }) };
    const { serviceTier } = tellUsage(given, report(told === undefined ? {} : { serviceTier: told }));
    expect(serviceTier).toBe(expected);
  });
});

describe('images of the prompt', () => {
  const { attempt } = request();
  it.each<[string, PlannedAttempt['price'], number | undefined, ResponseReport, number | undefined]>([
    ['are counted where the price is by the image', byImage, 3, report(), 3],
    ['are counted where one service tier is', { ...byToken, serviceTiers: { flex: byImage } }, 3, report(), 3],
    [
      'are counted where a larger prompt is',
      { ...byToken, tiers: [{ aboveInputTokens: 9, perUnit: byImage.perUnit }] },
      3,
      report(),
      3,
    ],
    ['are no class where it is by the token', byToken, 3, report(), undefined],
    ['are no class where there are none', byImage, undefined, report(), undefined],
    ['are not used before the prompt is', byImage, 3, report({ usage: {} }), undefined],
    ['are the provider’s where it counts them', byImage, 3, report({ usage: { input: 1, inputImages: 2 } }), 2],
  ])('%s', (_name, price, inputImages, told, expected) => {
    const given = { attempt: { ...attempt, price }, ...(inputImages === undefined ? {} : { inputImages }) };
    expect(tellUsage(given, told).usage['inputImages']).toBe(expected);
  });
});
