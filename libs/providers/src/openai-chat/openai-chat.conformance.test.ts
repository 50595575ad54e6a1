import { describeConformance } from '../conformance/conformance.js';
import { fixtures } from './fixtures/fixtures.js';
import { openaiChat } from './openai-chat.js';

describeConformance(openaiChat, fixtures);
