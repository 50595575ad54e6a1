// Messages without an answer: published once, lost while disconnected. What this process tells itself never leaves it.
import type { SignalContract } from '@waystation/contracts';
import type { Subscription } from '../bus.js';
import type { CoreConnection } from '../connection/core-connection.js';
import { encodeJson, parseJson, validate } from '../message/validate.js';

export interface Signals {
  signal<Message>(contract: SignalContract<Message>, instance: string, message: Message): void;
  onSignal<Message>(
    contract: SignalContract<Message>,
    instance: string | undefined,
    handler: (message: Message) => void,
  ): Subscription;
}

export const createSignals = (
  connection: CoreConnection,
  self: string,
  log: (message: string, fields: Record<string, unknown>) => void,
): Signals => {
  /** Handlers of this process, by the subject they listen to. */
  const locals = new Map<string, Set<(message: unknown) => void>>();

  const deliver = (subject: string, message: unknown): boolean => {
    const handlers = locals.get(subject);
    if (handlers === undefined) return false;
    for (const handler of handlers) {
      try {
        handler(message);
      } catch (error) {
        log('a signal handler failed', { subject, error });
      }
    }
    return true;
  };

  return {
    signal(contract, instance, message) {
      const subject = contract.subjectOf(instance);
      if (instance === self) {
        // To ourselves, or from us to all who listen.
        deliver(subject, message);
        deliver(contract.subjectAny, message);
      }
      connection.publish(subject, encodeJson(message), self);
    },

    onSignal(contract, instance, handler) {
      const subject = instance === undefined ? contract.subjectAny : contract.subjectOf(instance);
      const local = handler as (message: unknown) => void;
      const handlers = locals.get(subject) ?? new Set();
      handlers.add(local);
      locals.set(subject, handlers);
      const ours = contract.subjectOf(self);
      const subscription = connection.subscribe(subject, undefined, (message) => {
        // Our own echo: it was delivered when it was sent.
        if (message.subject === ours && message.reply === self) return;
        try {
          handler(
            validate(
              contract.message,
              parseJson(message.data, `A ${contract.name} signal`),
              `A ${contract.name} signal`,
            ),
          );
        } catch (error) {
          log('refused a message', { subject: message.subject, error });
        }
      });
      return {
        async drain() {
          handlers.delete(local);
          if (handlers.size === 0) locals.delete(subject);
          await subscription.drain();
        },
      };
    },
  };
};
