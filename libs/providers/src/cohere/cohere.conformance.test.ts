import { describeTranslation } from '../conformance/translation.js';
import { cohere } from './cohere.js';
import { fixtures } from './fixtures/fixtures.js';

describeTranslation(cohere, fixtures);
