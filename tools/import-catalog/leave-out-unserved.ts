// An endpoint that no request can be built for would be routed to, and fail: it is left out, and told. Models of Gemini that draw do so in a conversation.
import { JOBS_OF_DIALECT, JOBS_OTHERWISE, MODELS_OF_JOB } from './curated/jobs-of-dialect.ts';
import type { Draft, DraftProvider } from './draft-listed.ts';
import type { Report } from './report.ts';

/** https://ai.google.dev/gemini-api/docs/image-generation; in a conversation an image is counted in tokens. */
const drawsInChat = (dialect: string, { upstreamModel, endpoint }: Draft): boolean =>
  dialect === 'gemini' && upstreamModel.startsWith('gemini-') && endpoint.price['imageOutput'] !== undefined;

const asChat = (draft: Draft): Draft => {
  const endpoint = {
    ...draft.endpoint,
    ...{ inputModalities: ['text', 'image'], outputModalities: ['text', 'image'], abilities: ['sampling' as const] },
  };
  delete endpoint.apis;
  return { ...draft, endpoint };
};

export const leaveOutUnserved = (providers: readonly DraftProvider[], report: Report): DraftProvider[] =>
  providers.map(({ head, endpoints }) => {
    const { slug, dialect } = head;
    const known = JOBS_OF_DIALECT[dialect] ?? [];
    const served = endpoints.flatMap((draft) => {
      const job = draft.endpoint.apis?.find((api) => api !== 'chat');
      if (job === undefined) return [draft];
      if (job === 'images' && drawsInChat(dialect, draft)) return [asChat(draft)];
      const otherwise = JOBS_OTHERWISE[slug]?.[job];
      const isKnown = known.includes(job) && (MODELS_OF_JOB[dialect]?.[job]?.test(draft.upstreamModel) ?? true);
      if (otherwise === undefined && isKnown) return [draft];
      report.note('api', {
        ...{ provider: slug, model: draft.upstreamModel },
        detail: otherwise ?? `${job} by the dialect ${dialect}`,
      });
      return [];
    });
    return { head, endpoints: served };
  });
