// Which of how many routers this is, by the beats that all send: they take turns at trying endpoints that are out, so that more routers do not try more often.
import type { Bus, Subscription } from '@waystation/bus';
import { Alive } from '@waystation/contracts';

/** A router that was silent for so long has no turn. */
const HEARD_MS = 3_000;
const ROUTERS_MAX = 256;

export interface Turns {
  turn(): { readonly place: number; readonly of: number };
  readonly beats: Subscription;
}

export const takeTurns = async (
  bus: Bus,
  scaleMs: (ms: number) => number,
  nowMs: () => number = () => performance.now(),
): Promise<Turns> => {
  const heard = new Map<string, number>();
  const beats = await bus.onSignal(Alive, undefined, ({ instance, services, leaving }) => {
    heard.delete(instance);
    if (leaving === true || instance === bus.instance || !services.includes('router')) return;
    heard.set(instance, nowMs());
    const [oldest] = heard.keys();
    if (heard.size > ROUTERS_MAX && oldest !== undefined) heard.delete(oldest);
  });
  return {
    turn() {
      const since = nowMs() - scaleMs(HEARD_MS);
      let [place, of] = [0, 1];
      for (const [instance, atMs] of heard) {
        if (atMs < since) continue;
        of += 1;
        if (instance < bus.instance) place += 1;
      }
      return { place, of };
    },
    beats,
  };
};
