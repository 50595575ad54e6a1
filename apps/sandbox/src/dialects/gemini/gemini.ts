// Google's Gemini, as its documents say: https://ai.google.dev/api/generate-content
import type { Dialect } from '../dialect.js';
import { readGenerateContent } from './read-generate-content.js';
import { createContentStreamEncoder, writeContent } from './write-content.js';
import { writeGeminiError } from './write-error.js';

/** AI Studio's paths, and Vertex AI's, which have a project in front. */
const PATH = /^\/v1(?:beta\d?)?\/(?:.+\/)?models\/([^/:]+(?:\/[^/:]+)*):(generateContent|streamGenerateContent)$/;

export const gemini: Dialect = {
  name: 'gemini',
  paths: [],
  readPath(path) {
    const match = PATH.exec(path);
    if (match === null) return undefined;
    return { model: decodeURIComponent(match[1] ?? ''), stream: match[2] === 'streamGenerateContent' };
  },
  idPrefix: 'gemini',
  generates: true,
  readCall(received) {
    const { call, includeThoughts } = readGenerateContent(received);
    return {
      call,
      completion: (head, reply, script) => writeContent(head, reply, script, includeThoughts),
      stream: (head, reply, script) => createContentStreamEncoder(head, reply, script, includeThoughts),
    };
  },
  error: writeGeminiError,
};
