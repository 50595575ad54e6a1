// What a key may give to a key, one line a case.
import { widerThan, type Allowance } from './wider-than.js';

const manager: Allowance = { kind: 'management' };

describe('a key made by a key', () => {
  it.each<[string, Partial<Allowance>, Partial<Allowance>, boolean]>([
    ['may be anything under a maker without limits', {}, { limit: '5', expiresAt: 9, memberId: 'm' }, false],
    ['may be unlimited under an unlimited maker', {}, {}, false],
    ['may have the same limit', { limit: '100' }, { limit: '100' }, false],
    ['may have a lower limit', { limit: '100' }, { limit: '99' }, false],
    ['may not have a higher limit', { limit: '100' }, { limit: '101' }, true],
    ['may not be without the limit', { limit: '100' }, {}, true],
    [
      'may not have a limit that resets where the maker’s does not',
      { limit: '100' },
      { limit: '1', limitReset: 'monthly' },
      true,
    ],
    ['may have a limit that never resets', { limit: '100', limitReset: 'daily' }, { limit: '3100' }, false],
    [
      'may have the maker’s rate',
      { limit: '100', limitReset: 'monthly' },
      { limit: '100', limitReset: 'monthly' },
      false,
    ],
    [
      'may not have the maker’s amount more often',
      { limit: '100', limitReset: 'monthly' },
      { limit: '100', limitReset: 'daily' },
      true,
    ],
    ['may not outlive its maker', { expiresAt: 10 }, { expiresAt: 11 }, true],
    ['may not live for ever when its maker does not', { expiresAt: 10 }, {}, true],
    ['may end with its maker', { expiresAt: 10 }, { expiresAt: 10 }, false],
    ['may not be another member’s', { memberId: 'a' }, { memberId: 'b' }, true],
    ['may not be nobody’s', { memberId: 'a' }, {}, true],
    ['may not leave the maker’s policy', { policyId: 'p' }, {}, true],
    ['may be an inference key', {}, { kind: 'inference' }, false],
    ['may not manage when its maker may not', { kind: 'inference' }, { kind: 'management' }, true],
  ])('%s', (_name, parent, child, wider) => {
    expect(widerThan({ ...manager, ...parent }, { ...manager, ...child }) !== undefined).toBe(wider);
  });
});
