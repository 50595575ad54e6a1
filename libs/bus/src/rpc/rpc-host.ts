// Answers rpcs: for callers behind NATS by messages that are judged on arrival, for callers in this process by a direct call.
import { WaystationError, toWaystationError, type RpcContract } from '@waystation/contracts';
import type { RpcHandler, Subscription } from '../bus.js';
import type { CoreConnection, CoreMessage } from '../connection/core-connection.js';
import { decodeEnvelope } from '../message/envelope.js';
import { isPromise } from '../message/is-promise.js';
import { withTraceparent } from '../message/trace-context.js';
import { assertVersion, parseJson, validate } from '../message/validate.js';
import { CallContext } from './call-context.js';

/** First byte of a reply: what follows is the reply's JSON, or an ErrorWire. */
export const REPLY_OK = 1;
export const REPLY_ERROR = 0;

/** A handler that lives in this process. */
export interface LocalRpc {
  call(request: unknown, context: CallContext): unknown;
}

export interface RpcHost {
  handle<Request, Reply>(contract: RpcContract<Request, Reply>, handler: RpcHandler<Request, Reply>): Subscription;
  /** Looked up by callers in this process. */
  local(subject: string): LocalRpc | undefined;
}

const encodeReply = (marker: number, value: unknown): Buffer => {
  const json = JSON.stringify(value) ?? 'null';
  const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(json));
  bytes[0] = marker;
  bytes.write(json, 1, 'utf8');
  return bytes;
};

/** The version inside the payload, where a contract has one there. */
const versionInside = (request: unknown, fallback: number): unknown =>
  request !== null && typeof request === 'object' && 'v' in request && typeof request.v === 'number'
    ? request.v
    : fallback;

export const createRpcHost = (
  connection: CoreConnection,
  onTaken: (contract: string, queuedMs: number) => void,
  log: (message: string, fields: Record<string, unknown>) => void,
): RpcHost => {
  const locals = new Map<string, LocalRpc>();

  return {
    local: (subject) => locals.get(subject),

    handle(contract, handler) {
      let running = 0;
      let drained: (() => void) | undefined;
      let taking = true;
      const finish = (): void => {
        running -= 1;
        if (running === 0) drained?.();
      };

      const answer = async (message: CoreMessage): Promise<void> => {
        const { envelope, body } = decodeEnvelope(message.data);
        assertVersion(envelope.v, contract.version, `A ${contract.name} request`);
        if (Date.now() >= envelope.d) return;
        const parsed = parseJson(body, `A ${contract.name} request`);
        assertVersion(versionInside(parsed, contract.version), contract.version, `A ${contract.name} request`);
        const request = validate(contract.request, parsed, `A ${contract.name} request`);
        const context = new CallContext(envelope.d, envelope.t);
        onTaken(contract.name, Date.now() - envelope.s);
        try {
          const reply = await withTraceparent(envelope.t, () => handler(request, context));
          const bytes = encodeReply(REPLY_OK, reply);
          if (bytes.length > connection.maxPayload) {
            throw new WaystationError(
              'internal',
              `The reply of ${contract.name} has ${bytes.length} bytes; a message may have ${connection.maxPayload}. Ask for less at once.`,
            );
          }
          connection.publish(message.reply, bytes);
        } finally {
          context.done();
        }
      };

      const subscription = connection.subscribe(contract.subject, contract.queue, (message) => {
        running += 1;
        answer(message)
          .catch((thrown: unknown) => {
            const error = toWaystationError(thrown);
            if (error.code === 'bad_message' || error.code === 'unknown_version')
              log('refused a message', { subject: contract.subject, code: error.code, reason: error.message });
            else if (error.code === 'internal')
              log('an rpc handler failed', { subject: contract.subject, error: thrown });
            if (message.reply !== '') connection.publish(message.reply, encodeReply(REPLY_ERROR, error.toWire()));
          })
          .finally(finish);
      });

      const local: LocalRpc = {
        call(request, context) {
          running += 1;
          let result: unknown;
          try {
            // The contract of the look-up and of this handler have the same subject, so that the request has this type.
            result = handler(request as Parameters<typeof handler>[0], context);
          } catch (error) {
            finish();
            throw error;
          }
          if (isPromise(result)) return Promise.resolve(result).finally(finish);
          finish();
          return result;
        },
      };
      locals.set(contract.subject, local);

      return {
        async drain() {
          if (!taking) return;
          taking = false;
          if (locals.get(contract.subject) === local) locals.delete(contract.subject);
          await subscription.drain();
          if (running > 0) await new Promise<void>((resolve) => (drained = resolve));
        },
      };
    },
  };
};
