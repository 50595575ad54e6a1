// Liveness is per process: every process beats each second, and silence ends every stream with it, on either side.
// Nobody is judged while we could not hear: after our own outage or stall every peer gets a fresh period.
import { Alive } from '@waystation/contracts';
import type { CoreConnection } from '../connection/core-connection.js';
import type { Outage } from '../connection/outage.js';
import { encodeJson, parseJson, validate } from '../message/validate.js';
import type { BusTimes } from '../options.js';

export interface Liveness {
  /** Tells when the instance is lost: silent for too long, or leaving. At most once; forgotten then. */
  watch(instance: string, onLost: () => void): void;
  unwatch(instance: string, onLost: () => void): void;
  /** A message of the instance that is no beat: as good a sign of life. */
  heard(instance: string): void;
  /** The last beat of an orderly shutdown. */
  leave(): void;
  stop(): void;
}

interface Peer {
  heardAt: number;
  readonly watchers: Set<() => void>;
}

/** How often peers are judged in the time that makes them lost. */
const LOOKS_PER_PERIOD = 6;
/** A peer without streams is forgotten after so many silent periods. */
const PERIODS_REMEMBERED = 10;

export const createLiveness = (
  connection: CoreConnection,
  outage: Outage,
  times: BusTimes,
  self: { instance: string; services: readonly string[]; release: string },
  log: (message: string, fields: Record<string, unknown>) => void,
): Liveness => {
  const peers = new Map<string, Peer>();
  let listening = false;
  let judgedAt = performance.now();
  let leaving = false;

  const beat = (): void => {
    connection.publish(
      Alive.subjectOf(self.instance),
      encodeJson({
        v: Alive.version,
        instance: self.instance,
        services: self.services,
        release: self.release,
        sentAt: Date.now(),
        ...(leaving ? { leaving } : {}),
      }),
    );
  };

  const lose = (instance: string, peer: Peer, reason: string): void => {
    peers.delete(instance);
    if (peer.watchers.size === 0) return;
    log('a process is lost', { peer: instance, reason, streams: peer.watchers.size });
    const watchers = [...peer.watchers];
    peer.watchers.clear();
    for (const onLost of watchers) onLost();
  };

  const listen = (): void => {
    listening = true;
    connection.subscribe(Alive.subjectAny, undefined, (message) => {
      let alive;
      try {
        alive = validate(Alive.message, parseJson(message.data, 'A liveness beat'), 'A liveness beat');
      } catch (error) {
        log('refused a message', { subject: message.subject, error });
        return;
      }
      if (alive.instance === self.instance || message.subject !== Alive.subjectOf(alive.instance)) return;
      const peer = peers.get(alive.instance);
      if (alive.leaving === true) {
        if (peer !== undefined) lose(alive.instance, peer, 'it is shutting down');
      } else if (peer !== undefined) peer.heardAt = performance.now();
      else peers.set(alive.instance, { heardAt: performance.now(), watchers: new Set() });
    });
  };

  const judge = (): void => {
    const now = performance.now();
    const late = now - judgedAt > times.lostAfterMs / 2;
    judgedAt = now;
    if (connection.state !== 'connected') return;
    for (const [instance, peer] of peers) {
      if (late) peer.heardAt = now;
      else if (peer.watchers.size > 0) {
        if (now - peer.heardAt > times.lostAfterMs) lose(instance, peer, `silent for ${times.lostAfterMs} ms`);
      } else if (now - peer.heardAt > times.lostAfterMs * PERIODS_REMEMBERED) peers.delete(instance);
    }
  };

  outage.onReconnect(() => {
    const now = performance.now();
    for (const peer of peers.values()) peer.heardAt = now;
    beat();
  });
  beat();
  const beating = setInterval(beat, times.aliveEveryMs);
  const judging = setInterval(judge, times.lostAfterMs / LOOKS_PER_PERIOD);
  beating.unref();
  judging.unref();

  return {
    watch(instance, onLost) {
      if (!listening) listen();
      const peer = peers.get(instance);
      if (peer === undefined) peers.set(instance, { heardAt: performance.now(), watchers: new Set([onLost]) });
      else {
        // A stream with it is a sign of life of its own.
        if (peer.watchers.size === 0) peer.heardAt = performance.now();
        peer.watchers.add(onLost);
      }
    },
    unwatch: (instance, onLost) => void peers.get(instance)?.watchers.delete(onLost),
    heard(instance) {
      const peer = peers.get(instance);
      if (peer !== undefined) peer.heardAt = performance.now();
    },
    leave() {
      leaving = true;
      beat();
    },
    stop() {
      clearInterval(beating);
      clearInterval(judging);
    },
  };
};
