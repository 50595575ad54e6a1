// Text out of a sound, as OpenAI and its followers are asked for it: a form with a file. https://platform.openai.com/docs/api-reference/audio/createTranscription
import { soundLength } from '@waystation/dialects';
import { fieldsOf, jobUpstream, leaveOutBut } from '../jobs/job-request.js';
import { transcriptAnswer } from '../jobs/read-transcript.js';
import { writeForm, type FormPart } from '../jobs/write-form.js';
import { numberOf, recordOf, textOf } from '../json-shape.js';
import { Losses } from '../losses.js';
import type { Job } from '../spec.js';

const KNOWN = [
  ...['model', 'input_audio', 'language', 'prompt', 'response_format', 'temperature', 'timestamp_granularities'],
  ...['include', 'chunking_strategy'],
];
const VERBOSE = 'verbose_json';
/** Formats whose media type is not named after them. https://www.iana.org/assignments/media-types/media-types.xhtml#audio */
const SOUND_TYPES: Readonly<Record<string, string>> = { mp3: 'audio/mpeg', mpga: 'audio/mpeg', m4a: 'audio/mp4' };

/** One part for each item of a list, under a name that says so; text and numbers as they are; the rest as JSON. */
const partsOf = (name: string, value: unknown): FormPart[] => {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: unknown) => partsOf(`${name}[]`, item));
  return [{ name, value: typeof value === 'string' ? value : JSON.stringify(value) }];
};

export const transcriptionJob: Job = (request) => {
  const { upstreamModel, quirks } = request;
  const fields = fieldsOf(request);
  const losses = new Losses();
  leaveOutBut(KNOWN, fields, losses);
  const sound = recordOf(fields['input_audio']);
  const data = textOf(sound['data']) ?? '';
  const format = (textOf(sound['format']) ?? '').toLowerCase();
  const isVerbose = fields['response_format'] === VERBOSE;
  const byDuration = quirks['billsDuration'] === true;
  const { timestamp_granularities: granularities } = fields;
  if (!isVerbose && granularities !== undefined && granularities !== null)
    losses.lose('timestamp_granularities', `Timestamps come with response_format ${VERBOSE} only.`);
  const { contentType, body } = writeForm([
    {
      name: 'file',
      filename: `audio.${format}`,
      contentType: SOUND_TYPES[format] ?? `audio/${format}`,
      bytes: Buffer.from(data, 'base64'),
    },
    { name: 'model', value: upstreamModel },
    ...['language', 'prompt', 'temperature', 'chunking_strategy', 'include'].flatMap((name) =>
      partsOf(name, fields[name]),
    ),
    ...partsOf('response_format', byDuration ? VERBOSE : fields['response_format']),
    ...(isVerbose ? partsOf('timestamp_granularities', granularities) : []),
  ]);
  const path = textOf(quirks['transcriptionsPath']) ?? '/audio/transcriptions';
  return {
    upstream: {
      ...jobUpstream(path, body, losses.warnings),
      headers: ['content-type', contentType, 'accept', 'application/json'],
    },
    ...transcriptAnswer({
      length: soundLength(data),
      byDuration,
      textOnly: byDuration && !isVerbose,
      secondsMin: numberOf(quirks['secondsMin']) ?? 0,
    }),
  };
};
