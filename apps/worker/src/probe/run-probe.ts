// Tries an endpoint: asks it each of its questions as an attempt would, and stops at the first answer that is not good. Never throws: what goes wrong is the result.
import { toWaystationError, type ProbeRequest, type ProbeResult, type WaystationError } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import { prepareCall } from '../attempt/prepare-call.js';
import type { OpenedCredential } from '../site/credentials.js';
import type { Site } from '../site/sites.js';
import type { Worker } from '../worker.js';
import { askOnce } from './ask-once.js';
import { explainFailure } from './explain-failure.js';
import { PROBE_OUTPUT_TOKENS, questionsFor, type ProbeQuestion } from './probe-questions.js';

export interface ProbeMeans extends Pick<Worker, 'siteAt' | 'open' | 'client'> {
  /** For one request. */
  readonly timeoutMs: number;
}

/** Upstream a probe has no end user, and its generation no record. */
const IDENTITY = { workspaceId: 'operator', keyHash: '0'.repeat(64) };
const GENERATION = `gen-0000000000-${'0'.repeat(20)}`;
const INPUT_TOKENS_ESTIMATE = 8;

const NOTHING = Buffer.alloc(0);

const prepare = (
  { provider, endpoint }: ProbeRequest,
  question: ProbeQuestion,
  site: Site,
  opened: OpenedCredential,
) => {
  const terms = {
    generationId: GENERATION,
    identity: IDENTITY,
    dialect: question.dialect,
    stream: question.stream,
    spans: [],
    ...(question.api === 'chat' ? { outputCap: PROBE_OUTPUT_TOKENS } : {}),
    inputTokensEstimate: INPUT_TOKENS_ESTIMATE,
    attempt: {
      model: endpoint.model,
      provider: provider.slug,
      providerName: provider.name,
      upstreamModel: endpoint.upstreamModel,
      context: endpoint.context,
      ...(endpoint.maxOutput === undefined ? {} : { maxOutput: endpoint.maxOutput }),
      ...(endpoint.quirks === undefined ? {} : { quirks: endpoint.quirks }),
    },
  };
  return prepareCall(terms, Buffer.from(JSON.stringify(question.body)), { of: () => site, at: () => site }, opened);
};

export const runProbe = async (request: ProbeRequest, means: ProbeMeans): Promise<ProbeResult> => {
  const startedAt = performance.now();
  const { provider, endpoint } = request;
  const used: Usage[] = [];
  const result = (status: ProbeResult['status'], problem?: ProbeResult['problem']): ProbeResult => ({
    status,
    latencyMs: Math.round(performance.now() - startedAt),
    used: used.map((usage) => ({ ...usage })),
    ...(problem === undefined ? {} : { problem }),
  });
  const questions = questionsFor(endpoint);
  const [first] = questions;
  if (first === undefined)
    return result('untested', {
      step: 'request',
      message: `An endpoint for ${endpoint.apis.join(', ')} cannot be tried for next to nothing. Force it to serve it untried.`,
    });
  const failedBefore = (error: WaystationError, { api, stream }: ProbeQuestion): ProbeResult =>
    result('failing', explainFailure({ error, api, streamed: stream, status: undefined, answer: NOTHING, secret: '' }));
  let site: Site;
  let opened: OpenedCredential;
  try {
    site = means.siteAt(provider);
    opened = await means.open(request.credential, provider);
  } catch (error) {
    return failedBefore(toWaystationError(error), first);
  }
  for (const question of questions) {
    try {
      const call = prepare(request, question, site, opened);
      const { error, status, answer, usage } = await askOnce(means.client, call, means.timeoutMs);
      if (Object.keys(usage).length > 0) used.push(usage);
      if (error === undefined) continue;
      const { api, stream: streamed } = question;
      return result(
        'failing',
        explainFailure({ error, api, streamed, status, answer, secret: opened.credential.secret }),
      );
    } catch (error) {
      return failedBefore(toWaystationError(error), question);
    }
  }
  return result('passing');
};
