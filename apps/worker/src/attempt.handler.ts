// One attempt at one endpoint: take it or answer busy, call upstream while the journal learns of it, relay, tell how it ended.
// Invariants: nothing is sent upstream that the journal cannot record; every attempt whose start was journalled gets exactly one finish line.
import { Controller, Inject } from '@nestjs/common';
import type { AttemptWriter } from '@waystation/bus';
import { AttemptRun, type AttemptRunRequest } from '@waystation/contracts';
import type { Warning } from '@waystation/generation';
import { Handles, isTracing, operationOf, span, type OpenSpan } from '@waystation/runtime';
import type { HeldAmounts } from './attempt/allowance.js';
import type { Logger } from 'pino';
import { endMessage } from './attempt/end-message.js';
import { attemptFinishedLine, attemptStartedLine } from './attempt/money-lines.js';
import { credentialFor, prepareCall } from './attempt/prepare-call.js';
import { Relay, type RelayResult } from './attempt/relay.js';
import type { OpenedCredential } from './site/credentials.js';
import { tellOwnKey } from './site/tell-own-key.js';
import { beginningOf, endingOf } from './trace-attempt.js';
import { WORKER, type Worker } from './worker.js';

/** Knows the id alone: it waits for the journal's ack, and the request with its prices and plan must not. */
const reportLost =
  (log: Logger, attemptId: string) =>
  (error: unknown): void =>
    log.error({ err: error, attemptId }, 'the journal did not take the end of an attempt; the sweeper will settle it');

@Controller()
export class AttemptHandler {
  constructor(@Inject(WORKER) private readonly worker: Worker) {}

  @Handles(AttemptRun)
  run(request: AttemptRunRequest, body: Buffer, writer: AttemptWriter): Promise<void> | void {
    const { worker } = this;
    if (!worker.takes(request)) return this.#busy(writer);
    const credential = credentialFor(request, worker.sites, worker.credentials);
    if (!(credential instanceof Promise)) return this.#traced(request, body, writer, credential);
    // A token that nobody needed for long: what may be taken is asked again when it is there.
    return credential.then((opened) =>
      worker.takes(request) ? this.#traced(request, body, writer, opened) : this.#busy(writer),
    );
  }

  #traced(
    request: AttemptRunRequest,
    body: Buffer,
    writer: AttemptWriter,
    credential: OpenedCredential,
  ): Promise<void> | void {
    if (!isTracing()) return this.#attempt(request, body, writer, credential, undefined);
    const name = `${operationOf(request.dialect)} ${request.attempt.model}`;
    return span(
      name,
      beginningOf(request),
      (trace) => this.#attempt(request, body, writer, credential, trace),
      'client',
    );
  }

  #attempt(
    request: AttemptRunRequest,
    body: Buffer,
    writer: AttemptWriter,
    credential: OpenedCredential,
    trace: OpenSpan | undefined,
  ): Promise<void> | void {
    const { worker } = this;
    const call = prepareCall(request, body, worker.sites, credential);
    if (!worker.client.hasRoom(call.target)) return this.#busy(writer);
    const place = worker.capacity.take(request);
    if (place.kind === 'not-here') return this.#busy(writer);
    if (place.kind === 'full') {
      worker.metrics.full.value += 1;
      return writer.fail(place.error);
    }

    const allowance = worker.allowances.open(request, writer.caller);
    const relay = new Relay(call, writer, worker.relayOptions(request.attempt.billsAfterCancel, allowance));
    const leave = worker.inFlight.add(request, relay, allowance);
    const started = worker.facts.append(attemptStartedLine(request, worker.instance, Date.now()));
    const { warnings } = call;
    // A callback instead of `await`, so that the body is not kept for as long as the response takes.
    return relay.run(worker.client, call, started).then((result) => {
      leave();
      place.leave?.(result.report.usage);
      if (allowance !== undefined) worker.allowances.close(request.attemptId, allowance);
      this.#tell(request, result, warnings, writer, allowance?.held, trace?.traceId);
      trace?.set(endingOf(result));
      trace?.end(result.error?.code);
    });
  }

  #busy(writer: AttemptWriter): void {
    this.worker.metrics.busy.value += 1;
    writer.busy();
  }

  /** @param held what is held by now, where it grew */
  #tell(
    request: AttemptRunRequest,
    result: RelayResult,
    warnings: readonly Warning[],
    writer: AttemptWriter,
    held: HeldAmounts | undefined,
    traceId: string | undefined,
  ): void {
    const { facts, health, metrics, log, instance } = this.worker;
    // An empty completion ends in order: its usage belongs into the first witness too. It is the caller who makes an error of it.
    if (result.error === undefined || result.outcome === 'empty') writer.end(endMessage(request, result, warnings));
    else writer.fail(request.attempt.byok ? tellOwnKey(result.error, request.attempt) : result.error);
    facts
      .appendSoon(attemptFinishedLine(request, instance, result, Date.now(), held))
      .catch(reportLost(log, request.attemptId));
    health.record(request.attempt, result);
    metrics.record(request, result, traceId);
    if (!log.isLevelEnabled('debug')) return;
    const { outcome, error } = result;
    // The code and the reason only: messages and causes may quote a provider, and a provider may quote the prompt.
    const why = error === undefined ? {} : { code: error.code, reason: error.details?.['reason'] };
    log.debug(
      { attemptId: request.attemptId, endpointId: request.attempt.endpointId, outcome, ...why },
      'attempt ended',
    );
  }
}
