// A network for tests that loses, doubles and reorders what it is told to. Routes like NATS: wildcards, queue groups, "no responders".
import type { BusState } from '../bus.js';
import type { CoreConnection, CoreHeaders, CoreMessage } from './core-connection.js';

/** What happens to a message on its way to one subscriber. */
export type Fate = 'pass' | 'drop' | 'twice' | 'late';

export interface MemoryNetwork {
  connect(): MemoryConnection;
  /** Decides the fate of every delivery; all pass without it. */
  fate: (subject: string, data: Uint8Array) => Fate;
  /** Messages delivered so far, by subject. */
  readonly delivered: Map<string, number>;
}

export interface MemoryConnection extends CoreConnection {
  /** Cuts or restores this connection alone; what is published meanwhile is refused, what is on its way is lost. */
  setState(state: BusState): void;
}

interface Subscriber {
  readonly pattern: readonly string[];
  readonly queue: string | undefined;
  readonly owner: { state: BusState };
  readonly onMessage: (message: CoreMessage) => void;
}

const MAX_PAYLOAD = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

const matches = (pattern: readonly string[], subject: readonly string[]): boolean => {
  for (const [index, token] of pattern.entries()) {
    if (token === '>') return subject.length > index;
    if (index >= subject.length || (token !== '*' && token !== subject[index])) return false;
  }
  return pattern.length === subject.length;
};

const messageOf = (
  subject: string,
  data: Uint8Array,
  reply: string,
  status: number,
  headers: CoreHeaders | undefined,
): CoreMessage => ({
  subject,
  reply,
  data,
  status,
  description: '',
  header: (name) => headers?.find(([each]) => each === name)?.[1],
});

export const memoryNetwork = (): MemoryNetwork => {
  const subscribers = new Set<Subscriber>();
  const delivered = new Map<string, number>();
  const late: (() => void)[] = [];
  let turn = 0;

  const deliver = (to: Subscriber, message: CoreMessage): void => {
    setImmediate(() => {
      if (!subscribers.has(to) || to.owner.state !== 'connected') return;
      delivered.set(message.subject, (delivered.get(message.subject) ?? 0) + 1);
      to.onMessage(message);
    });
  };
  const route = (message: CoreMessage): boolean => {
    const tokens = message.subject.split('.');
    // Whoever is away has no subscription, as with NATS.
    const found = [...subscribers].filter(
      ({ pattern, owner }) => owner.state === 'connected' && matches(pattern, tokens),
    );
    const groups = new Map<string, Subscriber[]>();
    const chosen = found.filter(({ queue }) => queue === undefined);
    for (const each of found) {
      if (each.queue !== undefined) groups.set(each.queue, [...(groups.get(each.queue) ?? []), each]);
    }
    for (const members of groups.values()) chosen.push(members[turn++ % members.length] as Subscriber);
    for (const to of chosen) {
      const fate = network.fate(message.subject, message.data);
      if (fate === 'late') late.push(() => deliver(to, message));
      else {
        if (fate !== 'drop') deliver(to, message);
        if (fate === 'twice') deliver(to, message);
        for (const send of late.splice(0)) send();
      }
    }
    return chosen.length > 0;
  };

  const network: MemoryNetwork = {
    fate: () => 'pass',
    delivered,
    connect() {
      const owner: { state: BusState } = { state: 'connected' };
      const listeners: ((state: BusState) => void)[] = [];
      const connection: MemoryConnection = {
        get state() {
          return owner.state;
        },
        maxPayload: MAX_PAYLOAD,
        onState: (listener) => void listeners.push(listener),
        onRefusal: () => undefined,
        publish(subject, payload, reply = '', headers) {
          if (owner.state !== 'connected') return false;
          // The receiver must not see what the sender does to its buffer later.
          const sent = messageOf(subject, Buffer.from(payload), reply, 0, headers);
          if (!route(sent) && reply !== '') route(messageOf(reply, EMPTY, '', 503, undefined));
          return true;
        },
        subscribe(subject, queue, onMessage) {
          const subscriber: Subscriber = { pattern: subject.split('.'), queue, owner, onMessage };
          subscribers.add(subscriber);
          return {
            drain() {
              subscribers.delete(subscriber);
              return Promise.resolve();
            },
          };
        },
        flush: () => Promise.resolve(),
        close() {
          connection.setState('closed');
          return Promise.resolve();
        },
        setState(state) {
          owner.state = state;
          for (const listener of listeners) listener(state);
        },
      };
      return connection;
    },
  };
  return network;
};
