// Tries endpoints for control, before clients are served there. Not an attempt: nothing of it is journalled, held or charged, and the health of endpoints does not count it.
import { Controller, Inject } from '@nestjs/common';
import { ProbeRun, type ProbeRequest, type ProbeResult } from '@waystation/contracts';
import { Handles } from '@waystation/runtime';
import { WORKER, type Worker } from '../worker.js';
import { runProbe } from './run-probe.js';

/** For one request; control waits longer than all that a probe may ask. Not scaled: a short clock makes no model faster. */
export const PROBE_REQUEST_MS = 12_000;

@Controller()
export class ProbeHandler {
  constructor(@Inject(WORKER) private readonly worker: Worker) {}

  @Handles(ProbeRun)
  async run(request: ProbeRequest): Promise<ProbeResult> {
    const { siteAt, open, client, log } = this.worker;
    const result = await runProbe(request, { siteAt, open, client, timeoutMs: PROBE_REQUEST_MS });
    const { status, latencyMs, used, problem } = result;
    log.info(
      { endpointId: request.endpoint.id, status, latencyMs, used, step: problem?.step },
      'an endpoint was tried',
    );
    return result;
  }
}
