// `POST /audio/speech`. https://platform.openai.com/docs/api-reference/audio/createSpeech; the reference API, section 4.4. The answer is sound: the bill is in `GET /generation` alone.
import { jobFields, readJob } from '../jobs/read-job.js';
import { aNumberIn, aStringOf, checkOptional, oneOf, refuse, typeOf, type Check } from '../openai-chat/check-type.js';
import type { JobDialect } from '../public-dialect.js';
import { measureTokens } from '../request/measure-tokens.js';
import { parseBody } from '../request/parse-body.js';
import { toDialectError } from '../to-dialect-error.js';

/** More than this no provider speaks at once. */
export const CHARACTERS_MAX = 100_000;

/** The reference has `mp3` and `pcm`; the others are OpenAI's. */
export const SPEECH_FORMATS = ['mp3', 'pcm', 'opus', 'aac', 'flac', 'wav'] as const;

const FIELDS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['voice', aStringOf(256)],
  ['response_format', oneOf(SPEECH_FORMATS)],
  ['speed', aNumberIn(0.25, 4)],
  ['instructions', aStringOf(CHARACTERS_MAX)],
]);

/** What a worker may edit. */
export const SPEECH_FIELDS = jobFields(['response_format']);

const inputOf = (input: unknown): string => {
  if (input === undefined || input === null) return refuse('input', 'Invalid request: input is required');
  if (typeof input !== 'string') return refuse('input', `Expected string, received ${typeOf(input)}`);
  const problem = aStringOf(CHARACTERS_MAX)(input);
  return problem === undefined ? input : refuse('input', problem);
};

export const speech: JobDialect = {
  name: 'speech',
  readRequest(bytes) {
    const { value: body, spans } = parseBody(bytes, SPEECH_FIELDS);
    for (const [field, check] of FIELDS) checkOptional(field, body[field], check);
    if ((body['input_references'] ?? null) !== null)
      refuse('input_references', 'voices cannot be cloned here; leave it out');
    const { length } = inputOf(body['input']);
    const { max, estimate } = measureTokens(
      bytes.length,
      { messageCount: 1, mediaCharacters: 0, images: 0, unbounded: false },
      0,
    );
    return readJob(body, spans, {
      api: 'speech',
      bodyBytes: bytes.length,
      tokens: { max, estimate, longest: estimate },
      inputs: 1,
      images: 0,
      modalities: ['text'],
      pieces: { characters: length },
    });
  },
  withBill: (answer) => (answer.length === 0 ? undefined : answer),
  toError: (error) => toDialectError(error, 'openai-chat'),
};
