// A request for a generation, in whatever dialect: bytes → request, and the story begins. No logic of its own.
import { WaystationError, newGenerationId, toWaystationError, type Identity } from '@waystation/contracts';
import type { JobDialect, PublicDialect } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readContinue } from '../attempt/continuation.js';
import { readHedge } from '../attempt/hedge.js';
import { createBodyDelivery } from '../deliver/body-delivery.js';
import { clientOf } from '../deliver/client.js';
import { createStreamDelivery } from '../deliver/stream-delivery.js';
import { readIdempotencyKey } from '../idempotency/read-idempotency-key.js';
import type { Ingress } from '../ingress.js';
import { pooledRandomBytes } from '../random-bytes.js';
import { readWithPreset } from '../presets/use-preset.js';
import { readCacheWish } from '../replay/cache-wish.js';
import { readExplain } from './read-explain.js';
import { shortHash } from '../short-hash.js';
import { readTaskHeader } from '../tasks/read-task-header.js';
import { readTags } from './read-tags.js';
import { beginningOf } from '../trace-generation.js';
import { refuse } from './refuse.js';

const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header);

/** An empty header says nothing. */
const told = (header: string | string[] | undefined, maxLength: number): string | undefined =>
  one(header)?.slice(0, maxLength) || undefined;

/** How the calling application presents itself. */
const appOf = ({ headers }: FastifyRequest): Identity['app'] => {
  const referer = told(headers['http-referer'], 512);
  const title = told(headers['x-openrouter-title'], 256) ?? told(headers['x-title'], 256);
  return referer === undefined && title === undefined ? undefined : { referer, title };
};

export const beginGeneration = (
  ingress: Ingress,
  dialect: PublicDialect | JobDialect,
  http: FastifyRequest,
  reply: FastifyReply,
): void => {
  const head = { generationId: newGenerationId(Date.now(), pooledRandomBytes), requestId: http.id };
  try {
    const { caller } = http;
    if (caller === undefined) throw new WaystationError('missing_credentials', 'Missing Authentication header');
    const said = Buffer.isBuffer(http.body) ? http.body : Buffer.alloc(0);
    const options = { hash: shortHash, sessionHeader: one(http.headers['x-session-id']) };
    const asked = { dialect, workspaceId: caller.workspace.id, options };
    const { request, body, preset } = readWithPreset(ingress.presets, asked, said);
    const task = readTaskHeader(http.headers['x-waystation-task']);
    const tags = readTags(one(http.headers['x-waystation-tags']));
    const idempotencyKey = readIdempotencyKey(http.headers['idempotency-key']);
    const wantsMetadata = one(http.headers['x-openrouter-metadata'])?.toLowerCase() === 'enabled';
    const asksWhy = wantsMetadata || readExplain(one(http.headers['x-waystation-explain']));
    const cache = readCacheWish(http.headers, preset);
    const hedgeAfterMs = readHedge(one(http.headers['x-waystation-hedge']));
    const continues = readContinue(one(http.headers['x-waystation-continue']));
    reply.hijack();
    http.body = undefined; // streams can be long, and nobody here needs the bytes again
    const client = clientOf(reply.raw, ingress.cells.bytesOut);
    // The requests of jobs never are streams.
    const delivery =
      request.stream && 'streamEnd' in dialect
        ? createStreamDelivery({
            client,
            head,
            dialect,
            warmAfterMs: ingress.warmAfterMs,
            frameGaps: ingress.cells.frameGaps,
          })
        : createBodyDelivery({ client, head, dialect });
    const app = appOf(http);
    const trace = http.trace?.child('generation', beginningOf({ ...head, caller, request }));
    const begin = (): void =>
      ingress.generate(
        {
          generationId: head.generationId,
          requestId: head.requestId,
          head,
          caller,
          request,
          dialect,
          body: { bytes: body },
          userAgent: http.headers['user-agent'],
          idempotencyKey,
          wantsMetadata,
          keepsDecision: asksWhy ? 'asked' : Math.random() < ingress.decisionsKept ? 'drawn' : undefined,
          app,
          tags,
          cache,
          hedgeAfterMs,
          continues,
          preset,
          task,
          trace,
        },
        delivery,
        client,
      );
    if (trace === undefined) begin();
    else trace.run(begin);
  } catch (thrown) {
    refuse(http, reply, toWaystationError(thrown), ['x-generation-id', head.generationId]);
  }
};
