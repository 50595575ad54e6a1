import { describePassing } from '../conformance/passing.js';
import { describeTranslation } from '../conformance/translation.js';
import { openaiResponses } from './openai-responses.js';
import { fixtures } from './fixtures/fixtures.js';
import { RESPONSE_MEMBERS } from './pass.js';

describeTranslation(openaiResponses, fixtures);
describePassing(
  openaiResponses,
  // An answer that reached its limit ends with another event.
  { ...fixtures, streams: fixtures.streams.filter(({ bytes }) => bytes.includes('response.completed')) },
  {
    collect: (wire) => wire.match(/"delta":"((?:[^"\\]|\\.)*)"/g)?.join('') ?? '',
    tailHas: ['response.completed'],
    filledIn: RESPONSE_MEMBERS,
  },
);
