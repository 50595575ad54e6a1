// The envelopes of errors, for the reference document. Written beside `to-dialect-error.ts`, which makes them.
import { ERRORS } from '@waystation/contracts';
import { answer, describe, ref, type SchemaData } from './schema-data.js';

const plain = { type: 'string' } as const;

export const ERROR_SCHEMAS: Readonly<Record<string, SchemaData>> = {
  ErrorMetadata: {
    ...answer({
      error_type: { type: 'string', enum: [...new Set(Object.values(ERRORS).map(({ type }) => type))].sort() },
      waystation_code: { type: 'string', enum: Object.keys(ERRORS) },
    }),
    description: 'Beside these, facts of the error: which field, which quota, what is left of it.',
  },
  Availability: { type: 'object', description: 'Why no endpoint could serve, and when to come back' },
  Error: answer({
    error: answer(
      {
        code: describe({ type: 'integer' }, 'The status'),
        message: describe(plain, 'What was wrong, with which value, and what to do'),
        metadata: ref('ErrorMetadata'),
        availability: ref('Availability'),
      },
      ['availability'],
    ),
  }),
  ResponsesError: answer(
    {
      error: answer({ code: describe(plain, "OpenAI's word for it"), message: plain }),
      error_type: plain,
      metadata: ref('ErrorMetadata'),
      availability: ref('Availability'),
    },
    ['availability'],
  ),
  MessagesError: answer({
    type: { type: 'string', enum: ['error'] },
    error: answer(
      {
        type: describe(plain, "Anthropic's word for it"),
        message: plain,
        error_type: plain,
        metadata: ref('ErrorMetadata'),
        availability: ref('Availability'),
      },
      ['availability'],
    ),
    request_id: describe({ type: ['string', 'null'] }, 'The id of the generation'),
  }),
};
