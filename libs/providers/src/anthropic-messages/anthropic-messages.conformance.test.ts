import { describePassing } from '../conformance/passing.js';
import { describeTranslation } from '../conformance/translation.js';
import { anthropicMessages } from './anthropic-messages.js';
import { fixtures } from './fixtures/fixtures.js';

describeTranslation(anthropicMessages, fixtures);
describePassing(anthropicMessages, fixtures, {
  collect: (wire) => wire.match(/"text_delta","text":"((?:[^"\\]|\\.)*)"/g)?.join('') ?? '',
  tailHas: ['message_delta', 'message_stop'],
});
