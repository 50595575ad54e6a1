// The wire shapes of transcripts, for the reference document.
import { COUNT, JOB_FIELDS, NO_STREAM, TOLERANT, USD } from '../jobs/job-schema.js';
import { answer, describe, listOf, number, oneOfWords, text, word, type SchemaData } from '../schema/schema-data.js';

const plain = { type: 'string' } as const;
const seconds = { type: 'number', description: 'Seconds' } as const;

const options: Readonly<Record<string, SchemaData>> = {
  model: JOB_FIELDS['model'] ?? {},
  language: describe(text({ minLength: 1, maxLength: 64 }), 'ISO 639-1, such as `en`; found out where it is absent'),
  prompt: describe(
    text({ minLength: 1, maxLength: 100_000 }),
    'Words that may be spoken, in the language of the sound',
  ),
  temperature: number(0, 1),
  response_format: describe(oneOfWords('json', 'verbose_json'), '`verbose_json` has the times of segments and words'),
};
const GRANULARITIES = listOf(word('word', 'segment'), 2);

export const TRANSCRIPTIONS_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  TranscriptionRequest: {
    type: 'object',
    description: TOLERANT,
    required: ['input_audio'],
    properties: {
      ...JOB_FIELDS,
      ...options,
      stream: NO_STREAM,
      input_audio: {
        type: 'object',
        required: ['data', 'format'],
        properties: {
          data: { type: 'string', description: 'Base64, no data URI', minLength: 2 },
          format: {
            type: 'string',
            description: '`wav`, `mp3`, `flac`, `m4a`, `ogg`, `webm`, …',
            pattern: '^[A-Za-z0-9]{1,16}$',
          },
        },
      },
      timestamp_granularities: describe(GRANULARITIES, 'With `verbose_json` only'),
    },
  },
  TranscriptionForm: {
    type: 'object',
    description: 'As OpenAI has it',
    required: ['file'],
    properties: {
      ...options,
      file: {
        type: 'string',
        contentMediaType: 'application/octet-stream',
        description: 'At most 25 MB. The format is the end of its name, or else its content type',
      },
      'timestamp_granularities[]': GRANULARITIES,
    },
  },
  Transcription: answer(
    {
      text: plain,
      task: plain,
      language: plain,
      duration: { type: ['number', 'string'], description: 'Seconds' },
      segments: { type: 'array', items: { type: 'object', required: ['text'], properties: { text: plain } } },
      words: { type: 'array', items: answer({ word: plain, start: seconds, end: seconds }) },
      usage: answer(
        {
          type: describe(word('duration', 'tokens'), 'What was counted'),
          seconds: COUNT,
          input_tokens: COUNT,
          output_tokens: COUNT,
          total_tokens: COUNT,
          input_token_details: answer({ text_tokens: COUNT, audio_tokens: COUNT }),
          cost: USD,
        },
        ['seconds', 'input_tokens', 'output_tokens', 'total_tokens', 'input_token_details'],
      ),
    },
    ['task', 'language', 'duration', 'segments', 'words', 'usage'],
  ),
};
