// Embeddings, rerank, images, speech and transcripts as OpenAI's followers have them: the client's bytes pass. Rerank is not OpenAI's: Jina's, Together's, vLLM's and our own shape is one.
// https://platform.openai.com/docs/api-reference/embeddings/create, https://docs.together.ai/reference/rerank-1, https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
import { EMBEDDINGS_FIELDS, RERANK_FIELDS, SPEECH_FIELDS } from '@waystation/dialects';
import { documentsOf } from '../jobs/rerank-documents.js';
import { fieldsOf, jobUpstream, passingBody } from '../jobs/job-request.js';
import { readEmbeddings } from '../jobs/read-embeddings.js';
import { soundAnswer } from '../jobs/read-sound.js';
import { imageJob } from './image-job.js';
import { textOf } from '../json-shape.js';
import { rerankAnswer } from '../jobs/read-rerank.js';
import { Losses } from '../losses.js';
import type { Job, Quirks } from '../spec.js';
import { transcriptionJob } from './transcription-job.js';

const pathOf = (quirks: Quirks, quirk: string, usual: string): string => {
  const path = quirks[quirk];
  return typeof path === 'string' ? path : usual;
};

const embed: Job = (request) => {
  const { quirks } = request;
  const losses = new Losses();
  // OpenAI refuses what it does not know.
  const leftOut = (field: string): boolean => {
    if (field !== 'input_type' || quirks['takesInputType'] === true) return false;
    losses.leaveOut(field);
    return true;
  };
  const body = passingBody(request, EMBEDDINGS_FIELDS, leftOut);
  return {
    upstream: jobUpstream(pathOf(quirks, 'embeddingsPath', '/embeddings'), body, losses.warnings),
    readAnswer: readEmbeddings,
  };
};

const rank: Job = (request) => ({
  upstream: jobUpstream(
    pathOf(request.quirks, 'rerankPath', '/rerank'),
    passingBody(request, RERANK_FIELDS, () => false),
    [],
  ),
  ...rerankAnswer(documentsOf(fieldsOf(request)['documents'])),
});

/** https://platform.openai.com/docs/guides/text-to-speech#supported-output-formats; raw samples have no registered type, and the reference's word is `audio/pcm`. */
const SOUND_TYPES: Readonly<Record<string, string>> = { mp3: 'audio/mpeg', opus: 'audio/ogg' };
/** The reference's default; OpenAI's is `mp3`. */
const USUAL_FORMAT = 'pcm';

const speak: Job = (request) => {
  const { response_format: asked, input } = fieldsOf(request);
  const format = textOf(asked) ?? USUAL_FORMAT;
  const isNull = asked === null;
  const body = passingBody(
    request,
    SPEECH_FIELDS,
    (field) => field === 'response_format' && isNull,
    asked === undefined || isNull ? [{ key: 'response_format', json: JSON.stringify(format) }] : [],
  );
  return {
    upstream: jobUpstream(pathOf(request.quirks, 'speechPath', '/audio/speech'), body, [], 'audio/*'),
    ...soundAnswer(textOf(input) ?? '', SOUND_TYPES[format] ?? `audio/${format}`),
  };
};

export const chatJobs: ReadonlyMap<string, Job> = new Map([
  ['embeddings', embed],
  ['rerank', rank],
  ['images', imageJob],
  ['speech', speak],
  ['transcriptions', transcriptionJob],
]);
