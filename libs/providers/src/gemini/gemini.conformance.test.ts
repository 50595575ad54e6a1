import { describeTranslation } from '../conformance/translation.js';
import { fixtures } from './fixtures/fixtures.js';
import { gemini } from './gemini.js';

describeTranslation(gemini, fixtures);
