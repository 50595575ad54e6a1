// The wire shape of what is to be spoken, for the reference document. The answer is sound.
import { JOB_FIELDS, NO_STREAM, TOLERANT } from '../jobs/job-schema.js';
import { describe, number, oneOfWords, text, type SchemaData } from '../schema/schema-data.js';
import { CHARACTERS_MAX, SPEECH_FORMATS } from './speech.js';

export const SPEECH_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  SpeechRequest: {
    type: 'object',
    description: TOLERANT,
    required: ['input'],
    properties: {
      ...JOB_FIELDS,
      input: { type: 'string', minLength: 1, maxLength: CHARACTERS_MAX },
      voice: text({ minLength: 1, maxLength: 256 }),
      response_format: describe(oneOfWords(...SPEECH_FORMATS), '`pcm` if absent'),
      speed: number(0.25, 4),
      instructions: text({ minLength: 1, maxLength: CHARACTERS_MAX }),
      input_references: describe({ type: 'null' }, 'No voice is cloned here'),
      stream: NO_STREAM,
    },
  },
};
