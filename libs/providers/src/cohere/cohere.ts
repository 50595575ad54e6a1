// Cohere's chat, second version. https://docs.cohere.com/reference/chat
import { EventsReader } from '../events/events-reader.js';
import type { ProviderDialect } from '../spec.js';
import { cohereJobs } from '../cohere-jobs/cohere-jobs.js';
import { buildCohereChat } from './build-from-call.js';
import { cohereDecoding } from './decode.js';
import { parseCohereError } from './parse-error.js';

export const cohere: ProviderDialect = {
  name: 'cohere',
  parseError: parseCohereError,
  translation: {
    buildRequest: buildCohereChat,
    readResponse: (terms, sink) => new EventsReader(terms, cohereDecoding, sink),
  },
  jobs: cohereJobs,
};
