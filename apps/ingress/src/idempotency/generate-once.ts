// A generation whose request has an Idempotency-Key. The claim comes before everything else: a repetition holds no credit, plans nothing, and is told of its
// generation even where today's plan or credit would refuse it.
import { createHash } from 'node:crypto';
import { toWaystationError } from '@waystation/contracts';
import type { Delivery } from '../deliver/delivery.js';
import { answerBefore } from '../generate/finish.js';
import type { GenerateDeps } from '../generate/generate.js';
import type { GenerationRequest } from '../generate/generation.js';
import type { GiveUp } from '../generate/give-up.js';
import { generateOrReplay } from '../replay/generate-or-replay.js';
import type { Claim, Claims } from './claims.js';

const NO_BYTES = Buffer.alloc(0);

/** The same bytes to another API are another request. */
const bodyHashOf = ({ request, body }: GenerationRequest): string =>
  createHash('sha256')
    .update(`${request.features.api}\n`)
    .update(body.bytes ?? NO_BYTES)
    .digest('hex');

/** Never rejects, as `generate`. */
export const generateOnce = async (
  deps: GenerateDeps,
  claims: Claims,
  asked: GenerationRequest,
  key: string,
  delivery: Delivery,
  giveUp: GiveUp,
): Promise<void> => {
  let claim: Claim;
  try {
    claim = await claims.claim({
      workspaceId: asked.caller.workspace.id,
      key,
      bodyHash: bodyHashOf(asked),
      generationId: asked.generationId,
      deadlineAt: deps.nowMs() + deps.deadlineMs,
    });
  } catch (thrown) {
    return delivery.fail(toWaystationError(thrown), answerBefore(asked, deps.nowMs()));
  }
  claim.end(await generateOrReplay(deps, asked, delivery, giveUp));
};
