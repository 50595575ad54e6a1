// Claude on Google's Vertex AI: Messages, but for the model, which the path names, and the version, which stands in the body. https://docs.anthropic.com/en/api/claude-on-vertex-ai
import { editMembers, scanTopLevelFields } from '@waystation/dialects';
import { WaystationError } from '@waystation/contracts';
import {
  anthropicMessages,
  messagesPassthrough,
  messagesTranslation,
} from '../anthropic-messages/anthropic-messages.js';
import type { ProviderDialect, UpstreamRequest } from '../spec.js';

const VERSION = { key: 'anthropic_version', json: '"vertex-2023-10-16"' } as const;
const TOLD_OTHERWISE: ReadonlySet<string> = new Set(['model', VERSION.key]);
const HEADER = 'anthropic-version';

interface Asked {
  readonly upstreamModel: string;
  readonly stream: boolean;
}

const withoutVersion = (headers: readonly string[]): string[] =>
  headers.filter((_, at) => headers[at - (at % 2)] !== HEADER);

const atVertex = (built: UpstreamRequest, { upstreamModel, stream }: Asked): UpstreamRequest => {
  const remove = scanTopLevelFields(built.body, TOLD_OTHERWISE);
  if (remove === undefined) throw new WaystationError('malformed_json', 'The request body is not a JSON object.');
  return {
    ...built,
    path: `/models/${upstreamModel}:${stream ? 'streamRawPredict' : 'rawPredict'}`,
    headers: withoutVersion(built.headers),
    body: editMembers(built.body, { remove, replace: [], insert: [VERSION] }),
  };
};

export const vertexAnthropic: ProviderDialect = {
  name: 'vertex-anthropic',
  parseError: anthropicMessages.parseError,
  passthrough: {
    ...messagesPassthrough,
    buildRequest: (request) => atVertex(messagesPassthrough.buildRequest(request), request),
  },
  translation: {
    ...messagesTranslation,
    buildRequest: (request) =>
      atVertex(messagesTranslation.buildRequest(request), {
        upstreamModel: request.upstreamModel,
        stream: request.call.stream,
      }),
  },
};
