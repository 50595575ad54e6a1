import { describeConformance } from '../conformance/conformance.js';
import { describeTranslation } from '../conformance/translation.js';
import { fixtures } from './fixtures/fixtures.js';
import { openaiChat } from './openai-chat.js';

describeConformance(openaiChat, fixtures);
describeTranslation(openaiChat, fixtures);
