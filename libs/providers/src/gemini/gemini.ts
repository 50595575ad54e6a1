// Google's Gemini: AI Studio and Vertex AI. https://ai.google.dev/api/generate-content
import { EventsReader } from '../events/events-reader.js';
import type { ProviderDialect } from '../spec.js';
import { buildFromCall } from './build-from-call.js';
import { geminiDecoding } from './decode.js';
import { embedJob } from './embed-job.js';
import { parseGeminiError } from './parse-error.js';

export const gemini: ProviderDialect = {
  name: 'gemini',
  credential: { kind: 'header', name: 'x-goog-api-key' },
  parseError: parseGeminiError,
  translation: {
    buildRequest: buildFromCall,
    readResponse: (terms, sink) => new EventsReader(terms, geminiDecoding, sink),
  },
  jobs: new Map([['embeddings', embedJob]]),
};
