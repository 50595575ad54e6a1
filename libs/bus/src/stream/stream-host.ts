// Serves streams: judges what arrives (version, schema, age, room), takes bodies in parts, calls the handler, and keeps finished streams for a while.
// One queue group for literal and wildcard subjects, so that NATS delivers every request once however pools overlap.
import {
  AttemptCancel,
  AttemptCredit,
  WaystationError,
  encodeFrame,
  toWaystationError,
  type StreamContract,
} from '@waystation/contracts';
import type {
  HandlerContext,
  OpenStreamOptions,
  StreamCall,
  StreamHandler,
  StreamReader,
  Subscription,
} from '../bus.js';
import type { CoreMessage } from '../connection/core-connection.js';
import { parseInboxSubject } from '../inbox/inbox.js';
import { decodeStreamEnvelope, type StreamEnvelope } from '../message/envelope.js';
import { isPromise } from '../message/is-promise.js';
import { withTraceparent } from '../message/trace-context.js';
import { assertVersion, encodeJson, parseJson, validate } from '../message/validate.js';
import { BodyReceiver } from './body-parts.js';
import { atDeadline } from './deadline.js';
import { LocalStream } from './local-stream.js';
import type { StreamPort } from './port.js';
import { cancelError } from './reasons.js';
import { RemoteWriter, type WriterOwner } from './remote-writer.js';

export interface StreamHost {
  handle<Request, End>(
    contract: StreamContract<Request, End>,
    keys: readonly string[] | undefined,
    handler: StreamHandler<Request, End>,
  ): Subscription;
  /** Undefined where no handler of this process takes the key. */
  openLocal(
    contract: AnyStream,
    key: string,
    request: unknown,
    body: Uint8Array,
    options: OpenStreamOptions,
    call: string,
    reader: StreamReader<unknown>,
  ): StreamCall | undefined;
  /** Streams being written, both over the wire and in this process. */
  readonly runningCount: number;
  close(): void;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- contracts of any request and end; handlers are typed where they are registered
type AnyStream = StreamContract<any, any>;
type AnyHandler = StreamHandler<unknown, unknown>;

interface Registration {
  readonly contract: AnyStream;
  readonly keys: ReadonlySet<string> | undefined;
  readonly handler: AnyHandler;
  taking: boolean;
  running: number;
  drained: (() => void) | undefined;
}

/** A stream over the wire, from its request's arrival until nothing of it is kept. */
interface Hosted {
  readonly writer: RemoteWriter;
  readonly lost: () => void;
  readonly deadline: NodeJS.Timeout;
  /** Runs when the caller says go; unset where nobody asked. */
  onGo: (() => void) | undefined;
  receiver: { readonly body: BodyReceiver; readonly token: string; ask(): void } | undefined;
  finishedAt: number | undefined;
  keptBytes: number;
}

/** Of the time that its caller waits for an accept: a message that is older by its clock is asked about … */
const STALE_SHARE = 0.25;
/** … and the accept of one that is not is sent after this at the latest: the rest is left for the way and for a busy loop. */
const ACCEPT_SHARE = 0.4;
const EMPTY = Buffer.alloc(0);

/** What a handler is told besides. The signal is made only when somebody looks at it. */
class StreamContext implements HandlerContext {
  readonly #writer: RemoteWriter | LocalStream;
  readonly deadlineAt: number;
  readonly traceparent?: string;

  constructor(writer: RemoteWriter | LocalStream, deadlineAt: number, traceparent: string | undefined) {
    this.#writer = writer;
    this.deadlineAt = deadlineAt;
    if (traceparent !== undefined) this.traceparent = traceparent;
  }

  get signal(): AbortSignal {
    return this.#writer.signal;
  }
}

const skips = (request: unknown, instance: string): boolean =>
  request !== null &&
  typeof request === 'object' &&
  'skipInstances' in request &&
  Array.isArray(request.skipInstances) &&
  request.skipInstances.includes(instance);

export const createStreamHost = (port: StreamPort): StreamHost => {
  const hosted = new Map<string, Hosted>();
  const finished = new Set<Hosted>();
  const locals = new Set<LocalStream>();
  const registrations = new Set<Registration>();
  let keptBytes = 0;
  let receivingBytes = 0;
  let controlled = false;

  const release = (registration: Registration): void => {
    registration.running -= 1;
    if (registration.running === 0) registration.drained?.();
  };

  // the end of a hosted stream

  const stopReceiving = (each: Hosted): void => {
    if (each.receiver === undefined) return;
    port.inbox.forget(each.receiver.token);
    receivingBytes -= each.receiver.body.body.length;
    each.receiver = undefined;
  };
  const owner: WriterOwner = {
    finished(writer) {
      const each = hosted.get(writer.call);
      if (each === undefined) return;
      each.finishedAt = performance.now();
      each.keptBytes = writer.keptBytes;
      keptBytes += each.keptBytes;
      finished.add(each);
      for (const oldest of finished) {
        if (keptBytes <= port.bounds.keptFinishedMax) break;
        oldest.writer.discard();
      }
    },
    closed(writer) {
      const each = hosted.get(writer.call);
      if (each === undefined) return;
      hosted.delete(writer.call);
      clearTimeout(each.deadline);
      port.liveness.unwatch(writer.caller, each.lost);
      stopReceiving(each);
      if (finished.delete(each)) keptBytes -= each.keptBytes;
    },
  };

  // running a handler

  const run = (
    registration: Registration,
    request: unknown,
    body: Buffer,
    writer: RemoteWriter | LocalStream,
    deadlineAt: number,
    traceparent: string | undefined,
  ): void => {
    registration.running += 1;
    const failed = (thrown: unknown): void => {
      const error = toWaystationError(thrown);
      if (error.code === 'internal')
        port.log('error', 'a stream handler failed', {
          contract: registration.contract.name,
          call: writer.call,
          error: thrown,
        });
      writer.fail(error);
    };
    try {
      const context = new StreamContext(writer, deadlineAt, traceparent);
      const result = withTraceparent(traceparent, () => registration.handler(request, body, writer, context));
      if (!isPromise(result)) {
        // It goes on by callbacks, or is done: its stream knows.
        release(registration);
        return;
      }
      Promise.resolve(result)
        .then(() => {
          if (!writer.isOver && !writer.signal.aborted)
            failed(new Error('The handler returned without ending its stream.'));
        })
        .catch(failed)
        .finally(() => release(registration));
    } catch (thrown) {
      release(registration);
      failed(thrown);
    }
  };

  // taking a request

  const control = (): void => {
    if (controlled) return;
    controlled = true;
    const refuse = (subject: string, error: unknown): void => port.log('warn', 'refused a message', { subject, error });
    port.connection.subscribe(AttemptCredit.subjectOf(port.instance), undefined, (message) => {
      let credit;
      try {
        credit = validate(AttemptCredit.message, parseJson(message.data, 'A credit'), 'A credit');
      } catch (error) {
        refuse(message.subject, error);
        return;
      }
      if (credit.finished !== undefined) {
        for (const call of credit.finished) hosted.get(call)?.writer.discard();
        return;
      }
      const each = hosted.get(credit.call);
      if (each === undefined) {
        if (parseInboxSubject(message.reply) !== undefined)
          port.connection.publish(message.reply, encodeFrame('gone', 0, 0, EMPTY));
        return;
      }
      port.liveness.heard(each.writer.caller);
      const { onGo } = each;
      if (onGo !== undefined && credit.go === true) {
        each.onGo = undefined;
        onGo();
      }
      each.writer.credit(credit.sequence, credit.upToByte);
    });
    port.connection.subscribe(AttemptCancel.subjectOf(port.instance), undefined, (message) => {
      try {
        const cancel = validate(AttemptCancel.message, parseJson(message.data, 'A cancel'), 'A cancel');
        hosted.get(cancel.call)?.writer.abort(cancelError(cancel.reason), false);
      } catch (error) {
        refuse(message.subject, error);
      }
    });
  };

  const receiveBody = (each: Hosted, bytes: number, whenComplete: (body: Buffer) => void): void => {
    const token = port.inbox.token('p');
    const inbox = port.inbox.subjectOf(token);
    const body = new BodyReceiver(bytes);
    receivingBytes += bytes;
    const ask = (): void => each.writer.askPart(body.next, body.received, inbox);
    each.receiver = { body, token, ask };
    port.inbox.expect(token, (message) => {
      try {
        if (!body.take(message.data)) return;
      } catch (error) {
        each.writer.abort(toWaystationError(error), true);
        return;
      }
      if (!body.complete) {
        ask();
        return;
      }
      stopReceiving(each);
      whenComplete(body.body);
    });
    ask();
  };

  const acceptTimeoutOf = ({ a }: StreamEnvelope): number => a ?? port.times.acceptTimeoutMs;
  const isStale = (envelope: StreamEnvelope, now: number): boolean =>
    port.loop.stalled() || now >= envelope.d || Math.abs(now - envelope.s) > acceptTimeoutOf(envelope) * STALE_SHARE;

  const take = (registration: Registration, message: CoreMessage, from: { instance: string; token: string }): void => {
    const { contract } = registration;
    const { envelope, body } = decodeStreamEnvelope(message.data);
    assertVersion(envelope.v, contract.version, `A ${contract.name} request`);
    const request: unknown = validate(contract.request, envelope.request, `A ${contract.name} request`);
    const partsBytes = envelope.p ?? 0;
    if (partsBytes > port.bounds.bodyMax)
      throw new WaystationError(
        'payload_too_large',
        `A body may have ${port.bounds.bodyMax} bytes, not ${partsBytes}.`,
      );
    // The same try twice: a caller never does that, so nothing may come of it.
    if (hosted.has(from.token)) return;

    const now = Date.now();
    port.onTaken(contract.name, now - envelope.s);
    const stale = isStale(envelope, now);
    // The caller's clock may be wrong, its span of time is not.
    const deadlineAt = stale ? now + Math.max(0, envelope.d - envelope.s) : envelope.d;
    const writer = new RemoteWriter(port, owner, from.instance, from.token, message.reply, envelope.w);
    const each: Hosted = {
      writer,
      lost: () => writer.abort(new WaystationError('cancelled', 'The process of the caller is lost.'), false),
      deadline: atDeadline(deadlineAt, () => {
        if (each.finishedAt === undefined) writer.abort(cancelError('deadline'), false);
      }),
      onGo: undefined,
      receiver: undefined,
      finishedAt: undefined,
      keptBytes: 0,
    };
    hosted.set(from.token, each);
    port.liveness.watch(from.instance, each.lost);

    const start = (): void => {
      if (partsBytes === 0) {
        writer.acceptSoon(Math.min(port.times.acceptAfterMs, acceptTimeoutOf(envelope) * ACCEPT_SHARE));
        run(registration, request, body, writer, deadlineAt, envelope.t);
      } else
        receiveBody(each, partsBytes, (whole) => run(registration, request, whole, writer, deadlineAt, envelope.t));
    };
    if (
      !registration.taking ||
      skips(request, port.instance) ||
      (partsBytes > 0 && receivingBytes + partsBytes > port.bounds.bodiesReceivingMax)
    )
      writer.busy();
    else if (stale) {
      each.onGo = start;
      writer.askGo();
    } else start();
  };

  const onRequest = (registration: Registration, message: CoreMessage): void => {
    const from = parseInboxSubject(message.reply);
    if (from === undefined) {
      port.log('warn', 'refused a message', {
        subject: message.subject,
        reason: 'a stream request needs the inbox of its caller as reply subject',
      });
      return;
    }
    try {
      take(registration, message, from);
    } catch (thrown) {
      const error = toWaystationError(thrown);
      port.log('warn', 'refused a message', { subject: message.subject, code: error.code, reason: error.message });
      port.connection.publish(
        message.reply,
        encodeFrame('error', 0, 0, encodeJson(error.toWire())),
        port.inbox.subjectOf(from.token),
      );
    }
  };

  // keeping

  const looking = setInterval(() => {
    const now = performance.now();
    for (const each of finished) {
      if (now - (each.finishedAt ?? now) <= port.times.keepFinishedMs) break;
      each.writer.discard();
    }
    if (port.connection.state !== 'connected') return;
    for (const { writer, receiver } of hosted.values()) {
      writer.look();
      if (receiver === undefined) continue;
      if (!receiver.body.heard) receiver.ask();
      receiver.body.heard = false;
    }
  }, port.times.creditEveryMs);
  looking.unref();
  port.outage.onReconnect(() => {
    for (const { writer } of hosted.values()) writer.reconnected();
  });
  port.outage.onLongerThan(port.times.disconnectGraceMs, () => {
    const error = new WaystationError('bus_unavailable', 'The message bus has been away for too long.');
    for (const { writer, finishedAt } of [...hosted.values()]) if (finishedAt === undefined) writer.abort(error, false);
  });

  return {
    get runningCount() {
      return hosted.size - finished.size + locals.size;
    },

    handle(contract, keys, handler) {
      control();
      const registration: Registration = {
        contract,
        keys: keys === undefined ? undefined : new Set(keys),
        // Typed where it is registered; what reaches it has passed the contract's schema or comes from a typed caller in this process.
        handler: handler as AnyHandler,
        taking: true,
        running: 0,
        drained: undefined,
      };
      registrations.add(registration);
      const subjects = keys === undefined ? [contract.subjectAny] : keys.map((key) => contract.subjectOf(key));
      const subscriptions = subjects.map((subject) =>
        port.connection.subscribe(subject, contract.queue, (message) => onRequest(registration, message)),
      );
      return {
        async drain() {
          registrations.delete(registration);
          await Promise.all(subscriptions.map((subscription) => subscription.drain()));
          registration.taking = false;
          if (registration.running > 0) await new Promise<void>((resolve) => (registration.drained = resolve));
        },
      };
    },

    openLocal(contract, key, request, body, options, call, reader) {
      let found: Registration | undefined;
      for (const each of registrations)
        if (each.contract.name === contract.name && (each.keys === undefined || each.keys.has(key))) found = each;
      if (found === undefined) return undefined;
      const registration = found;
      const stream = new LocalStream(port, call, options, reader, (closed) => void locals.delete(closed));
      locals.add(stream);
      // Not at once: the caller first gets its grip on the stream, then its callbacks.
      queueMicrotask(() => {
        if (stream.isOver) return;
        if (skips(request, port.instance)) stream.busy();
        else
          run(
            registration,
            request,
            Buffer.from(body.buffer, body.byteOffset, body.byteLength),
            stream,
            options.deadlineAt,
            undefined,
          );
      });
      return stream;
    },

    close() {
      clearInterval(looking);
      const error = new WaystationError('shutting_down', 'The worker is shutting down.', {
        retryAfterMs: port.times.aliveEveryMs,
      });
      for (const { writer, finishedAt } of [...hosted.values()])
        if (finishedAt === undefined) writer.abort(error, true);
      for (const stream of [...locals]) stream.giveUp(error);
    },
  };
};
