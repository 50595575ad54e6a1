// How tests ask a job and read its answer, in pieces as they come from a socket.
import { JobReader } from '../jobs/job-reader.js';
import type { Job, JobRequest, ProviderDialect, ResponseReader, ResponseTerms } from '../spec.js';
import { CONFORMANCE_TERMS } from './conformance.js';

const PIECE_BYTES = 7;

export const jobOf = ({ name, jobs }: Pick<ProviderDialect, 'name' | 'jobs'>, job: string): Job => {
  const found = jobs?.get(job);
  if (found === undefined) throw new Error(`${name} has no job ${job}`);
  return found;
};

export const jobRequest = (fields: object, more: Partial<JobRequest> = {}): JobRequest => ({
  body: Buffer.from(JSON.stringify(fields)),
  upstreamModel: 'm-1',
  quirks: {},
  ...more,
});

/** What the provider is asked. */
export const askedFor = (job: Job, fields: object, more: Partial<JobRequest> = {}) => {
  const { upstream } = job(jobRequest(fields, more));
  return {
    path: upstream.path,
    body: JSON.parse(upstream.body.toString()) as unknown,
    warned: upstream.warnings.map(({ field }) => field),
  };
};

/** What the client gets of an answer, and what is known of it. */
export const answered = (
  job: Job,
  fields: object,
  answer: string | Buffer,
  terms: Partial<ResponseTerms> = {},
): { readonly reader: ResponseReader; readonly text: string } => {
  const written: Buffer[] = [];
  const reader = new JobReader(job(jobRequest(fields)), { ...CONFORMANCE_TERMS, stream: false, ...terms }, (bytes) =>
    written.push(bytes),
  );
  const bytes = Buffer.from(answer);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) reader.push(Buffer.from(bytes.subarray(at, at + PIECE_BYTES)));
  reader.end();
  return { reader, text: Buffer.concat(written).toString() };
};
