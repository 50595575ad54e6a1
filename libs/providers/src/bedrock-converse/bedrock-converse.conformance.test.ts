import { describeTranslation } from '../conformance/translation.js';
import { bedrockConverse } from './bedrock-converse.js';
import { fixtures } from './fixtures/fixtures.js';

describeTranslation(bedrockConverse, fixtures);
